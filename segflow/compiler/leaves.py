"""The leaves of a predicate: what all, any, none and not combine."""

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


def flipped(predicate: Predicate, leaf: Predicate) -> Predicate:
    """The predicate with the opposite of the leaf wherever the leaf stands."""
    match predicate:
        case All(items=items):
            return All(items=tuple(flipped(item, leaf) for item in items))
        case AnyOf(items=items):
            return AnyOf(items=tuple(flipped(item, leaf) for item in items))
        case NoneOf(items=items):
            return NoneOf(items=tuple(flipped(item, leaf) for item in items))
        case Not(item=item):
            return Not(item=flipped(item, leaf))
        case _:
            return Not(item=predicate) if predicate == leaf else predicate
