"""The choice between sources: as few as can be, and of these the cheapest."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from itertools import combinations

from segflow.model.predicate import Predicate

Cost = Callable[[str, Predicate], float | None]
"""What a leaf costs in a source, in one unit for all; None where that was not measured."""

_Assigned = dict[Predicate, str]
"""A source for each leaf."""


def no_cost(source: str, leaf: Predicate) -> None:
    """Where nothing was measured, the order in which places are declared decides."""


def chosen(
    options: Mapping[Predicate, Sequence[str]], home: str, cost: Cost = no_cost
) -> _Assigned:
    """The source of each leaf, out of those that can answer it, which are in order of preference.

    The population's own source, `home`, is always asked. Of the fewest others that will do, those
    are chosen in which the leaves cost least together; what is asked anyway may take a leaf from
    home where it costs less. What was not measured is neither dear nor cheap: there the order
    decides.
    """
    elsewhere = {leaf: sources for leaf, sources in options.items() if home not in sources}
    others = tuple(dict.fromkeys(one for sources in elsewhere.values() for one in sources))
    for number in range(len(others) + 1):
        fitting = [
            asked
            for asked in combinations(others, number)
            if all(not set(sources).isdisjoint(asked) for sources in elsewhere.values())
        ]
        if fitting:
            found = [_cheapest(options, (home, *asked), cost) for asked in fitting]
            return reduce(partial(_cheaper, cost), found)
    raise AssertionError("a leaf that no source can answer is refused by the pass `routes`")


def _cheapest(
    options: Mapping[Predicate, Sequence[str]], asked: Sequence[str], cost: Cost
) -> _Assigned:
    found: _Assigned = {}
    for leaf, sources in options.items():
        ways: list[_Assigned] = [{leaf: one} for one in sources if one in asked]
        found |= reduce(partial(_cheaper, cost), ways)
    return found


def _cheaper(cost: Cost, best: _Assigned, other: _Assigned) -> _Assigned:
    """The cheaper one of two, by the leaves that they give to different sources."""
    total = 0.0
    for leaf, source in other.items():
        if source != best[leaf]:
            here, there = cost(source, leaf), cost(best[leaf], leaf)
            if here is None or there is None:
                return best
            total += here - there
    return other if total < 0 else best
