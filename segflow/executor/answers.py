"""What sources answer: the sets of the parts that are routed to them, and what that costs."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from segflow.compiler.routing.route import Part, Router
from segflow.compiler.targets.shared import select_shared
from segflow.errors import (
    CorruptStateError,
    RefusedError,
    SourceSilentError,
    SourceUnavailableError,
    TooLargeError,
)
from segflow.executor.effects import Sources
from segflow.model.catalog import Source
from segflow.model.compiled import Compiled, population_set
from segflow.ports import MASK_BITS, Engine, Keys, Selection, Volume

TOGETHER = 4 * MASK_BITS
"""So many sets are asked for in one query at most, which bounds its length and its memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question that a source answered: how many keys it gave for each part that it was asked for,
    by name, the tables that it read, and what it cost as a whole. `is_set`: it gave a set that the
    questions for these parts refer to, the same one for all of them."""

    source: str
    tables: tuple[str, ...]
    ids: Mapping[str, int]
    is_set: bool
    microseconds: int
    read: Volume


Bill = list[Answered]
"""What was answered, in order. Sets that several questions refer to are on that of the first."""


def source_of(compiled: Compiled, name: str) -> Source:
    """The source of that name, which a compiled segment reads from."""
    found = compiled.project.source(name)
    if found is None:
        raise CorruptStateError(f"source.{name} is missing from the compiled project")
    return found


class Answers:
    """Asks the sources of one router for parts. `set_of` gives the id sets that are not the answer
    to a query, by their names. What is asked is put on the bill that is handed in."""

    def __init__(self, router: Router, sources: Sources, set_of: Callable[[str], Keys]) -> None:
        self._router = router
        self._sources = sources
        self._set_of = set_of
        self._made: dict[str, Keys] = {}
        self._populations = {
            population_set(entity): router.population(entity) for entity in router.compiled.entities
        }
        self._silent: dict[str, SourceSilentError] = {}

    def to(self, part: Part, bill: Bill) -> Keys:
        """The keys of a part. Raises SourceUnavailableError and UnusableDataError."""
        name, selection = self._router.named(part), self._router.selection(part)
        return self._keys(selection, self._router.tables([part]), {name: part}, bill)

    def to_all(self, parts: Mapping[str, Part], bill: Bill) -> dict[str, Keys]:
        """The sets of parts by their names; those that one source is asked about the same people in
        one query, so that what they share is scanned for once, and in halves where that is too
        large. What can't be had is not there: whoever asks for it alone is told why."""
        alike: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for name, part in parts.items():
            alike[part.entity, part.source, part.people].append(name)
        waiting = list(chain.from_iterable(map(_chunks, alike.values())))
        found: dict[str, Keys] = {}
        while waiting:
            names = waiting.pop()
            try:
                sets = self._together({name: parts[name] for name in names}, bill)
            except TooLargeError:
                middle = len(names) // 2
                waiting += [half for half in (names[middle:], names[:middle]) if middle]
            except (SourceUnavailableError, RefusedError):
                pass
            else:
                found.update(sets)
        return found

    def sets_of(
        self, selection: Selection, parts: Mapping[str, Part], bill: Bill
    ) -> Mapping[str, Keys]:
        """The id sets that a query for these parts refers to. Raises as to() does."""
        queries: Mapping[str, frozenset[str]] = {}
        if selection.made.keys() - self._made.keys():
            queries = {name: self._router.queries(part) for name, part in parts.items()}
        for name in selection.sets:
            if name in self._made:
                continue
            if name in selection.made:
                having = {one: part for one, part in parts.items() if name in queries[one]}
                # That of a population's condition is made for all.
                query, of = selection.made[name], having or parts
                self._made[name] = self._keys(query, (), of, bill, is_set=True)
            elif name in self._populations:
                part = self._populations[name]
                query, tables = self._router.selection(part), self._router.tables([part])
                self._made[name] = self._keys(query, tables, parts, bill, is_set=True)
        return {
            wanted: self._made[wanted] if wanted in self._made else self._set_of(wanted)
            for wanted in selection.sets
        }

    @contextmanager
    def asking(self, selection: Selection) -> Iterator[Engine]:
        """The engine of the source that a query is for. One that was silent is not asked again, so
        that what others answer does not wait for it once per part."""
        source = selection.source
        if source in self._silent:
            raise self._silent[source]
        try:
            yield self._sources.engines(source_of(self._router.compiled, source))
        except SourceSilentError as error:
            self._silent[source] = error
            raise

    def _keys(
        self,
        query: Selection,
        tables: tuple[str, ...],
        parts: Mapping[str, Part],
        bill: Bill,
        *,
        is_set: bool = False,
    ) -> Keys:
        """The one set that a query gives for these parts, see Answered."""
        sets, names = self.sets_of(query, parts, bill), list(parts)

        def ask(engine: Engine) -> Sequence[Keys]:
            return [engine.members(query, sets)] * len(names)

        return self._measured(ask, query, names, tables, bill, is_set=is_set)[names[0]]

    def _together(self, parts: Mapping[str, Part], bill: Bill) -> Mapping[str, Keys]:
        router, every, names = self._router, list(parts.values()), list(parts)
        wheres = [part.where for part in every]
        selection = select_shared(router.compiled, router.people(every), wheres, router.as_of)
        sets = self.sets_of(selection, parts, bill)

        def ask(engine: Engine) -> Sequence[Keys]:
            return engine.memberships(selection, sets, len(names))

        return self._measured(ask, selection, names, router.tables(every), bill)

    def _measured(
        self,
        ask: Callable[[Engine], Sequence[Keys]],
        selection: Selection,
        names: Sequence[str],
        tables: tuple[str, ...],
        bill: Bill,
        *,
        is_set: bool = False,
    ) -> Mapping[str, Keys]:
        """The answers by the names of the parts that they are for."""
        clock = self._sources.clock
        with self.asking(selection) as engine:
            before, began = engine.read_so_far(), clock.monotonic()
            found = dict(zip(names, ask(engine), strict=True))
            took, read = clock.monotonic() - began, engine.read_so_far() - before
        bill.append(
            Answered(
                source=selection.source,
                tables=tables,
                ids={name: len(keys) for name, keys in found.items()},
                is_set=is_set,
                microseconds=round(took * 1_000_000),
                read=read,
            )
        )
        return found


def _chunks(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER)]
