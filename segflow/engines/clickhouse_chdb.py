"""chDB: ClickHouse in this process, on a folder of the project."""

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from chdb import ChdbError, connect

from segflow.engines.clickhouse_hosts import FORMAT, Answer, FailedQueryError, settings_of
from segflow.engines.clickhouse_sql import Query, escaped
from segflow.engines.files import file_inside
from segflow.errors import RefusedError, SourceUnavailableError
from segflow.model.catalog import Source
from segflow.ports import Volume

_POOLS = ("background_pool", "background_move_pool", "background_fetches_pool")
_IDLE = {f"{pool}_size": 0 for pool in (*_POOLS, "background_common_pool")}
"""Nobody merges, moves or changes what the folder holds while it is read. Threads that do would
also outlive it, five of each open, and chDB aborts the process when it has 10,000."""
_AGAIN = 0.1
"""Seconds until it is looked again whether a query has ended, or is told to once more."""


@dataclass(slots=True)
class _Asked:
    """How far a query is that another thread asks, and whether anybody waits for it."""

    has_begun: bool = False
    is_given_up: bool = False
    over: Event = field(default_factory=Event)


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
        settings = {**_IDLE, **settings_of(source.limits)}
        given = "&".join(f"{name}={value}" for name, value in settings.items())
        try:
            self._connection: Any = connect(f"{self._plain}?{given}")
        except (ChdbError, RuntimeError) as error:
            raise SourceUnavailableError(
                f"source {source.name}: {FailedQueryError(str(error))}",
                hint="nobody else may have the folder open, and a process reads one at a time;"
                " ask a server for more",
            ) from error
        # A query does not hear Ctrl-C: it runs beside the thread that does. It is made now,
        # since one that Ctrl-C meets while it is made would never end.
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._worker.submit(bool).result()

    def ask(self, query: Query) -> Answer:
        """See Host. Where a person gives up, so does the query."""
        given = {name: escaped(value) for name, value in query.parameters.items()}
        asked = _Asked()
        try:
            answer = self._worker.submit(self._ask, query.text, given, asked)
            # A signal may wake another thread than this one, which then has to look by itself.
            while not answer.done():
                wait([answer], timeout=_AGAIN)
            return answer.result()
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            # It may have come while the query was handed over, which then begins all the same; and
            # what has only just begun is not there yet for who wants to end it.
            asked.is_given_up = True
            while asked.has_begun and not asked.over.is_set():
                self._kill()
                asked.over.wait(_AGAIN)
            raise

    def close(self) -> None:
        """See Host."""
        self._worker.shutdown()
        self._connection.close()

    def _ask(self, text: str, given: dict[str, str], asked: "_Asked") -> Answer:
        asked.has_begun = True  # before it is looked whether it may: one of both threads sees it
        try:
            if asked.is_given_up:
                raise FailedQueryError("nobody waits for it any longer")
            found = self._connection.query(text, FORMAT, params=given)
            read = Volume(rows=found.storage_rows_read(), bytes=found.storage_bytes_read())
            return Answer(found.bytes(), read)
        except (ChdbError, RuntimeError) as error:
            raise FailedQueryError(str(error)) from error
        finally:
            asked.over.set()

    def _kill(self) -> None:
        """End what is asked. Nobody but this process asks chDB, and the query was not to change
        anything, so nothing is said where that fails."""
        with suppress(ChdbError, RuntimeError):
            other = connect(self._plain)
            other.query("KILL QUERY WHERE query_id != queryID() SYNC")
            other.close()
