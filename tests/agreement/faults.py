"""Seeded faults: deliberate mistakes, each of which the agreement must see.

A fault is put into the path of the engine only; where both sides share a function, into the name
by which the SQL target calls it.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segflow.model.codec import canonical
from tests.agreement.cells import Cell
from tests.agreement.choices import Pick
from tests.agreement.predicates import FORMS, any_form
from tests.agreement.sides import pairs
from tests.strategies import Example, seeded

SHOPS = 240
SEGMENTS = 16
ONE_IN = 3


def shop(number: int, cells: Sequence[Cell], texts: Set[str] | None = None) -> Example:
    """One of the shops that faults are tried on, always the same ones; its leaves are in the cells,
    if there are some. Of `texts` see composed()."""

    def wish(pick: Pick) -> Cell:
        return pick.one(cells) if cells else any_form(pick)

    return seeded(f"{number}", SEGMENTS, wish, texts)


def _forms(word: str) -> Sequence[str]:
    """The forms that the class or kind of that name in canonical text is of."""
    others = {
        "EventHas": ("first with has", "last with has"),
        "InSegment": ("segment", "segment in held"),
        "NoneOf": ("none", "none in where"),
        "Periods": ("did with periods",),
        "Transition": ("entered", "exited"),
    }
    name = word.strip('"').lower()
    return others.get(word) or [form for form in FORMS if form.split()[0] == name]


@dataclass(frozen=True, slots=True)
class Fault:
    """A deliberate mistake: `attribute` of `owner` becomes what `make` makes of it. It can touch
    only segments that have all the words of `about` in their canonical text; `cells` are where it
    shows soonest, else the forms that the words tell. `beside` are attributes with the values that
    they need to have for it to show."""

    name: str
    owner: Any
    attribute: str
    make: Callable[[Any], Any]
    about: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    beside: tuple[tuple[Any, str, Any], ...] = ()
    shop: Callable[[int, Sequence[Cell]], Example] = shop


def share(faults: Sequence[Fault]) -> Sequence[Fault]:
    """Those that are seeded in every test run; `make agreement` seeds all."""
    return faults[::ONE_IN]


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """The fault is there."""
    with pytest.MonkeyPatch.context() as patch:
        made = fault.make(getattr(fault.owner, fault.attribute))
        for owner, attribute, value in ((fault.owner, fault.attribute, made), *fault.beside):
            patch.setattr(owner, attribute, value)
        yield


def cells_about(fault: Fault) -> Sequence[Cell]:
    """Where the fault shows soonest."""
    return fault.cells or [Cell(form) for word in fault.about for form in _forms(word)]


def touched_by(fault: Fault, found: Example) -> tuple[str, ...]:
    """The segments of a shop that the fault can touch."""
    return tuple(
        segment.name
        for segment in found.project.segments()
        if all(word in canonical(segment.where) for word in fault.about)
    )


def is_caught(fault: Fault, folder: Path) -> bool:
    """Whether, with the fault, the sides differ on a segment that it can touch."""
    cells = cells_about(fault)
    with planted(fault):
        for number in range(SHOPS):
            found = fault.shop(number, cells)
            touched = touched_by(fault, found)
            if touched and not all(pair.agree for pair in pairs(found, folder, touched)):
                return True
    return False
