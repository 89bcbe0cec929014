"""How what is asked of events is split into scans."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.targets.spans import side_by_side

DAY = 86_400_000
reaches = st.lists(st.none() | st.integers(0, 400).map(lambda days: days * DAY), max_size=7)


def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    """Every way to split the items."""
    if not items:
        yield []
        return
    first, *rest = items
    for parts in partitions(rest):
        yield [[first], *parts]
        for place, part in enumerate(parts):
            yield [*parts[:place], [first, *part], *parts[place + 1 :]]


def cost(parts: list[list[int]], reached: list[int | None]) -> float:
    """By the docstring: rows are read, grouped and aggregated, and tables joined."""
    known = [one for one in reached if one is not None]
    history = 2 * (max(known, default=1) or 1)
    lengths = [history if one is None else one for one in reached]
    return sum(
        max(lengths[number] for number in part) * (7 + len(part)) + 2 * max(lengths)
        for part in parts
    )


@given(reaches)
def test_no_other_split_is_cheaper(reached):
    """Everything is in one scan, and of all ways to split them this one costs least."""
    numbers = list(range(len(reached)))
    parts = side_by_side(numbers, reached)
    assert sorted(number for part in parts for number in part) == numbers
    least = min(cost(every, reached) for every in partitions(numbers))
    assert not numbers or cost(parts, reached) == least


def test_short_windows_beside_long_ones_have_a_scan_of_their_own():
    week, year = 7 * DAY, 365 * DAY
    reached = [week, year, week, week, week, week]
    assert side_by_side("abcdef", reached) == [["a", "c", "d", "e", "f"], ["b"]]


def test_windows_that_reach_alike_share_one_scan():
    assert side_by_side("abc", [300 * DAY, None, 365 * DAY]) == [["a", "b", "c"]]
