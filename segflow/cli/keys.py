"""Keys for a person, and the keys of members as the content of a file."""

import csv
import io
import json
import unicodedata
from collections.abc import Iterable

from pyroaring import BitMap64

from segflow.cli.diagnostics import printable
from segflow.errors import RefusedError
from segflow.model.keys import Key
from segflow.ports import Keys


def shown(key: Key) -> str:
    """The key in a sentence; a text in quotes, so that spaces are seen."""
    return printable(json.dumps(key, ensure_ascii=False))


def in_order(keys: Keys) -> Iterable[Key]:
    """The keys, the least first; texts by code points."""
    return keys if isinstance(keys, BitMap64) else sorted(keys)


def lines_of(keys: Keys) -> list[str]:
    """One key per line. Raises RefusedError for a text that would break its line, or steer the
    terminal."""
    for key in keys if isinstance(keys, frozenset) else ():
        if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in key):
            raise RefusedError(
                f"the key {json.dumps(key)} can't be shown on a line",
                hint="--json shows it, and --out writes it into a .csv or a .parquet file",
            )
    return list(map(str, in_order(keys)))


def to_bytes(keys: Keys, suffix: str, column: str) -> bytes:
    """The keys in order, in the format that belongs to a file name's suffix: .parquet and .csv with
    one column called `column`, for any other one key per line. Raises as lines_of() does."""
    if suffix == ".parquet":
        return _parquet(keys, column)
    if suffix == ".csv" and isinstance(keys, frozenset):
        return _quoted(keys, column)
    lines = lines_of(keys)
    if suffix == ".csv":
        lines.insert(0, column)
    return "\n".join([*lines, ""]).encode()


def _quoted(keys: frozenset[str], column: str) -> bytes:
    """Texts in quotes, as `in_file` reads them again."""
    content = io.StringIO()
    rows = csv.writer(content, quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerows([text] for text in (column, *sorted(keys)))
    return content.getvalue().encode()


def _parquet(keys: Keys, column: str) -> bytes:
    # Loaded here: Arrow takes long, and is needed for this format only.
    import pyarrow as pa
    import pyarrow.parquet as pq

    type_ = pa.uint64() if isinstance(keys, BitMap64) else pa.string()
    content = io.BytesIO()
    pq.write_table(pa.table({column: pa.array(in_order(keys), type_)}), content)
    return content.getvalue()
