"""What segments and tables cost: rows to records and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from segflow.compiler.routing.costs import by_table, noted
from segflow.errors import CorruptStateError
from segflow.model.codec import canonical, from_canonical
from segflow.model.cost import Cost, ScanCost
from segflow.model.state import Membership
from segflow.store.histories import IS_CURRENT
from segflow.store.tables import SCAN_COSTS, SEGMENTS, SNAPSHOTS
from segflow.store.trouble import RESTORE


def current_costs(connection: Connection) -> Mapping[str, Sequence[Cost]]:
    """What the current snapshots cost, where that was kept."""
    query = (
        select(SNAPSHOTS.c.segment, SNAPSHOTS.c.costs)
        .join(SEGMENTS, IS_CURRENT)
        .where(SNAPSHOTS.c.costs.is_not(None))
    )
    return {segment: _decoded(costs) for segment, costs in connection.execute(query)}


def scan_costs(connection: Connection) -> Sequence[ScanCost]:
    """What reading tables costs."""
    query = select(SCAN_COSTS).order_by(SCAN_COSTS.c.source, SCAN_COSTS.c.table)
    return [
        ScanCost(
            source=row.source,
            table=row.table,
            level=row.level,
            segments=row.segments,
            last=_decoded(row.last),
        )
        for row in connection.execute(query)
    ]


def note(connection: Connection, memberships: Sequence[Membership]) -> None:
    """Bring the costs of tables up to date with what was asked for new snapshots."""
    questions = [cost.question for one in memberships for cost in one.costs]
    found = noted(by_table(scan_costs(connection)), questions)
    for one in found:
        where = (SCAN_COSTS.c.source == one.source, SCAN_COSTS.c.table == one.table)
        connection.execute(delete(SCAN_COSTS).where(*where))
    rows = [
        {
            "source": one.source,
            "table": one.table,
            "level": one.level,
            "segments": one.segments,
            "last": canonical(one.last),
        }
        for one in found
    ]
    if rows:
        connection.execute(insert(SCAN_COSTS), rows)


def _decoded(text: str) -> Any:
    try:
        return from_canonical(text)
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptStateError("a record of costs can't be read", hint=RESTORE) from error
