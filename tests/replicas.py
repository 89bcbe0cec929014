"""A PostgreSQL primary and its streaming replica that belong to one test: it may stop the replica,
let it fall behind, or promote it, which others' servers must not be."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.engines.people import until
from tests.own_servers import free_ports, own_home, run_script, runs

SCANS = (
    "SELECT sum(seq_scan + coalesce(idx_scan, 0))::int FROM pg_stat_user_tables"
    " WHERE schemaname = 'public'"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two servers, in a folder of their own."""

    home: Path
    port: int
    replica_port: int

    def start(self) -> None:
        """Start what does not run."""
        self._script("start-postgres")

    def stop(self) -> None:
        """Stop both."""
        self._script("stop-postgres")

    def stop_replica(self) -> None:
        """End its process, and wait until it is gone."""
        self._end("replica")

    def stop_primary(self) -> None:
        """The same of the primary, so that nothing streams."""
        self._end("primary")
        streaming = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        until(lambda: not self._of_replica(streaming))

    def forget_replica(self) -> None:
        """Remove what a stopped replica holds, so that it is copied anew."""
        shutil.rmtree(self._folder / "data/replica")

    def url(self, role: str = "reader") -> str:
        """That of the primary."""
        return f"postgresql://segflow_{role}:segflow_{role}@127.0.0.1:{self.port}/segflow"

    def replica_url(self, role: str = "reader") -> str:
        """That of the replica."""
        return self.url(role).replace(str(self.port), str(self.replica_port))

    def write(self, *statements: str) -> None:
        """Let the owner write; each statement is committed."""
        with psycopg.connect(self.url("owner"), autocommit=True) as owner:
            for statement in statements:
                owner.execute(statement.encode())

    def pause(self) -> None:
        """The replica replays no more of what it receives."""
        self._of_replica("SELECT pg_wal_replay_pause()")
        until(lambda: self._of_replica("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self) -> None:
        """It replays again, and has caught up."""
        self._of_replica("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def promote(self) -> None:
        """It follows nobody any longer."""
        assert self._of_replica("SELECT pg_promote()")

    def catch_up(self) -> None:
        """Wait until the replica shows what the primary has."""
        written = self.written()
        until(lambda: self._of_replica(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))

    def wait_received(self) -> None:
        """Wait until the replica has received what the primary has, replayed or not."""
        written = self.written()
        until(lambda: self._of_replica(f"SELECT pg_last_wal_receive_lsn() >= '{written}'"))

    def written(self) -> str:
        """How far the primary has written, also what is not on its disk yet."""
        return str(_one(self.url(), "SELECT pg_current_wal_insert_lsn()"))

    def replayed_until(self) -> Any:
        """When the last transaction was committed that the replica shows."""
        return self._of_replica("SELECT pg_last_xact_replay_timestamp()")

    def age(self) -> float:
        """How many seconds ago that was."""
        query = "SELECT extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())"
        return float(self._of_replica(query) or 0)

    def scans(self) -> int:
        """How often tables of the primary were read, since it was made."""
        return int(_one(self.url(), SCANS))

    @property
    def _folder(self) -> Path:
        return self.home / f"postgres-{self.port}"

    def _end(self, name: str) -> None:
        pid = int(self._folder.joinpath(f"run/{name}.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)
        until(lambda: not runs(pid))

    def _of_replica(self, query: str) -> Any:
        return _one(self.replica_url("owner"), query)

    def _script(self, name: str) -> None:
        ports = {
            "SEGFLOW_POSTGRES_PORT": str(self.port),
            "SEGFLOW_POSTGRES_REPLICA_PORT": str(self.replica_port),
        }
        run_script(name, self.home, ports)


def _one(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        (found,) = connection.execute(query.encode()).fetchone() or (None,)
        return found


@contextmanager
def pair() -> Iterator[Pair]:
    """A pair on free ports, which is stopped and removed at the end."""
    port, replica_port = free_ports(2)
    with own_home() as home:
        made = Pair(home, port, replica_port)
        try:
            made.start()
            yield made
        finally:
            made.stop()
