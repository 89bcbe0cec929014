"""The keys of members as the content of a file."""

import io

from pyroaring import BitMap64


def to_bytes(keys: BitMap64, suffix: str, column: str) -> bytes:
    """The keys in order, in the format that belongs to a file name's suffix: .parquet and .csv with
    one column called `column`, for any other one key per line."""
    if suffix == ".parquet":
        return _parquet(keys, column)
    lines = [str(key) for key in keys]
    if suffix == ".csv":
        lines.insert(0, column)
    return "".join(f"{line}\n" for line in lines).encode()


def _parquet(keys: BitMap64, column: str) -> bytes:
    # Loaded here: Arrow takes long, and is needed for this format only.
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = io.BytesIO()
    pq.write_table(pa.table({column: pa.array(keys, pa.uint64())}), content)
    return content.getvalue()
