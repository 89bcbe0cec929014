"""chDB: ClickHouse in this process, on a folder of the project."""

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from chdb import ChdbError, connect

from segflow.engines.clickhouse_hosts import FORMAT, FailedQueryError, settings_of
from segflow.engines.clickhouse_sql import Query, escaped
from segflow.engines.files import file_inside
from segflow.errors import RefusedError, SourceUnavailableError
from segflow.model.catalog import Source

_AGAIN = 0.1
"""Seconds until a query that has not ended is told to once more."""


class EmbeddedHost:
    """Implements Host. A process has one folder open at a time."""

    def __init__(self, source: Source, root: Path, url: str | None = None) -> None:
        """Open the folder that the url names, relative to the project.

        Raises SourceUnavailableError where there is none, or another one is open.
        """
        folder = file_inside(source.name, root, url or str(source.url))
        if "?" in str(folder):
            raise RefusedError(
                f"source {source.name}: the path of a folder of chDB may have no question mark",
                hint="rename the folder",
            )
        self._plain = f"file:{folder}"
        settings = settings_of(source.limits).items()
        given = "&".join(f"{name}={value}" for name, value in settings)
        try:
            self._connection: Any = connect(f"{self._plain}?{given}")
        except (ChdbError, RuntimeError) as error:
            raise SourceUnavailableError(
                f"source {source.name}: {FailedQueryError(str(error))}",
                hint="a process reads one folder of chDB at a time; ask a server for more",
            ) from error
        # A query does not hear Ctrl-C: it runs beside the thread that does.
        self._worker = ThreadPoolExecutor(max_workers=1)

    def ask(self, query: Query) -> bytes:
        """See Host. Where a person gives up, so does the query."""
        given = {name: escaped(value) for name, value in query.parameters.items()}
        answer = self._worker.submit(self._ask, query.text, given)
        try:
            return answer.result()
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            # What has only just been asked is not there yet for who wants to end it.
            while not (answer.cancel() or answer.done()):
                self._kill()
                wait([answer], timeout=_AGAIN)
            raise

    def close(self) -> None:
        """See Host."""
        self._worker.shutdown()
        self._connection.close()

    def _ask(self, text: str, given: dict[str, str]) -> bytes:
        try:
            found: bytes = self._connection.query(text, FORMAT, params=given).bytes()
        except (ChdbError, RuntimeError) as error:
            raise FailedQueryError(str(error)) from error
        return found

    def _kill(self) -> None:
        """End what is asked. Nobody but this process asks chDB, and the query was not to change
        anything, so nothing is said where that fails."""
        with suppress(ChdbError, RuntimeError):
            other = connect(self._plain)
            other.query("KILL QUERY WHERE query_id != queryID() SYNC")
            other.close()
