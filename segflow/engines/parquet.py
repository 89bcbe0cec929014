"""Parquet files of a project, as engines that read them are given them."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from segflow.engines.connected import first_line
from segflow.errors import SourceUnavailableError


def open_parquet(source: str, table: str, file: Path) -> Any:
    """The file, or the files of a folder, as a dataset of Arrow. Raises SourceUnavailableError."""
    from pyarrow import dataset  # it imports pandas where there is one

    try:
        return dataset.dataset(file, format="parquet")
    except (pa.ArrowException, OSError) as error:
        raise SourceUnavailableError(
            f"source {source}: table {table} can't be read: {first_line(error)}",
            hint="the file must be Parquet",
        ) from error


def finer_columns(schema: pa.Schema) -> list[str]:
    """The columns of timestamps in nanoseconds, which are finer than engines compare exactly."""
    return [one.name for one in schema if pa.types.is_timestamp(one.type) and one.type.unit == "ns"]
