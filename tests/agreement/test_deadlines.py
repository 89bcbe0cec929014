"""Deadlines are the first instants at which the reference says something else: generated projects,
data and instants."""

import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from segflow.model.codec import canonical
from segflow.model.instant import format_instant
from segflow.model.wording import phrase
from tests.agreement.ahead import EARLIER, stories
from tests.agreement.cells import Cell
from tests.agreement.faults import shop
from tests.agreement.sides import compiled_for_engines
from tests.strategies import Example, examples

SEGMENTS, USERS = 12, 6
SHOPS = 200 * settings.default.max_examples // 100
TURNED = 300
"""In each run at least so many answers are found to change by themselves."""

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
CALENDARS = [Cell("field", "calendar", type_) for type_ in ("date", "timestamp")]
"""Which are so seldom where the rest is drawn that they have shops of their own."""


@pytest.mark.timeout(600)
def test_nothing_changes_before_the_deadline_and_something_does_then():
    """A millisecond before it the answer is that of T, at it another; at no sampled instant between
    is it another, nor after T where none is foreseen."""
    tally: Counter[str] = Counter()
    seen: set[str] = set()

    def judge(example: Example, earlier: int, tell: Callable[[str], None]) -> None:
        compiled = compiled_for_engines(example.project)
        for story in stories(example, compiled, example.segments, earlier, USERS):
            found, subject = story.deadline, story.subject
            tell(f"{subject.user.key} from {format_instant(subject.context.as_of)} {found}")
            tell(phrase(story.where))
            assert story.fault() is None
            tally["never" if found.at is None else "then"] += 1
            for leaf, _ in found.because:
                seen.update(re.findall(r'"(?:\$|kind)":"(\w+)"', canonical(leaf)))
            tally["begins"] += found.begins

    @settings(max_examples=SHOPS, suppress_health_check=list(HealthCheck))
    @given(examples(SEGMENTS), st.sampled_from(EARLIER))
    def run(example: Example, earlier: int) -> None:
        judge(example, earlier, note)

    run()
    for number, earlier in enumerate(EARLIER):
        judge(shop(number, CALENDARS), earlier, print)
    assert seen >= FORMS, FORMS - seen
    assert tally["then"] >= TURNED, tally
    assert tally["begins"] > 0
