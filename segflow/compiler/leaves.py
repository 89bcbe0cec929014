"""The leaves of a predicate: what all, any, none and not combine."""

from collections.abc import Mapping

from segflow.model.predicate import All, AnyOf, Everyone, NoneOf, Not, Predicate


def leaves_of(predicate: Predicate) -> tuple[Predicate, ...]:
    """The leaves in the order in which they stand, equal ones once. A nested segment is one leaf;
    `everyone` is none, since it has one value only."""
    match predicate:
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            return tuple(dict.fromkeys(leaf for item in items for leaf in leaves_of(item)))
        case Not(item=item):
            return leaves_of(item)
        case Everyone():
            return ()
        case _:
            return (predicate,)


def combined(predicate: Predicate, values: Mapping[Predicate, bool]) -> bool:
    """What the predicate comes to where each of its leaves has that value."""
    match predicate:
        case All(items=items):
            return all(combined(item, values) for item in items)
        case AnyOf(items=items):
            return any(combined(item, values) for item in items)
        case NoneOf(items=items):
            return not any(combined(item, values) for item in items)
        case Not(item=item):
            return not combined(item, values)
        case Everyone():
            return True
        case _:
            return values[predicate]


def decides(leaf: Predicate, predicate: Predicate, values: Mapping[Predicate, bool]) -> bool:
    """Whether the predicate would come to the opposite if this leaf of it alone did."""
    opposite = {**values, leaf: not values[leaf]}
    return combined(predicate, opposite) != combined(predicate, values)
