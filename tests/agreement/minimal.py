"""A disagreement made small: less of the segments and of the rows, as long as the sides differ."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import Any, get_args

from segflow.model.address import Address
from segflow.model.predicate import Predicate
from segflow.model.segment import Segment
from segflow.model.wording import phrase
from tests.agreement.data import Row
from tests.strategies import Example

Differs = Callable[[Example], bool]
"""Whether the sides differ about the one segment that is asked about."""


def smallest(example: Example, name: str, differs: Differs) -> Example:
    """The example with nothing in it that the disagreement about the segment does not need."""
    found = example
    while (
        less := next((one for one in _less(found, name) if _holds(differs, one)), None)
    ) is not None:
        found = less
    return found


def told(example: Example) -> str:
    """The segments and rows of an example, to make a case of."""
    lines = [f"as of {example.shop.as_of}, zone {example.shop.zone}, {example.shop.stored_as}"]
    lines += [f"{one.name} ({one.mode}): {phrase(one.where)}" for one in example.project.segments()]
    for table, rows in example.tables.items():
        lines += [
            f"{table}: { {key: cell for key, cell in row.items() if cell is not None} }"
            for row in rows
        ]
    return "\n".join(lines)


def _holds(differs: Differs, example: Example) -> bool:
    """What can't be compiled or asked is no smaller case of a disagreement."""
    try:
        return differs(example)
    except Exception:
        return False


def _less(example: Example, name: str) -> Iterator[Example]:
    """Smaller examples, the smallest first."""
    for segment in example.project.segments():
        if segment.name != name:
            yield _with(example, segment.address, None)
    for segment in example.project.segments():
        for where in _simpler(segment.where):
            yield _with(example, segment.address, replace(segment, where=where))
    for table, rows in example.tables.items():
        for kept in _fewer(rows):
            yield replace(example, tables={**example.tables, table: kept})


def _with(example: Example, address: Address, segment: Segment | None) -> Example:
    objects = {**example.project.objects, address: segment}
    kept = {address: one for address, one in objects.items() if one is not None}
    return replace(example, project=replace(example.project, objects=kept))


def _simpler(node: Any) -> Iterator[Any]:
    """What a node has inside, if it is of its kind, and the node with something left out of it."""
    for field in fields(node):
        held = getattr(node, field.name)
        parts = held if isinstance(held, tuple) else (held,)
        if isinstance(node, get_args(Predicate)):
            yield from (part for part in parts if isinstance(part, get_args(Predicate)))
        if field.default is not MISSING and held != field.default:
            yield replace(node, **{field.name: field.default})
        for number, part in enumerate(parts):
            others = parts[:number], parts[number + 1 :]
            if isinstance(held, tuple) and len(held) > 1:
                yield replace(node, **{field.name: (*others[0], *others[1])})
            for less in _simpler(part) if is_dataclass(part) else ():
                made = (*others[0], less, *others[1]) if isinstance(held, tuple) else less
                yield replace(node, **{field.name: made})


def _fewer(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows without a half, a quarter and so on, and each without one of its cells."""
    size = len(rows)
    while size:
        for start in range(0, len(rows), size):
            yield [*rows[:start], *rows[start + size :]]
        size //= 2
    for number, row in enumerate(rows):
        for column, cell in row.items():
            if cell is not None:
                yield [*rows[:number], {**row, column: None}, *rows[number + 1 :]]
