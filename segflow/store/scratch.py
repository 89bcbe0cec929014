"""A copy of a state with its ledger, to rehearse on: nothing of it ever comes back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from segflow.model.codec import digest as digest_of
from segflow.model.instant import Instant
from segflow.ports import SnapshotStore
from segflow.store import leases, runs, sending
from segflow.store.ledger import SqlLedger
from segflow.store.state import SqlStateStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Stores that may be written at will."""

    state: SqlStateStore
    ledger: SqlLedger
    snapshots: SnapshotStore


class ScratchSnapshots:
    """Implements ports.SnapshotStore: reads what another store has, keeps in memory what is new."""

    def __init__(self, base: SnapshotStore) -> None:
        self._base = base
        self._new: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        self._new[digest] = content
        return digest

    write = put

    def sync(self) -> None:
        pass

    def get(self, digest: str) -> bytes:
        found = self._new.get(digest)
        return self._base.get(digest) if found is None else found


@contextmanager
def scratch_copy(
    state: SqlStateStore, snapshots: SnapshotStore, since: Instant | None = None
) -> Iterator[Scratch]:
    """One consistent copy in memory of a state that was made, as it is now, with nobody's lease.

    The runs scheduled at or after `since` are forgotten with their sends, and the codes that they
    took are free again, so that the same span can be run anew. Raises StateUnavailableError where
    no state was made.
    """
    with SqlStateStore("sqlite://") as copy:
        copy.database.fill_from(state.database)
        copy.database.change(lambda connection: _prepare(connection, since))
        yield Scratch(
            state=copy,
            ledger=SqlLedger(copy.database),
            snapshots=ScratchSnapshots(snapshots),
        )


def _prepare(connection: Connection, since: Instant | None) -> None:
    leases.break_lease(connection, "state")
    leases.break_lease(connection, "runner")
    if since is not None:
        sending.forget(connection, since)
        runs.forget(connection, since)
