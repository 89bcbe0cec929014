"""How sets of keys meet that were found apart from each other."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_

from segflow.ports import Keys
from segflow.ports.documents import Difference, Given, Intersection, Joined, KeySet


def met(of: Intersection | Joined | Difference, keys: Callable[[KeySet], Keys]) -> Keys:
    """The set that others make, which are given by `keys`; of sets that are joined there is one at
    least."""
    match of:
        case Intersection(items=items):
            return reduce(and_, map(keys, items))
        case Joined(items=items):
            return reduce(or_, map(keys, items))
        case Difference(of=whole, without=part):
            return without(keys(whole), keys(part))


def without(whole: Keys, part: Keys) -> Keys:
    """The keys of a set that are not in another one of the same type."""
    difference: Keys = whole - part  # type: ignore[operator]
    return difference


def put_together(of: KeySet, given: Mapping[str, Keys]) -> Keys:
    """The set that is made of those that are given by their names, of which alone it speaks."""
    match of:
        case Given(name=name):
            return given[name]
        case Intersection() | Joined() | Difference():
            return met(of, lambda one: put_together(one, given))
        case _:
            raise AssertionError(f"{type(of).__name__} is asked of documents")
