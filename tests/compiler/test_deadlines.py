"""How far deadlines are looked for, and what is said where nobody looks further."""

import pytest

from segflow.compiler.deadlines import search
from segflow.compiler.deadlines.search import Deadline, foresee
from segflow.compiler.interpret import subject_of
from segflow.compiler.worlds import (
    Context,
    EventRow,
    LoggedChange,
    Subject,
    User,
)
from segflow.model.instant import Instant, format_instant, parse_instant
from segflow.model.wording import phrase
from tests.compiler.projects import compiled

T = parse_instant("2026-03-31T12:00:00Z")
DAY = 86_400_000
VISITS = tuple(
    EventRow(event="visit", key=1, time=Instant(T - days * DAY), properties={"amount": 1})
    for days in range(20)
)
SEGMENTS = """\
segment: other
entity: customer
where: {field: age, gte: 1}
---
segment: s
entity: customer
where: %s
"""


def subject(folder, where, *, logs=(), visits=VISITS, at=T) -> Subject:
    """A user of 30 with a visit on each of the last twenty days."""
    made = compiled(folder, SEGMENTS % where)
    context = Context(
        compiled=made, entity=made.entities["customer"], as_of=at, logs={"other": tuple(logs)}
    )
    user = User(key=1, since=Instant(0), fields={"age": 30})
    return subject_of(context, user, visits, "s")


SUM = "{sum: visit.amount, within: 30d, gte: 5}"


def test_a_leaf_that_turns_often_is_looked_at_for_a_while(tmp_path, monkeypatch):
    """The answer is the same up to the first turn that nobody looks at; one leaf more of which the
    answer hangs makes no difference."""
    asked = subject(tmp_path, f"{{all: [{SUM}, {{did: visit}}]}}")
    assert foresee(asked).deadline.at == VISITS[4].time + 30 * DAY  # type: ignore[operator]
    monkeypatch.setattr(search, "WORK", 3 * (1 + len(VISITS)))
    found = foresee(asked)
    assert found.deadline == Deadline(until=Instant(VISITS[-4].time + 30 * DAY))  # type: ignore[operator]
    assert found.leaves == {}


@pytest.mark.parametrize(
    ("where", "at"),
    [
        (f"{{all: [{SUM}, {{field: age, lt: 18}}]}}", None),
        (f"{{any: [{SUM}, {{field: age, gte: 18}}]}}", None),
        (f"{{all: [{{did: visit, within: 1d}}, {SUM}]}}", "2026-04-01T12:00:00Z"),
        (
            f"{{any: [{{did_not: visit, within: 20d}}, {{not: {SUM}}}, {{field: age, gte: 5}}]}}",
            None,
        ),
    ],
)
def test_what_nobody_looks_at_may_not_matter(where, at, tmp_path, monkeypatch):
    """Where the answer does not hang on the leaf, it is exact nevertheless."""
    monkeypatch.setattr(search, "WORK", 1)
    found = foresee(subject(tmp_path, where)).deadline
    assert (found.at and format_instant(found.at), found.until) == (at, None)


def test_a_count_is_told_by_the_event_that_decides(tmp_path, monkeypatch):
    """One look is enough, however many events leave the window before."""
    monkeypatch.setattr(search, "WORK", 1)
    asked = subject(tmp_path, "{did: visit, within: 30d, at_least: 3}")
    assert foresee(asked).deadline.at == VISITS[2].time + 30 * DAY  # type: ignore[operator]


def test_many_events_cost_no_more_than_is_allowed(tmp_path, monkeypatch):
    """Of a user with thousands of events so many are judged as there is work for."""
    visits = [
        EventRow(event="visit", key=1, time=Instant(T - number * 60_000), properties={"amount": 1})
        for number in range(3_000)
    ]
    asked = subject(tmp_path, SUM, visits=visits)
    judged = []
    holds = search.holds
    monkeypatch.setattr(search, "holds", lambda *of: (judged.append(of), holds(*of))[1])
    found = foresee(asked).deadline
    assert len(judged) <= search.WORK / len(visits) + 10
    assert found.until is not None


def test_a_log_that_begins_too_late_ends_the_search(tmp_path):
    """At midnight of 29 March the last month begins with 28 February once more, before the log did:
    whoever asks then is refused, so that nobody can look further."""
    begun = parse_instant("2026-02-28T10:00:00Z")
    log = (LoggedChange(as_of=begun, cause="definition", entered=frozenset({1})),)
    asked = subject(
        tmp_path,
        "{entered: other, in_last: 1mo}",
        logs=log,
        at=parse_instant("2026-03-28T11:00:00Z"),
    )
    midnight = parse_instant("2026-03-29T00:00:00Z")
    assert foresee(asked).deadline == Deadline(until=midnight)


def test_leaves_have_deadlines_of_their_own(tmp_path):
    """Each leaf that changes by itself says when, whether or not the answer does then."""
    asked = subject(
        tmp_path,
        "{any: [{did: visit, within: 7d}, {field: age, gte: 18}, {did_not: visit, within: 3d}]}",
    )
    found = foresee(asked)
    assert found.deadline == Deadline()
    assert {phrase(leaf): format_instant(at) for leaf, at in found.leaves.items()} == {
        "did: visit, within: 7d": "2026-04-07T12:00:00Z",
        "did_not: visit, within: 3d": "2026-04-03T12:00:00Z",
    }
