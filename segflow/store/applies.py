"""Applies and their journals: rows to records and back."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, literal, select, update

from segflow.errors import PlanAppliedError, RefusedError
from segflow.model.instant import Instant
from segflow.model.state import ApplyRecord, JournalEntry
from segflow.store.tables import APPLIES, JOURNAL

_RECORD = (
    APPLIES.c.id,
    APPLIES.c.plan_id,
    APPLIES.c.started_at,
    APPLIES.c.finished_at,
    APPLIES.c.serial,
    APPLIES.c.abandoned,
)
_UNFINISHED = select(*_RECORD, APPLIES.c.plan).where(APPLIES.c.finished_at.is_(None))
_JOURNAL = (
    JOURNAL.c.apply_id,
    JOURNAL.c.step,
    JOURNAL.c.phase,
    JOURNAL.c.at,
    JOURNAL.c.result,
)


def all_applies(connection: Connection) -> Sequence[ApplyRecord]:
    """Every apply, newest first, without the bytes of their plans."""
    rows = connection.execute(select(*_RECORD).order_by(APPLIES.c.number.desc()))
    return [ApplyRecord(plan=b"", **row._mapping) for row in rows]


def unfinished(connection: Connection) -> ApplyRecord | None:
    """The apply that was begun and not finished, with its plan."""
    row = connection.execute(_UNFINISHED).one_or_none()
    return None if row is None else ApplyRecord(**row._mapping)


def is_applied(connection: Connection, plan_id: str) -> bool:
    """True where that plan was applied to the end."""
    query = select(literal(1)).where(
        APPLIES.c.plan_id == plan_id,
        APPLIES.c.finished_at.is_not(None),
        APPLIES.c.abandoned.is_(None),
    )
    return connection.execute(query).first() is not None


def journal(connection: Connection, apply_id: str) -> Sequence[JournalEntry]:
    """The journal of one apply, in the order written."""
    query = select(*_JOURNAL).where(JOURNAL.c.apply_id == apply_id).order_by(JOURNAL.c.number)
    return [JournalEntry(**row._mapping) for row in connection.execute(query)]


def begin(connection: Connection, record: ApplyRecord) -> None:
    """Records an apply that begins. Raises PlanAppliedError for a plan that was applied, and
    RefusedError while another apply is unfinished."""
    if is_applied(connection, record.plan_id):
        raise PlanAppliedError(
            "this plan was applied already; a plan is applied once", hint="make a new plan"
        )
    if (other := unfinished(connection)) is not None:
        raise RefusedError(
            f"the apply {other.id} was interrupted and must be finished first",
            hint="run: segflow apply",
        )
    newest = connection.execute(select(func.max(APPLIES.c.number))).scalar() or 0
    connection.execute(
        insert(APPLIES).values(
            number=newest + 1,
            id=record.id,
            plan_id=record.plan_id,
            plan=record.plan,
            started_at=record.started_at,
        )
    )


def append(connection: Connection, entry: JournalEntry) -> None:
    """Adds a line to the journal of an unfinished apply. Raises RefusedError for another one, and
    for the second end of a step."""
    require_unfinished(connection, entry.apply_id)
    mine = JOURNAL.c.apply_id == entry.apply_id
    ended = select(literal(1)).where(mine, JOURNAL.c.step == entry.step, JOURNAL.c.phase == "end")
    if connection.execute(ended).first() is not None:
        raise RefusedError(f"step {entry.step} of the apply {entry.apply_id} has ended already")
    newest = connection.execute(select(func.max(JOURNAL.c.number)).where(mine)).scalar() or 0
    connection.execute(
        insert(JOURNAL).values(
            apply_id=entry.apply_id,
            number=newest + 1,
            step=entry.step,
            phase=entry.phase,
            at=entry.at,
            result=entry.result,
        )
    )


def finish(connection: Connection, apply_id: str, now: Instant, serial: int) -> None:
    """Records the end of an unfinished apply; its journal is closed from then on."""
    _end(connection, apply_id, finished_at=now, serial=serial)


def abandon(connection: Connection, apply_id: str, reason: str, now: Instant) -> None:
    """Records that an unfinished apply ended without an effect. Raises RefusedError for another."""
    require_unfinished(connection, apply_id)
    _end(connection, apply_id, finished_at=now, abandoned=reason)


def _end(connection: Connection, apply_id: str, **values: int | str) -> None:
    connection.execute(update(APPLIES).where(APPLIES.c.id == apply_id).values(values))


def require_unfinished(connection: Connection, apply_id: str) -> None:
    """Raises RefusedError where that apply was not begun, or is finished."""
    query = select(APPLIES.c.finished_at).where(APPLIES.c.id == apply_id)
    row = connection.execute(query).one_or_none()
    if row is None or row.finished_at is not None:
        state = "was never begun" if row is None else "is finished"
        raise RefusedError(f"the apply {apply_id} {state}: nothing can be added to it")
