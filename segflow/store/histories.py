"""Segments' snapshots and membership logs: rows to records and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Executable, and_, bindparam, insert, select, update

from segflow.model.codec import canonical
from segflow.model.instant import Instant
from segflow.model.state import FailedRefresh, LogEntry, Membership, Snapshot
from segflow.store.batches import batches
from segflow.store.history import History
from segflow.store.tables import LOG_ENTRIES, SEGMENTS, SNAPSHOTS

_SNAPSHOT = (
    SNAPSHOTS.c.segment,
    SNAPSHOTS.c.as_of,
    SNAPSHOTS.c.definition,
    SNAPSHOTS.c.size,
    SNAPSHOTS.c.digest,
)
IS_CURRENT = and_(SNAPSHOTS.c.segment == SEGMENTS.c.name, SNAPSHOTS.c.number == SEGMENTS.c.current)
"""What joins the current snapshot of a segment to it."""

_CURRENT = select(*_SNAPSHOT).join(SEGMENTS, IS_CURRENT).order_by(SNAPSHOTS.c.segment)
_UPDATE = update(SEGMENTS).where(SEGMENTS.c.name == bindparam("of_name"))


def current_snapshots(
    connection: Connection, segments: Iterable[str] | None = None
) -> Mapping[str, Snapshot]:
    """The current snapshot of every segment that has one, or of those named."""
    if segments is None:
        rows = connection.execute(_CURRENT).all()
    else:
        rows = [
            row
            for names in batches(segments)
            for row in connection.execute(_CURRENT.where(SEGMENTS.c.name.in_(names)))
        ]
    return {row.segment: Snapshot(**row._mapping) for row in rows}


def failed_refreshes(connection: Connection) -> Mapping[str, FailedRefresh]:
    """The segments whose last refresh failed."""
    query = select(
        SEGMENTS.c.name.label("segment"),
        SEGMENTS.c.failed_as_of.label("as_of"),
        SEGMENTS.c.failed_reason.label("reason"),
    ).where(SEGMENTS.c.failed_as_of.is_not(None), SEGMENTS.c.current.is_not(None))
    found = (FailedRefresh(**row._mapping) for row in connection.execute(query))
    return {one.segment: one for one in found}


def note_failures(connection: Connection, failed: Sequence[FailedRefresh]) -> None:
    """Marks segments as stale until their next snapshots. One without a history has no mark."""
    rows = [
        {"of_name": one.segment, "failed_as_of": one.as_of, "failed_reason": one.reason}
        for one in failed
    ]
    _execute(connection, _UPDATE, rows)


def segments_with_members(connection: Connection) -> Sequence[str]:
    """The segments that have a current snapshot, even of nobody."""
    query = select(SEGMENTS.c.name).where(SEGMENTS.c.current.is_not(None))
    return connection.execute(query).scalars().all()


def snapshot_at(connection: Connection, segment: str, as_of: Instant) -> Snapshot | None:
    """The newest snapshot at or before an instant; of two at one instant, the later made."""
    query = (
        select(*_SNAPSHOT)
        .where(SNAPSHOTS.c.segment == segment, SNAPSHOTS.c.as_of <= as_of)
        .order_by(SNAPSHOTS.c.as_of.desc(), SNAPSHOTS.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Snapshot(**row._mapping)


def log(connection: Connection, segment: str) -> Sequence[LogEntry]:
    """The membership log of a segment, oldest first."""
    query = (
        select(LOG_ENTRIES).where(LOG_ENTRIES.c.segment == segment).order_by(LOG_ENTRIES.c.sequence)
    )
    return [LogEntry(**row._mapping) for row in connection.execute(query)]


def extend(
    connection: Connection, dropped: Sequence[LogEntry], memberships: Sequence[Membership]
) -> None:
    """Adds to the histories: first the drops, so that a segment can come again in one commit.

    Raises RefusedError and CorruptStateError as membership/succession.py says.
    """
    names = {entry.segment for entry in dropped}
    names |= {membership.snapshot.segment for membership in memberships}
    histories = _read(connection, sorted(names))
    for entry in dropped:
        histories[entry.segment].drop(entry)
    for membership in memberships:
        histories[membership.snapshot.segment].record(membership)
    _write(connection, histories.values())


def _read(connection: Connection, names: Sequence[str]) -> dict[str, History]:
    histories = {name: History(segment=name) for name in names}
    current = current_snapshots(connection, names)
    for batch in batches(names):
        for row in connection.execute(select(SEGMENTS).where(SEGMENTS.c.name.in_(batch))):
            histories[row.name] = History(
                segment=row.name,
                snapshots=row.snapshots,
                entries=row.entries,
                last_as_of=row.last_as_of,
                number=row.current,
                current=current.get(row.name),
                is_new=False,
            )
    return histories


def _write(connection: Connection, histories: Iterable[History]) -> None:
    grown = [found for found in histories if found.new_snapshots or found.new_entries]
    new = [{"name": found.segment, **_counts(found)} for found in grown if found.is_new]
    old = [{"of_name": found.segment, **_counts(found)} for found in grown if not found.is_new]
    _execute(connection, insert(SEGMENTS), new)
    _execute(connection, _UPDATE, old)
    _execute(
        connection,
        insert(SNAPSHOTS),
        [
            {"number": number, **asdict(snapshot), "costs": canonical(costs) if costs else None}
            for found in grown
            for number, snapshot, costs in found.new_snapshots
        ],
    )
    _execute(
        connection,
        insert(LOG_ENTRIES),
        [asdict(entry) for found in grown for entry in found.new_entries],
    )


def _counts(history: History) -> dict[str, Any]:
    return {
        "snapshots": history.snapshots,
        "entries": history.entries,
        "last_as_of": history.last_as_of,
        "current": history.number,
        "failed_as_of": None,
        "failed_reason": None,
    }


def _execute(connection: Connection, statement: Executable, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)
