"""A walk over the shapes of the grammar, to ask which keys there are."""

from collections.abc import Iterator

from segflow.loader.heads import Headed, IfKey, Named
from segflow.loader.predicate import HEADS
from segflow.loader.records import Record
from segflow.loader.shapes import ByNode, Checked, ListOf, MapOf, Mapped, Shape


def inside(shape: Shape) -> Iterator[Shape]:
    """The shapes that a shape is made of, without the values of keys."""
    match shape:
        case Mapped() | Checked():
            yield shape.shape
        case Named():
            yield shape.shape
        case IfKey():
            yield shape.then
            yield shape.otherwise
        case ByNode():
            yield from (part for part in (shape.scalar, shape.items, shape.mapping) if part)
        case ListOf():
            yield shape.item
        case MapOf():
            yield shape.value
        case _:
            return


def records(shape: Shape) -> Iterator[Record]:
    """The mappings that a shape may be, without what is below them."""
    if isinstance(shape, Record):
        yield shape
    for part in inside(shape):
        yield from records(part)


def walk(shape: Shape, seen: set[int]) -> Iterator[Shape]:
    """Every shape below a shape, once."""
    if id(shape) in seen:
        return
    seen.add(id(shape))
    yield shape
    below = list(inside(shape))
    if isinstance(shape, Record):
        below += [key.shape for key in shape.keys.values()]
        below += [shape.others] if shape.others else []
    if isinstance(shape, Headed):
        below += shape.heads.values()
    for part in below:
        yield from walk(part, seen)


def modifiers() -> dict[str, set[str]]:
    """The keys of every leaf beside its head."""
    return {
        head: {key for record in records(shape) for key in record.keys} - {head}
        for head, shape in HEADS.items()
    }
