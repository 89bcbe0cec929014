"""Evaluating compiled segments through engines: the one way for plan, apply, refresh and count."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyroaring import BitMap64

from segflow.compiler.targets.fields import fields_of, select_fields
from segflow.compiler.targets.sql import select_audience, select_keys, select_members
from segflow.errors import CorruptStateError
from segflow.executor.effects import Engines
from segflow.model.catalog import Source
from segflow.model.compiled import Compiled, list_set, segment_set
from segflow.model.instant import Instant
from segflow.model.predicate import Everyone, Predicate
from segflow.ports import Engine, Selection

Kept = Callable[[str], BitMap64 | None]
"""The kept members of a segment: the frozen set of a static one, the last snapshot of a dynamic
one; None where there is none yet."""


def source_of(compiled: Compiled, name: str) -> Source:
    """The source of that name, which a compiled segment reads from."""
    found = compiled.project.source(name)
    if found is None:
        raise CorruptStateError(f"source.{name} is missing from the compiled project")
    return found


class Evaluator:
    """Gives the members of segments of one compiled project, all at one instant.

    A set that is not kept yet (of a static segment before its first apply) is evaluated at the same
    instant, which is what an apply would freeze.
    """

    def __init__(self, compiled: Compiled, as_of: Instant, engines: Engines, kept: Kept) -> None:
        self._compiled = compiled
        self._as_of = as_of
        self._engines = engines
        self._kept = kept
        self._sets: dict[str, BitMap64] = {}

    def members(self, name: str) -> BitMap64:
        """The members of a segment of the project by its own predicate, static or not.

        Raises SourceUnavailableError and UnusableDataError.
        """
        return self._select(select_members(self._compiled, name, self._as_of))

    def audience(self, rule: str) -> BitMap64:
        """The users whom a rule reaches before the gate. Raises as members() does."""
        return self._select(select_audience(self._compiled, rule, self._as_of))

    def population(self, entity: str) -> BitMap64:
        """Every user of an entity. Raises as members() does."""
        return self._select(select_keys(self._compiled, entity, Everyone(), self._as_of))

    def holding(self, entity: str, predicate: Predicate) -> BitMap64:
        """The users of an entity for whom a typed predicate holds. Raises as members() does."""
        return self._select(select_keys(self._compiled, entity, predicate, self._as_of))

    def fields(
        self, entity: str, names: Sequence[str], users: BitMap64
    ) -> Mapping[int, Mapping[str, Any]]:
        """Fields of users by key and name, None for no value. Raises as members() does."""
        if not names:
            return {}
        selection = select_fields(self._compiled, entity, names, self._as_of)
        rows = self._engine(selection).values(selection, {selection.sets[0]: users})
        return fields_of(self._compiled, entity, rows)

    def _select(self, selection: Selection) -> BitMap64:
        sets = {wanted: self._set(wanted) for wanted in selection.sets}
        return self._engine(selection).members(selection, sets)

    def _engine(self, selection: Selection) -> Engine:
        return self._engines(source_of(self._compiled, selection.source))

    def nested(self, name: str) -> Mapping[str, BitMap64]:
        """The sets of other segments that the members of a segment are judged by: frozen ones of
        static segments, last snapshots. Raises as members() does."""
        wanted = select_members(self._compiled, name, self._as_of).sets
        return {
            other: self._set(segment_set(other))
            for other in self._compiled.segments
            if segment_set(other) in wanted
        }

    def _set(self, wanted: str) -> BitMap64:
        if wanted not in self._sets:
            self._sets[wanted] = self._make_set(wanted)
        return self._sets[wanted]

    def _make_set(self, wanted: str) -> BitMap64:
        for path, found in self._compiled.project.lists.items():
            if wanted == list_set(path):
                return BitMap64(int(key) for key in found.keys)
        for name in self._compiled.segments:
            if wanted == segment_set(name):
                kept = self._kept(name)
                return self.members(name) if kept is None else kept
        raise CorruptStateError(f"no set is called {wanted}")
