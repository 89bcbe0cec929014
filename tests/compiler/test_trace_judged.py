"""What explanations show of leaves that are judged over events, or over all users."""

from collections.abc import Sequence

import pytest

from segflow.compiler.trace import TraceNode, explain_user
from segflow.compiler.worlds import EventRow, Place, User
from segflow.model.instant import parse_instant
from tests.compiler.projects import compiled

T = parse_instant("2026-03-31T12:00:00Z")
USER = User(key=1, since=parse_instant("2026-01-01T00:00:00Z"), fields={"age": 30})
DAYS = {"visit": ("a 03-10", "b 03-20", "a 03-29"), "purchase": ("a 03-12", "a 03-30", "c 03-30")}
EVENTS = tuple(
    EventRow(
        event=event,
        key=1,
        time=parse_instant(f"2026-{day[2:]}T00:00:00Z"),
        id=number,
        properties={"sku": day[0]},
    )
    for event, days in DAYS.items()
    for number, day in enumerate(days)
)


def root(
    folder, leaf: str, *, given: bool | None = None, places: Sequence[Place | None] = ()
) -> TraceNode:
    """The root of the trace; `given` is what is known of the segment's leaf, and `places` has the
    position in that rank, if one is known."""
    made = compiled(folder, f"segment: s\nentity: customer\nwhere: {leaf}\n")
    where = made.segments["s"].where
    known = {} if given is None else {where: frozenset({1} if given else ())}
    at = dict(zip([where], places, strict=False))
    trace = explain_user(made, "s", 1, USER, EVENTS, T, {}, {}, known, places=at)
    assert trace.root is not None
    return trace.root


@pytest.mark.parametrize(
    ("leaf", "holds", "values"),
    [
        (
            "{did: visit, periods: {every: 7d, last: 4, at_least: 3}}",
            True,
            [("count: visit, newest period first", "1, 1, 0, 1", 3)],
        ),
        (
            "{last: purchase, within: 7d, has: {property: sku, eq: a}}",
            False,
            [("last_time: purchase, within: 7d", "2026-03-30T00:00:00Z", 2)],
        ),
        (
            "{sequence: [{did: visit}, {did_not: visit}, {did: purchase, max_gap: 1d}]}",
            True,
            [
                ("did: visit", "2026-03-29T00:00:00Z", 3),
                ("did_not: visit", None, 3),
                ("did: purchase, max_gap: 1d", "2026-03-30T00:00:00Z", 3),
            ],
        ),
        (
            "{sequence: [{did: purchase}, {did: visit, in_last: 1d}]}",
            False,
            [("did: purchase", None, 3), ("did: visit, in_last: 1d", None, 0)],
        ),
        (
            "{sequence: [{did: visit}, {did: purchase}], calendar: this_month, timezone: user}",
            True,
            [
                ("did: visit", "2026-03-10T00:00:00Z", 3),
                ("did: purchase", "2026-03-12T00:00:00Z", 3),
                ("timezone: user", "UTC", None),
            ],
        ),
        (
            "{did: visit, periods: {every: week, last: 2, at_least: 1}, timezone: user}",
            True,
            [
                ("count: visit, timezone: user, newest period first", "0, 1", 1),
                ("timezone: user", "UTC", None),
            ],
        ),
        (
            "{same: {visit: sku, purchase: sku}, where: {all: [{did: visit}, {did: purchase}]}}",
            True,
            [("purchase.sku, visit.sku", "1 of 3: a", None)],
        ),
        (
            "{same: {visit: sku}, where: {did: visit, at_least: 3}}",
            False,
            [("visit.sku", "0 of 2", None)],
        ),
        ("{mode: visit.sku, eq: a}", True, [("mode: visit.sku", "a", 3)]),
    ],
)
def test_a_leaf_over_events_says_what_it_looked_at(leaf, holds, values, tmp_path):
    """Counts of periods, instants of steps, the event that is asked, the values that are shared."""
    found = root(tmp_path, leaf)
    assert found.holds == holds
    assert [(one.text, one.value, one.events) for one in found.values] == values


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(
    ("places", "shown"),
    [
        ([], []),
        ([Place(3, 1200)], [("position", "3 of 1,200")]),
        ([None], [("position", None)]),
    ],
)
def test_a_rank_is_as_it_is_given(inside, places, shown, tmp_path):
    """The rows of one user do not tell a position, so that it is shown where it is given; the value
    that is ranked they do."""
    found = root(tmp_path, "{rank: {field: age}, top: 10%}", given=inside, places=places)
    assert found.holds == inside
    assert [(one.text, one.value) for one in found.values] == [("field: age", "30"), *shown]
