"""Tables as the Parquet files that DuckDB reads."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import assert_never

import pyarrow as pa
import pyarrow.parquet as pq

from segflow.model.types import ValueType
from segflow.ports import StagedTable


def write_parquet(folder: Path, tables: Iterable[StagedTable]) -> tuple[tuple[str, str], ...]:
    """Write each table into a file of the folder; give the pairs of table and file."""
    written = []
    for table in tables:
        file = f"{table.name}.parquet"
        arrays = {
            column.name: pa.array(
                [row.get(column.name) for row in table.rows], type=_arrow_type(column.type)
            )
            for column in table.columns
        }
        pq.write_table(pa.table(arrays), folder / file)
        written.append((table.name, file))
    return tuple(written)


def _arrow_type(type_: ValueType | None) -> pa.DataType:
    if type_ is None:
        return pa.uint64()
    if type_.is_list:
        return pa.list_(_arrow_type(replace(type_, is_list=False)))
    match type_.name:
        case "string" | "version":
            return pa.string()
        case "integer":
            return pa.int64()
        case "decimal":
            return pa.decimal128(type_.precision, type_.scale)
        case "float":
            return pa.float64()
        case "boolean":
            return pa.bool_()
        case "date":
            return pa.date32()
        case "timestamp":
            return pa.timestamp("ms", tz="UTC")
        case _:
            assert_never(type_.name)
