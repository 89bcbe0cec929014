"""Ranks: the position of a user's value among those of all that are ranked."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from segflow.compiler.values import Value
from segflow.compiler.worlds import Place, Subject
from segflow.model.keys import Key
from segflow.model.predicate import Feature, Predicate, Rank

Holds = Callable[[Predicate, Subject], bool]
Worth = Callable[[Feature, Subject], Value | None]
People = Callable[[Subject, str], Mapping[Key, Subject]]
"""Gives the users of an entity that exist, by key."""


def is_ranked(leaf: Rank, subject: Subject, people: People, worth: Worth, holds: Holds) -> bool:
    """Whether the user's position among all that are ranked lies in (low, high], which are
    positions or percent of how many they are. That is worked out once for all users."""
    context = subject.context
    of = (leaf, context.entity.name, subject.segment)
    if of not in context.ranked:
        ranked = _ranked(leaf, people(subject, context.entity.name), worth, holds)
        places = {key: Place(number, len(ranked)) for number, key in enumerate(ranked, start=1)}
        inside = (key for key, place in places.items() if lies_within(leaf, place))
        context.ranked[of] = frozenset(inside)
    return subject.user.key in context.ranked[of]


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
