"""A small warehouse, customers and their purchases: its catalog, and how its files are written."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SETTINGS = '[project]\nname = "shop"\n'

CUSTOMERS = """\
source: warehouse
engine: duckdb
tables: {customers: data/customers.parquet, purchases: data/purchases.parquet}
---
entity: customer
key: {type: integer, ordinals: direct}
population: {source: warehouse, table: customers, key: customer_id, since: first_seen}
"""
"""Further keys of the entity may follow."""

PURCHASES = """\
---
event: purchase
entities: {customer: customer_id}
at:
  source: warehouse
  table: purchases
  time: purchased_at
  id: {column: purchase_id, type: integer}
  unique: true
"""
"""Further keys of the event may follow."""

LAPSED = """\
---
segment: lapsed
entity: customer
where: {did_not: purchase, within: 7d}
"""


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write text files, by their paths in the project."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def write_table(root: Path, name: str, columns: Mapping[str, pa.Array]) -> None:
    """Write the Parquet file of a table, in place of the one before."""
    path = root / "data" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path)
