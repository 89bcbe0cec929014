"""How far the data go that segments rest on, and which instant they can be judged at."""

from collections.abc import Iterator
from dataclasses import dataclass

from segflow.errors import RefusedError, SourceUnavailableError
from segflow.executor.effects import Engines
from segflow.model.address import Address
from segflow.model.catalog import Event, Source
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.planner.reach import closure


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """An instant up to which data are there, and the source, or the event by its `arrived`, that
    has come no further."""

    until: Instant
    by: Address


class Watermarks:
    """Of the segments of one compiled project; each source and each column is asked once.

    A source that can't be asked bounds nothing: who then reads it is told so.
    """

    def __init__(self, compiled: Compiled, engines: Engines) -> None:
        self._compiled = compiled
        self._engines = engines
        self._known: dict[tuple[str, ...], Instant | None] = {}

    def of(self, segment: str) -> Watermark | None:
        """The least of what the segment rests on; None where nothing bounds it."""
        found = self._bounds(Address("segment", segment))
        return min(found, key=lambda one: (one.until, str(one.by)), default=None)

    def _bounds(self, of: Address) -> Iterator[Watermark]:
        for address in closure(self._compiled.depends, [of]):
            until = self._until(address)
            if until is not None:
                yield Watermark(until=until, by=address)

    def _until(self, address: Address) -> Instant | None:
        match self._compiled.project.objects.get(address):
            case Source(name=name):
                return self._asked(name)
            case Event(tables=tables):
                asked = [(at.source, at.table, at.arrived) for at in tables if at.arrived]
                found = (self._asked(*one) for one in asked)
                return min((one for one in found if one is not None), default=None)
            case _:
                return None

    def _asked(self, source: str, *column: str) -> Instant | None:
        asked = (source, *column)
        if asked not in self._known:
            try:
                self._known[asked] = self._ask(source, *column)
            except (SourceUnavailableError, RefusedError):
                self._known[asked] = None
        return self._known[asked]

    def _ask(self, name: str, *column: str) -> Instant | None:
        source = self._compiled.project.source(name)
        if source is None:
            return None
        engine = self._engines(source)
        return engine.newest(*column) if column else engine.reached().until
