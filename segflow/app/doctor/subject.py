"""What a check of doctor is given: one source that answers, and what the catalog says of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.sql import Select

from segflow.app.claims import Claim
from segflow.app.codes import NO_ANSWER
from segflow.app.sources import Asked
from segflow.app.structure import UNKNOWN, Trait, traits_of
from segflow.compiler.dialects import Dialect, dialect_of
from segflow.compiler.storage import places_of_event
from segflow.diagnostics import Diagnostic, Severity
from segflow.errors import SegflowError, UnusableDataError
from segflow.executor.effects import Engines
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, Source
from segflow.model.project import KeyPath, Project
from segflow.ports import Clock


def columns_of(event: Event) -> Iterator[str]:
    """The columns that tell who did it, when, and whether a row is the event."""
    yield event.at.time
    yield from (column for _, column in event.entities)
    yield from (test.column for test in event.at.when)
    if event.at.id is not None:
        yield event.at.id.column


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One source under examination. `claims` are those about it; `asked` knows the types of the
    columns that are named, of all sources that answer."""

    project: Project
    source: Source
    claims: Sequence[Claim]
    asked: Asked
    engines: Engines
    clock: Clock
    _traits: dict[str, Mapping[str, Trait]] = field(default_factory=dict)
    _unanswered: set[tuple[str, str]] = field(default_factory=set)

    @property
    def gives_rows(self) -> bool:
        """Whether it can be asked in SQL for rows, which indices can't."""
        return not self.source.has_documents

    @property
    def dialect(self) -> Dialect:
        """How the source's engine writes things."""
        return dialect_of(self.source.engine)

    @property
    def events(self) -> Iterator[Event]:
        """The events whose rows are in the source, and can be read."""
        for thing in self.project:
            if not isinstance(thing, Event):
                continue
            if all(at.source != self.source.name for at in thing.tables):
                continue
            here = thing.in_source(self.source.name)
            if self.has(here.at.table, columns_of(here)):
                yield here

    def entity(self, name: str) -> Entity:
        """The entity of that name; the pass `resolve` has seen to it that there is one."""
        found = self.project.entity(name)
        assert found is not None
        return found

    def has(self, table: str, columns: Iterable[str]) -> bool:
        """Whether the table is there, with all of these columns."""
        return all(self.word(table, column) is not None for column in columns)

    def word(self, table: str, column: str) -> str | None:
        """The engine's word for the type of a column that is claimed; None where it can't be
        read as that."""
        return self.asked.word(self.source.name, table, column)

    def trait(self, table: str, column: str) -> Trait:
        """What the source itself says of a column; each table is asked for once."""
        if table not in self._traits:
            self._traits[table] = traits_of(self.source, self.engines(self.source), table)
        return self._traits[table].get(column.lower(), UNKNOWN)

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """What the source answers. Raises as Engine.rows() does."""
        return self.engines(self.source).rows(statement)

    def path(self, event: Event, *rest: str) -> KeyPath:
        """Where the catalog says this of the event's table in the source."""
        declared = self.project.event(event.name) or event
        (way,) = (way for at, way in places_of_event(declared) if at.source == self.source.name)
        return (*way, *rest)

    def answered(
        self, address: Address, path: KeyPath, what: str, found: Iterator[Diagnostic]
    ) -> Iterator[Diagnostic]:
        """What is found about something, and that the source refused to answer where it did: once
        for each reason. Words that may quote what the source holds are not repeated."""
        try:
            yield from found
        except SegflowError as error:
            reason = "" if isinstance(error, UnusableDataError) else f": {error.message}"
            told = what, reason or error.hint or ""
            if told in self._unanswered:
                return
            self._unanswered.add(told)
            yield self.finding(
                NO_ANSWER,
                address,
                path,
                f"a question about {what} could not be answered{reason}",
                error.hint or "try again, or look into the log of the source",
                "error",
            )

    def answered_of(self, event: Event, found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
        """See answered(), of the table of an event."""
        what = f"table {event.at.table}"
        return self.answered(event.address, self.path(event, "table"), what, found)

    def finding(
        self,
        code: str,
        address: Address,
        path: KeyPath,
        summary: str,
        help: str,
        severity: Severity = "warning",
    ) -> Diagnostic:
        """Something that is not as the catalog says, where it says so."""
        return Diagnostic(
            code=code,
            summary=summary,
            help=help,
            severity=severity,
            span=self.project.sources.value(address, path),
            address=str(address),
        )
