"""The codes of offers: free, reserved for a send under way, or given away for good."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from segflow.model.instant import Instant
from segflow.model.run import SendStatus, Stock
from segflow.store.batches import batches
from segflow.store.tables import CODES, RUNS, SENDS

_RESERVE = (
    update(CODES)
    .where(CODES.c.offer == bindparam("of_offer"), CODES.c.code == bindparam("of_code"))
    .values(status="reserved", send_id=bindparam("for_send"))
)
_MOVE = (
    update(CODES)
    .where(CODES.c.send_id == bindparam("of_send"))
    .values(status=bindparam("to_status"), send_id=bindparam("to_send"))
)
_STATUS: Mapping[SendStatus, str] = {
    "claimed": "reserved",
    "delivered": "committed",
    "unknown": "committed",
    "failed": "free",
}
"""What becomes of a send's code."""


def stock(connection: Connection, offer: str) -> Stock:
    """The codes of an offer."""
    query = (
        select(CODES.c.status, func.count()).where(CODES.c.offer == offer).group_by(CODES.c.status)
    )
    counts = {status: count for status, count in connection.execute(query)}
    return Stock(
        offer=offer,
        free=counts.get("free", 0),
        reserved=counts.get("reserved", 0),
        committed=counts.get("committed", 0),
    )


def given(connection: Connection, rule: str, start: Instant | None, end: Instant | None) -> int:
    """Codes that a rule reserved or gave away in its runs scheduled in [start, end)."""
    query = (
        select(func.count())
        .select_from(CODES)
        .join(SENDS, SENDS.c.id == CODES.c.send_id)
        .join(RUNS, RUNS.c.id == SENDS.c.run_id)
        .where(RUNS.c.rule == rule)
    )
    if start is not None:
        query = query.where(RUNS.c.scheduled >= start)
    if end is not None:
        query = query.where(RUNS.c.scheduled < end)
    return connection.execute(query).scalar_one()


def of_run(connection: Connection, run_id: str) -> Mapping[str, int]:
    """How many codes of each offer a run reserved or gave away."""
    query = (
        select(CODES.c.offer, func.count())
        .join(SENDS, SENDS.c.id == CODES.c.send_id)
        .where(SENDS.c.run_id == run_id)
        .group_by(CODES.c.offer)
        .order_by(CODES.c.offer)
    )
    return {offer: count for offer, count in connection.execute(query)}


def known(connection: Connection, codes: Iterable[str]) -> frozenset[str]:
    """Those of the codes that any offer has or gave to somebody."""
    queries = (select(CODES.c.code).where(CODES.c.code.in_(batch)) for batch in batches(codes))
    return frozenset(code for query in queries for code in connection.execute(query).scalars())


def add(connection: Connection, offer: str, added: Iterable[str]) -> None:
    """Puts codes behind those that an offer has; those that are known of any offer are passed over,
    so that a code never goes to two users."""
    unique = tuple(dict.fromkeys(added))
    passed = known(connection, unique)
    mine = CODES.c.offer == offer
    newest = connection.execute(select(func.max(CODES.c.number)).where(mine)).scalar() or 0
    new = [code for code in unique if code not in passed]
    rows = [
        {"offer": offer, "code": code, "number": number, "status": "free"}
        for number, code in enumerate(new, start=newest + 1)
    ]
    if rows:
        connection.execute(insert(CODES), rows)


def withdraw(connection: Connection, offer: str, codes: Iterable[str] | None = None) -> None:
    """Takes the free ones of these codes (None: of all) out of an offer's stock."""
    free = delete(CODES).where(CODES.c.offer == offer, CODES.c.status == "free")
    if codes is None:
        connection.execute(free)
        return
    for batch in batches(codes):
        connection.execute(free.where(CODES.c.code.in_(batch)))


def take(connection: Connection, wanted: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    """Free codes for sends, given with their offers: by send (offer, code), the oldest codes to
    the first sends; who is left out gets none. They are free until reserve()."""
    free = {
        offer: iter(_oldest_free(connection, offer, count))
        for offer, count in Counter(wanted.values()).items()
    }
    taken: dict[str, tuple[str, str]] = {}
    for send_id, offer in wanted.items():
        if (code := next(free[offer], None)) is not None:
            taken[send_id] = (offer, code)
    return taken


def reserve(connection: Connection, taken: Mapping[str, tuple[str, str]]) -> None:
    """Makes codes the property of sends that exist."""
    rows = [
        {"of_offer": offer, "of_code": code, "for_send": send_id}
        for send_id, (offer, code) in taken.items()
    ]
    if rows:
        connection.execute(_RESERVE, rows)


def settle(connection: Connection, ended: Mapping[str, SendStatus]) -> None:
    """Commits or releases the codes of sends, as they ended."""
    moves: list[dict[str, Any]] = []
    for batch in batches(ended):
        for send_id in connection.execute(
            select(CODES.c.send_id).where(CODES.c.send_id.in_(batch))
        ).scalars():
            status = _STATUS[ended[send_id]]
            kept = None if status == "free" else send_id
            moves.append({"of_send": send_id, "to_status": status, "to_send": kept})
    if moves:
        connection.execute(_MOVE, moves)


def _oldest_free(connection: Connection, offer: str, count: int) -> Sequence[str]:
    query = (
        select(CODES.c.code)
        .where(CODES.c.offer == offer, CODES.c.status == "free")
        .order_by(CODES.c.number)
        .limit(count)
    )
    return connection.execute(query).scalars().all()
