"""Runs of rules with their buckets and exposures: rows to records and back."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    RowMapping,
    Table,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from segflow.errors import RefusedError
from segflow.model.instant import Instant
from segflow.model.rule import HOLDOUT
from segflow.model.run import BucketRecord, Decision, ExposureRecord, Run
from segflow.store.batches import batches
from segflow.store.tables import BUCKETS, EXPOSURES, RUNS, SENDS

_BUCKET = (
    BUCKETS.c.bucket,
    BUCKETS.c.reason,
    BUCKETS.c.arm,
    BUCKETS.c["count"],
    BUCKETS.c.digest,
)
_EXPOSURE = (EXPOSURES.c.arm, EXPOSURES.c.at, EXPOSURES.c["count"], EXPOSURES.c.digest)


def run(connection: Connection, run_id: str) -> Run | None:
    """One run."""
    row = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).one_or_none()
    return None if row is None else _run(row)


def runs(connection: Connection, rule: str | None, limit: int | None) -> Sequence[Run]:
    """Runs, newest scheduled first."""
    query = select(RUNS).order_by(RUNS.c.scheduled.desc(), RUNS.c.rule).limit(limit)
    if rule is not None:
        query = query.where(RUNS.c.rule == rule)
    return [_run(row) for row in connection.execute(query)]


def called(connection: Connection, beginning: str) -> Sequence[Run]:
    """Runs whose id begins so, in order of id."""
    behind = beginning + chr(sys.maxunicode)  # a range: LIKE takes capitals for small letters
    query = select(RUNS).where(RUNS.c.id >= beginning, RUNS.c.id < behind).order_by(RUNS.c.id)
    return [_run(row) for row in connection.execute(query)]


def last_scheduled(connection: Connection, rule: str, at: Instant) -> Instant | None:
    """The newest scheduled instant of a rule that is not later than `at`."""
    query = select(func.max(RUNS.c.scheduled)).where(RUNS.c.rule == rule, RUNS.c.scheduled <= at)
    return connection.execute(query).scalar()


def unfinished(connection: Connection) -> Sequence[Run]:
    """Runs that were begun and not finished, oldest first."""
    query = select(RUNS).where(RUNS.c.status == "running").order_by(RUNS.c.scheduled, RUNS.c.rule)
    return [_run(row) for row in connection.execute(query)]


def buckets(connection: Connection, run_id: str) -> Sequence[BucketRecord]:
    """Where the users of a run are."""
    query = select(*_BUCKET).where(BUCKETS.c.run_id == run_id).order_by(BUCKETS.c.number)
    return [BucketRecord(**row._mapping) for row in connection.execute(query)]


def exposures(connection: Connection, run_id: str) -> Sequence[ExposureRecord]:
    """Who counts as exposed in a run, by arm."""
    query = select(*_EXPOSURE).where(EXPOSURES.c.run_id == run_id).order_by(EXPOSURES.c.arm)
    return [ExposureRecord(**row._mapping) for row in connection.execute(query)]


def held_out(
    connection: Connection, start: Instant, end: Instant, rule: str | None, channel: str | None
) -> Sequence[ExposureRecord]:
    """The exposures of holdouts in runs scheduled in [start, end), in order of time and rule."""
    query = (
        select(*_EXPOSURE)
        .join(RUNS, RUNS.c.id == EXPOSURES.c.run_id)
        .where(EXPOSURES.c.arm == HOLDOUT, RUNS.c.scheduled >= start, RUNS.c.scheduled < end)
        .order_by(RUNS.c.scheduled, RUNS.c.rule)
    )
    if rule is not None:
        query = query.where(RUNS.c.rule == rule)
    if channel is not None:
        query = query.where(exists().where(SENDS.c.run_id == RUNS.c.id, SENDS.c.channel == channel))
    return [ExposureRecord(**row._mapping) for row in connection.execute(query)]


def begin(connection: Connection, begun: Run) -> bool:
    """Records a run; False where its rule has one at that instant already."""
    query = select(RUNS.c.id).where(RUNS.c.rule == begun.rule, RUNS.c.scheduled == begun.scheduled)
    if connection.execute(query).first() is not None:
        return False
    connection.execute(insert(RUNS).values(_row(begun)))
    return True


def decide(connection: Connection, decision: Decision) -> None:
    """Records what the gate decided. Raises RefusedError for a run that is not underway, or was
    decided before."""
    row = _underway(connection, decision.run.id)
    if row["digest"] is not None:
        raise RefusedError(f"the run {decision.run.id} was decided before: a decision stands")
    if decision.run.digest is None:
        raise ValueError(f"the decision on {decision.run.id} does not name its audience")
    _update(connection, decision.run)
    _replace(connection, BUCKETS, decision.run.id, _numbered(decision.buckets))
    _replace(connection, EXPOSURES, decision.run.id, [asdict(made) for made in decision.exposures])


def finish(connection: Connection, finished: Run, ended: Sequence[BucketRecord]) -> None:
    """Records the end of a run. Raises RefusedError for one that is not underway."""
    _underway(connection, finished.id)
    if finished.status == "running":
        raise ValueError(f"the run {finished.id} can't end as running")
    _update(connection, finished)
    _replace(connection, BUCKETS, finished.id, _numbered(ended))


def require_decided(connection: Connection, run_ids: Collection[str]) -> None:
    """Raises RefusedError where one of the runs is not underway, or not decided yet."""
    for run_id in run_ids:
        if _underway(connection, run_id)["digest"] is None:
            raise RefusedError(f"the run {run_id} was not decided: it can't send yet")


def forget(connection: Connection, since: Instant) -> None:
    """Deletes the runs scheduled from an instant on, which have no sends any more."""
    gone = connection.execute(select(RUNS.c.id).where(RUNS.c.scheduled >= since)).scalars().all()
    for ids in batches(gone):
        for table in (BUCKETS, EXPOSURES):
            connection.execute(delete(table).where(table.c.run_id.in_(ids)))
        connection.execute(delete(RUNS).where(RUNS.c.id.in_(ids)))


def _underway(connection: Connection, run_id: str) -> RowMapping:
    query = select(RUNS.c.status, RUNS.c.digest).where(RUNS.c.id == run_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None or row["status"] != "running":
        state = "was never begun" if row is None else "is over"
        raise RefusedError(f"the run {run_id} {state}: nothing can be added to it")
    return row


def _run(row: Row[Any]) -> Run:
    return Run(**{**row._mapping, "live": bool(row.live)})


def _row(made: Run) -> dict[str, Any]:
    return {**asdict(made), "live": int(made.live)}


def _update(connection: Connection, made: Run) -> None:
    connection.execute(update(RUNS).where(RUNS.c.id == made.id).values(_row(made)))


def _numbered(records: Sequence[BucketRecord]) -> list[dict[str, Any]]:
    return [{"number": number, **asdict(record)} for number, record in enumerate(records, start=1)]


def _replace(connection: Connection, table: Table, run_id: str, rows: list[dict[str, Any]]) -> None:
    connection.execute(delete(table).where(table.c.run_id == run_id))
    if rows:
        connection.execute(insert(table), [{"run_id": run_id, **row} for row in rows])
