"""Ranks: the position of a user's value among those of all that are ranked."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from segflow.compiler.values import Value
from segflow.compiler.worlds import Place, Subject
from segflow.model.keys import Key
from segflow.model.predicate import Feature, Predicate, Rank

Holds = Callable[[Predicate, Subject], bool]
Worth = Callable[[Feature, Subject], Value | None]


def ranked_keys(
    leaf: Rank, everyone: Mapping[Key, Subject], worth: Worth, holds: Holds
) -> frozenset[Key]:
    """The users whose position among all that are ranked lies in (low, high], which are positions
    or percent of how many they are."""
    ranked = _ranked(leaf, everyone, worth, holds)
    places = [Place(number, len(ranked)) for number in range(1, len(ranked) + 1)]
    return frozenset(
        key for key, place in zip(ranked, places, strict=True) if lies_within(leaf, place)
    )


def lies_within(leaf: Rank, place: Place) -> bool:
    """Whether a position is one that the leaf asks for."""
    low, high = Fraction(leaf.low), Fraction(leaf.high)
    if leaf.unit == "percent":
        low, high = low * place.size / 100, high * place.size / 100
    return low < place.position <= high


def _ranked(leaf: Rank, everyone: Mapping[Key, Subject], worth: Worth, holds: Holds) -> list[Key]:
    """The keys in order: by value from the leaf's side, then by key; who has no value is out."""
    asked = (
        subject for subject in everyone.values() if leaf.among is None or holds(leaf.among, subject)
    )
    values = {subject.user.key: worth(leaf.feature, subject) for subject in asked}
    present = {key: value for key, value in values.items() if value is not None}
    by_key = sorted(present)
    return sorted(by_key, key=present.__getitem__, reverse=leaf.side == "top")
