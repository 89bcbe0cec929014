"""The choice between sources: as few as can be, and of these the cheapest."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from segflow.model.predicate import Predicate

Cost = Callable[[str, Predicate], float]
"""What a leaf costs in a source, in one unit for all."""


def no_cost(source: str, leaf: Predicate) -> float:
    """Where nothing was measured, the order in which places are declared decides."""
    return 0.0


def chosen(
    options: Mapping[Predicate, Sequence[str]], home: str, cost: Cost = no_cost
) -> dict[Predicate, str]:
    """The source of each leaf, out of those that can answer it, which are in order of preference.

    The population's own source, `home`, is always asked. Of the fewest others that will do, those
    are chosen in which the leaves cost least together; what is asked anyway may take a leaf from
    home where it costs less.
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
            return min(found, key=lambda assigned: _total(assigned.items(), cost))
    raise AssertionError("a leaf that no source can answer is refused by the pass `routes`")


def _cheapest(
    options: Mapping[Predicate, Sequence[str]], asked: Sequence[str], cost: Cost
) -> dict[Predicate, str]:
    return {
        leaf: min((one for one in sources if one in asked), key=lambda one: cost(one, leaf))
        for leaf, sources in options.items()
    }


def _total(assigned: Iterable[tuple[Predicate, str]], cost: Cost) -> float:
    return sum(cost(source, leaf) for leaf, source in assigned)
