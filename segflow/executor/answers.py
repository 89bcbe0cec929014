"""What sources answer: the sets of the parts that are routed to them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from segflow.executor.effects import Engines
from segflow.model.catalog import Source
from segflow.model.compiled import Compiled
from segflow.ports import MASK_BITS, Engine, Keys, Selection

TOGETHER = 4 * MASK_BITS
"""So many sets are asked for in one query at most, which bounds its length and its memory."""


def source_of(compiled: Compiled, name: str) -> Source:
    """The source of that name, which a compiled segment reads from."""
    found = compiled.project.source(name)
    if found is None:
        raise CorruptStateError(f"source.{name} is missing from the compiled project")
    return found


class Answers:
    """Asks the sources of one router for parts. `set_of` gives the id sets that are not the answer
    to a query, by their names."""

    def __init__(self, router: Router, engines: Engines, set_of: Callable[[str], Keys]) -> None:
        self._router = router
        self._engines = engines
        self._set_of = set_of
        self._made: dict[str, Keys] = {}
        self._silent: dict[str, SourceSilentError] = {}

    def to(self, part: Part) -> Keys:
        """The keys of a part. Raises SourceUnavailableError and UnusableDataError."""
        selection = self._router.selection(part)
        sets = self.sets_of(selection)
        with self.asking(selection) as engine:
            return engine.members(selection, sets)

    def to_all(self, parts: Mapping[str, Part]) -> dict[str, Keys]:
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
                sets = self._together([parts[name] for name in names])
            except TooLargeError:
                middle = len(names) // 2
                waiting += [half for half in (names[middle:], names[:middle]) if middle]
            except (SourceUnavailableError, RefusedError):
                pass
            else:
                found.update(zip(names, sets, strict=True))
        return found

    def sets_of(self, selection: Selection) -> Mapping[str, Keys]:
        """The id sets that a query refers to. Raises as to() does."""
        for name, query in selection.made.items():
            if name not in self._made:
                with self.asking(query) as engine:
                    self._made[name] = engine.members(query, {})
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
            yield self._engines(source_of(self._router.compiled, source))
        except SourceSilentError as error:
            self._silent[source] = error
            raise

    def _together(self, parts: Sequence[Part]) -> Sequence[Keys]:
        router, wheres = self._router, [part.where for part in parts]
        people = router.people(parts)
        selection = select_shared(router.compiled, people, wheres, router.as_of)
        sets = self.sets_of(selection)
        with self.asking(selection) as engine:
            return engine.memberships(selection, sets, len(parts))


def _chunks(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER)]
