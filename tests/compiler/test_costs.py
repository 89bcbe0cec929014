"""What reading a table costs by measurements: shares, levels, and when they move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.routing.costs import BASE, by_table, noted, price
from segflow.model.cost import Question, ScanCost

SECOND = 1_000_000


def question(*tables, microseconds=SECOND, segments=1):
    return Question(
        source="lake", engine="duckdb", tables=tables, segments=segments, microseconds=microseconds
    )


def level(*questions, known=()):
    """That of table `a` after a commit with these questions."""
    found = by_table(noted(by_table(known), questions))
    return found["lake", "a"].level


def cost(of, segments=1):
    """A cost of table `a` that is known, by what so many segments shared."""
    return ScanCost(source="lake", table="a", level=of, segments=segments, last=question("a"))


times = st.integers(0, 10**10)


@given(times, st.integers(1, 50), st.integers(1, 500))
def test_a_question_is_shared_by_its_tables_and_segments(microseconds, tables, segments):
    """Its whole time is the sum of the shares of all, within the base of the levels."""
    asked = question("a", *map(str, range(1, tables)), microseconds=microseconds, segments=segments)
    share = microseconds / tables / segments
    taken = BASE ** level(asked)
    assert taken == 1 if share < BASE else taken <= share < taken * BASE


@given(st.lists(times, min_size=1, max_size=20), st.integers(0, 12))
def test_what_is_near_moves_nothing(measured, known):
    """Of measurements that are all within a level of what is known, none moves it, in whatever
    order they come."""
    low, high = known - 1, known + 1
    for microseconds in measured:
        near = min(max(microseconds, BASE**low if low > 0 else 0), BASE ** (high + 1) - 1)
        assert level(question("a", microseconds=int(near)), known=[cost(known)]) == known


@pytest.mark.parametrize(
    ("known", "microseconds", "expected"),
    [(5, BASE**7, 7), (5, BASE**7 - 1, 5), (5, BASE**4, 5), (5, BASE**4 - 1, 3), (5, 0, 0)],
)
def test_what_is_further_off_moves_it(known, microseconds, expected):
    """Two levels up or down it is another table than it was."""
    assert level(question("a", microseconds=microseconds), known=[cost(known)]) == expected


@pytest.mark.parametrize(
    ("segments", "share", "expected"),
    [(50, BASE**9, 9), (49, BASE**9, 5), (1, BASE**9, 5), (1, BASE**2, 2), (999, BASE**9, 9)],
)
def test_what_few_share_makes_nothing_dearer(segments, share, expected):
    """A scan for less than a quarter of the segments may cost each of them much; where it costs
    them less all the same, it is cheaper."""
    asked = question("a", microseconds=share * segments, segments=segments)
    assert level(asked, known=[cost(5, segments=200)]) == expected


sizes = st.lists(st.sampled_from([1, 5, 50, 199, 200]), min_size=1, max_size=20)


@given(sizes, st.integers(10, 10**7), st.integers(0, 1_000))
def test_who_is_refreshed_with_whom_turns_nothing(sizes, scan, each):
    """A table that takes the same time whenever it is read, and the same for each segment, keeps
    its cost however many share it at a time, once all did."""
    known = noted({}, [question("a", microseconds=scan + each * 200, segments=200)])
    for segments in sizes:
        asked = question("a", microseconds=scan + each * segments, segments=segments)
        assert level(asked, known=known) == known[0].level
        known = noted(by_table(known), [asked])


def test_questions_of_one_commit_count_together():
    """A question that several segments shared counts once, and that by which the table is known is
    the longest."""
    shared, alone = question("a", "b", segments=9), question("a", microseconds=500)
    (of_a, of_b) = noted({}, [shared, shared, alone])
    assert (of_a.table, of_a.last, of_b.table, of_b.last) == ("a", shared, "b", shared)
    assert BASE**of_a.level <= (SECOND / 2 + 500) / 10 < BASE ** (of_a.level + 1)
    assert BASE**of_b.level <= SECOND / 2 / 9 < BASE ** (of_b.level + 1)


def test_a_table_that_is_not_read_keeps_its_cost():
    """Nothing is said of it again, and what has no tables is about none."""
    assert noted(by_table([cost(3)]), [question("b"), question()])[0].table == "b"


def test_a_price_is_that_of_all_tables_or_unknown():
    """One that was never measured leaves the whole unknown, and so does reading nothing."""
    known = by_table([cost(3)])
    assert price(["a"], "lake", known) == BASE**3
    assert price(["a", "b"], "lake", known) is None
    assert price(["a"], "mart", known) is None
    assert price([], "lake", known) is None
