"""Deadlines are the first instants at which the reference says something else: generated projects,
data and instants."""

import re
from collections import Counter

import pytest
from hypothesis import settings

from segflow.model.codec import canonical
from segflow.model.instant import format_instant
from segflow.model.wording import phrase
from tests.agreement.ahead import EARLIER, stories
from tests.agreement.cells import cells_of, of_each_form
from tests.agreement.faults import shop
from tests.agreement.hosts import DUCKDB
from tests.agreement.permitted import permitted
from tests.agreement.sides import compiled_for_engines
from tests.agreement.steering import Steering
from tests.strategies import Example, seeded

SEGMENTS, USERS = 12, 3
SHOPS = max(60, 60 * settings.default.max_examples // 100)

FORMS = {
    *("Test", "Periods", "EventHas", "Sequence", "Same", "Held", "Changed", "Transition"),
    *("Consent", "Reachable"),
    *("FieldFeature", "PropertyFeature", "Aggregate", "Scaled"),
    *("Anniversary", "InLast", "InNext", "OlderThan", "OnCalendar"),
    *("Ago", "InCalendar", "Within"),
    *("avg", "count", "count_distinct", "first", "first_time", "last", "last_time", "max", "min"),
    *("mode", "sum"),
}
"""The forms of leaves that decide at deadlines, by their names in canonical text."""
OPERATORS = ("anniversary", "in_last", "in_next", "older_than", "calendar")
SELDOM = ("changed", "consent", "reachable")
"""Which decide so seldom among others that they have shops of their own."""


@pytest.mark.timeout(1_200)
def test_nothing_changes_before_the_deadline_and_something_does_then():
    """A millisecond before it the answer is that of T, at it another; at no sampled instant between
    is it another, nor after T where none is foreseen."""
    cells = permitted(DUCKDB.name).cells
    of_forms = of_each_form(cells, 1)
    dated = [one for one in cells if one.form == "field" and one.key in OPERATORS]
    seldom = [one for one in of_forms if one.form in SELDOM]
    steering = Steering([*of_forms, *dated])
    tally: Counter[str] = Counter()
    seen: set[str] = set()

    def judge(example: Example, earlier: int) -> None:
        compiled = compiled_for_engines(example.project)
        for story in stories(example, compiled, example.segments, earlier, USERS):
            found, subject = story.deadline, story.subject
            since = format_instant(subject.context.as_of)
            assert story.fault() is None, (subject.user.key, since, found, phrase(story.where))
            tally["never" if found.at is None else "then"] += 1
            for leaf, _ in found.because:
                seen.update(re.findall(r'"(?:\$|kind)":"(\w+)"', canonical(leaf)))
                steering.met(cells_of(leaf, "customer", example.project))
            tally["begins"] += found.begins

    for number in range(SHOPS):
        drawn = seeded(f"{number}", SEGMENTS, steering.wish)
        judge(drawn, EARLIER[number % len(EARLIER)])
    for number, earlier in enumerate(EARLIER):
        judge(shop(number, seldom), earlier)
    assert seen >= FORMS, FORMS - seen
    assert tally["then"] >= 3 * SHOPS, tally
    assert tally["begins"] > 0
