"""Sends: claimed before their channel is called, settled after it; rows to records and back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from segflow.errors import RefusedError
from segflow.model.instant import Instant
from segflow.model.run import Send, SendStatus, Settlement
from segflow.store import inventory
from segflow.store.batches import batches
from segflow.store.runs import require_decided
from segflow.store.tables import CODES, RUNS, SENDS

OUT_OF_STOCK = "out_of_stock"
"""The detail of a send that failed since no code was left for it."""

_SEND = (
    select(*SENDS.c, RUNS.c.rule, CODES.c.code)
    .join(RUNS, RUNS.c.id == SENDS.c.run_id)
    .outerjoin(CODES, CODES.c.send_id == SENDS.c.id)
)
_SETTLE = (
    update(SENDS)
    .where(SENDS.c.id == bindparam("of_send"))
    .values(
        {name: bindparam(f"to_{name}") for name in ("status", "settled_at", "attempts", "detail")}
    )
)
_FINAL: tuple[SendStatus, ...] = ("delivered", "failed")
_HALF, _WHOLE = 2**63, 2**64


def of_run(connection: Connection, run_id: str) -> Sequence[Send]:
    """The sends of a run, in order of key, step and action."""
    found = connection.execute(_SEND.where(SENDS.c.run_id == run_id)).mappings()
    return sorted(map(_send, found), key=lambda send: (send.key, send.step, send.action))


def reached(
    connection: Connection, start: Instant, end: Instant, rule: str | None, channel: str | None
) -> Mapping[int, int]:
    """In how many runs scheduled in [start, end) each user was sent something, unless it failed."""
    # Not a join: SQLite would read the sends of all time for that, to join them with few runs.
    in_window = select(RUNS.c.id).where(RUNS.c.scheduled >= start, RUNS.c.scheduled < end)
    if rule is not None:
        in_window = in_window.where(RUNS.c.rule == rule)
    once = (
        select(SENDS.c.run_id, SENDS.c.key)
        .where(SENDS.c.run_id.in_(in_window), SENDS.c.status != "failed")
        .distinct()
    )
    if channel is not None:
        once = once.where(SENDS.c.channel == channel)
    each = once.subquery()
    query = select(each.c.key, func.count()).group_by(each.c.key)
    return {_ordinal(key): count for key, count in connection.execute(query)}


def claim(
    connection: Connection, wanted: Sequence[Send], offers: Mapping[str, str]
) -> Sequence[Send]:
    """Records new sends with a code each where one is wanted; known ones stay as they are. All come
    back in the order given. Raises RefusedError unless their run is decided and underway."""
    require_decided(connection, sorted({send.run_id for send in wanted}))
    found = _known(connection, (send.id for send in wanted))
    new = {send.id: send for send in wanted if send.id not in found}
    with_code = {send_id: offers[send_id] for send_id in new if send_id in offers}
    taken = inventory.take(connection, with_code)
    claimed = [_claimed(send, send.id in with_code, taken.get(send.id)) for send in new.values()]
    if claimed:
        connection.execute(insert(SENDS), [_row(send) for send in claimed])
    inventory.reserve(connection, taken)
    found |= {send.id: send for send in claimed}
    return [found[send.id] for send in wanted]


def settle(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Records how sends ended, and so their codes. Raises RefusedError for one that was never
    claimed, or that ended otherwise for good."""
    ended = {made.send_id: made for made in settlements}
    before = _statuses(connection, ended)
    changed = [made for made in ended.values() if _changes(made, before.get(made.send_id))]
    if changed:
        connection.execute(_SETTLE, [_settled(made) for made in changed])
    inventory.settle(connection, {made.send_id: made.status for made in changed})


def forget(connection: Connection, since: Instant) -> None:
    """Deletes the sends of runs scheduled from an instant on; their codes are free again."""
    in_runs = select(RUNS.c.id).where(RUNS.c.scheduled >= since)
    gone = select(SENDS.c.id).where(SENDS.c.run_id.in_(in_runs))
    connection.execute(
        update(CODES).where(CODES.c.send_id.in_(gone)).values(status="free", send_id=None)
    )
    connection.execute(delete(SENDS).where(SENDS.c.run_id.in_(in_runs)))


def _known(connection: Connection, ids: Iterable[str]) -> dict[str, Send]:
    return {
        row["id"]: _send(row)
        for batch in batches(ids)
        for row in connection.execute(_SEND.where(SENDS.c.id.in_(batch))).mappings()
    }


def _statuses(connection: Connection, ids: Iterable[str]) -> Mapping[str, SendStatus]:
    return {
        row.id: row.status
        for batch in batches(ids)
        for row in connection.execute(
            select(SENDS.c.id, SENDS.c.status).where(SENDS.c.id.in_(batch))
        )
    }


def _claimed(send: Send, needs_code: bool, taken: tuple[str, str] | None) -> Send:
    fresh = replace(send, status="claimed", attempts=0, settled_at=None, code=None)
    if not needs_code:
        return fresh
    if taken is None:
        return replace(fresh, status="failed", settled_at=fresh.claimed_at, detail=OUT_OF_STOCK)
    return replace(fresh, code=taken[1])


def _changes(made: Settlement, before: SendStatus | None) -> bool:
    """Whether there is something to record; the same end twice is none."""
    if before is None:
        raise RefusedError(f"the send {made.send_id} was never claimed")
    if before in _FINAL and made.status != before:
        raise RefusedError(f"the send {made.send_id} is {before}: it can't become {made.status}")
    return before not in _FINAL


def _settled(made: Settlement) -> dict[str, Any]:
    return {
        "of_send": made.send_id,
        "to_status": made.status,
        "to_settled_at": None if made.status == "claimed" else made.at,
        "to_attempts": made.attempts,
        "to_detail": made.detail,
    }


def _send(row: RowMapping) -> Send:
    return Send(**{**row, "key": _ordinal(row["key"])})


def _row(send: Send) -> dict[str, Any]:
    # Not asdict(): it copies each value, which takes longer than the database does.
    values = {column.name: getattr(send, column.name) for column in SENDS.c}
    values["key"] = send.key if send.key < _HALF else send.key - _WHOLE
    return values


def _ordinal(stored: int) -> int:
    return stored if stored >= 0 else stored + _WHOLE
