"""What the catalog says of its sources, held against what the sources have."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from segflow.app.codes import MISFIT, NO_COLUMN, NO_TABLE, NOT_ASKED
from segflow.app.columns import fits, holds_json, orders_rows
from segflow.app.refusal import refuse
from segflow.app.wiring import World
from segflow.compiler.storage import storage_of_field, storage_of_property
from segflow.diagnostics import Diagnostic, Report
from segflow.errors import SegflowError
from segflow.executor.effects import Engines
from segflow.loader.suggest import nearest
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, Field, History, Location, Relation
from segflow.model.compiled import Compiled
from segflow.model.contact import (
    ConsentTable,
    ConsentTopic,
    ContactAddress,
    Suppression,
    SuppressionTable,
)
from segflow.model.keys import value_type
from segflow.model.project import KeyPath, Project
from segflow.model.types import BOOLEAN, STRING, TIMESTAMP, ValueType
from segflow.planner.reach import closure
from segflow.ports import Engine

Columns = Mapping[str, str]

Contents = ValueType | Literal["json", "order"] | None
"""What a column holds: values of a type, JSON, what tells newer rows from older, or anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The catalog's word, at `address` and `path`, that a table of a source has a column, and what
    it holds; that the table is there, where `column` is None. A row counts only where each column
    that is `needed` has a value."""

    address: Address
    path: KeyPath
    source: str
    table: str
    column: str | None = None
    holds: Contents = None
    needed: bool = False


def check_sources(world: World, compiled: Compiled) -> Report:
    """Ask every source whether it has the tables and columns that the catalog names; one that can't
    be asked is an error too."""
    report = Report()
    found = source_findings(compiled, world.engines)
    report.extend(compiled.project.sources.told(found))
    return report


def refuse_misfits(world: World, compiled: Compiled, read: Iterable[Address]) -> None:
    """Tell at its line what the catalog says wrongly of a source, before the source is read for
    these objects: its own words for it would have no place, and a value that is rounded has none.

    Raises InvalidProjectError for what they rest on, directly or not. A source that can't be asked
    now is passed over: it tells so itself, with whether to try again.
    """
    found = source_findings(compiled, world.engines, closure(compiled.depends, read))
    refuse(compiled.project, (one for one in found if one.code != NOT_ASKED))


def source_findings(
    compiled: Compiled, engines: Engines, of: Container[Address] | None = None
) -> Iterator[Diagnostic]:
    """What is claimed and not so, by all objects or by some (`of`).

    Each table is asked for once; of a missing one only the first claim is reported, and of a source
    that can't be asked only that.
    """
    project = compiled.project
    asked = Asked(project, engines)
    for claim in all_claims(project, of):
        if (found := asked.finding(claim)) is not None:
            yield found


def all_claims(project: Project, of: Container[Address] | None = None) -> Iterator[Claim]:
    """What all objects of a project, or some (`of`), say of tables and columns."""
    entities = {thing.name: thing for thing in project if isinstance(thing, Entity)}
    for thing in project:
        if of is None or thing.address in of:
            yield from claims(thing, entities)


def claims(thing: object, entities: Mapping[str, Entity]) -> Iterator[Claim]:
    """What an object of the catalog says of tables and columns, tables before their columns."""
    match thing:
        case Entity():
            yield from _of_entity(thing)
        case Event():
            yield from _of_event(thing, entities)
        case Relation():
            yield _of_relation(thing, entities)
        case ConsentTopic() | Suppression() | ContactAddress():
            yield from _of_contact(thing, entities)
        case _:
            return


def _of_entity(entity: Entity) -> Iterator[Claim]:
    population, address = entity.population, entity.address

    def claim(key: str, column: str | None, holds: Contents = None) -> Claim:
        return Claim(
            holds=holds,
            needed=key == "key",
            address=address,
            path=("population", key),
            source=population.source,
            table=population.table,
            column=column,
        )

    yield claim("table", None)
    yield claim("key", population.key, value_type(entity.key_type))
    if population.since is not None:
        yield claim("since", population.since, TIMESTAMP)
    for field in entity.fields:
        yield from _of_field(entity, field)


def _of_field(entity: Entity, field: Field) -> Iterator[Claim]:
    if field.history is not None:
        yield from _of_history(entity, field, field.history)
    for number, location in enumerate(field.at):
        if location.index is not None:
            continue
        path: KeyPath = ("fields", field.name, "at")
        if len(field.at) > 1:
            path = (*path, number)
        storage = storage_of_field(field, location)
        columns: tuple[tuple[str, str | None, Contents], ...] = (
            ("table", None, None),
            ("key", location.key or entity.population.key, value_type(entity.key_type)),
            ("column", storage.column, storage.column_type or "json"),
        )
        for key, column, holds in columns:
            yield Claim(
                holds=holds,
                needed=key == "key",
                address=entity.address,
                path=(*path, key),
                source=location.source,
                table=location.table or entity.population.table,
                column=column,
            )


def _of_history(entity: Entity, field: Field, history: History) -> Iterator[Claim]:
    columns = (
        ("table", None, None),
        ("key", history.key, value_type(entity.key_type)),
        ("time", history.time, TIMESTAMP),
        ("column", history.column, field.type),
    )
    for key, column, type_ in columns:
        yield Claim(
            holds=type_,
            needed=key in ("key", "time"),
            address=entity.address,
            path=("fields", field.name, "history", key),
            source=history.source,
            table=history.table,
            column=column,
        )


def _of_relation(relation: Relation, entities: Mapping[str, Entity]) -> Claim:
    population = entities[relation.from_entity].population
    return Claim(
        holds=value_type(entities[relation.to_entity].key_type),
        address=relation.address,
        path=("from", "column"),
        source=population.source,
        table=population.table,
        column=relation.from_column,
    )


def _of_event(event: Event, entities: Mapping[str, Entity]) -> Iterator[Claim]:
    for path, column, holds in _columns_of_event(event, entities):
        yield Claim(
            holds=holds,
            needed=path[0] == "entities" or path[1] in ("time", "id"),
            address=event.address,
            path=path,
            source=event.at.source,
            table=event.at.table,
            column=column,
        )


def _columns_of_event(
    event: Event, entities: Mapping[str, Entity]
) -> Iterator[tuple[KeyPath, str | None, Contents]]:
    at = event.at
    yield ("at", "table"), None, None
    yield ("at", "time"), at.time, TIMESTAMP
    if at.id is not None:
        yield ("at", "id", "column"), at.id.column, value_type(at.id.type)
    if at.version is not None:
        yield ("at", "version"), at.version, "order"
    if at.arrived is not None:
        yield ("at", "arrived"), at.arrived, TIMESTAMP
    for test in at.when:
        yield ("at", "when", test.column), test.column, None
    for entity, column in event.entities:
        yield ("entities", entity), column, value_type(entities[entity].key_type)
    for declared in event.properties:
        storage = storage_of_property(declared)
        key = "column" if declared.column else "unnest" if declared.unnest else "path"
        yield ("properties", declared.name, key), storage.column, storage.column_type or "json"


def _of_contact(
    thing: ConsentTopic | Suppression | ContactAddress, entities: Mapping[str, Entity]
) -> Iterator[Claim]:
    at = thing.at
    if at is None:
        return
    key_type = entities[thing.entity].key_type
    columns = (("key", at.key, value_type(key_type)), *_columns_of_contact(at))
    known = [one for one in columns if one[1] is not None]
    for key, column, holds in (("table", None, None), *known):
        yield Claim(
            holds=holds,
            needed=key == "key",
            address=thing.address,
            path=("at", key),
            source=at.source,
            table=at.table or "",
            column=column,
        )


def _columns_of_contact(
    at: ConsentTable | SuppressionTable | Location,
) -> Iterator[tuple[str, str | None, Contents]]:
    match at:
        case ConsentTable():
            yield "granted", at.granted, BOOLEAN
            yield "topic", at.topic, STRING
            yield "time", at.time, TIMESTAMP
        case SuppressionTable():
            yield "address", at.address, STRING
            yield "channel", at.channel, STRING
            yield "reason", at.reason, STRING
            yield "time", at.time, TIMESTAMP
        case Location():
            storage = storage_of_field(Field(name="", type=STRING), at)
            yield "column", storage.column, storage.column_type or "json"


_UNCHECKED = "so its tables and columns can't be checked; --no-sources leaves that out"


class Asked:
    """The sources, asked for each table once."""

    def __init__(self, project: Project, engines: Engines) -> None:
        self._project = project
        self._engines = engines
        self._opened: dict[str, Engine | None] = {}
        self._tables: dict[tuple[str, str], Columns | None] = {}
        self._misfits: set[tuple[str, str, str]] = set()

    def finding(self, claim: Claim) -> Diagnostic | None:
        """What is wrong with a claim; None where it holds or something before it was wrong."""
        if claim.source not in self._opened:
            try:
                self._opened[claim.source] = self._open(claim.source)
            except SegflowError as error:
                self._opened[claim.source] = None
                return not_asked(self._project, claim.source, error, _UNCHECKED)
        engine = self._opened[claim.source]
        return None if engine is None else self._held(claim, engine)

    def word(self, source: str, table: str, column: str) -> str | None:
        """The engine's word for the type of a column, in the tables that were claimed; None where
        it is missing, or was found not to hold what is claimed."""
        columns = self._tables.get((source, table))
        if columns is None or (source, table, column) in self._misfits:
            return None
        return _type_of(columns, column)

    def _open(self, name: str) -> Engine | None:
        source = self._project.source(name)
        return None if source is None else self._engines(source)

    def _held(self, claim: Claim, engine: Engine) -> Diagnostic | None:
        table = (claim.source, claim.table)
        if table not in self._tables:
            try:
                self._tables[table] = engine.columns(claim.table)
            except SegflowError as error:
                self._opened[claim.source] = None
                return not_asked(self._project, claim.source, error, _UNCHECKED)
            if self._tables[table] is None:
                return self._no_table(claim)
        columns = self._tables[table]
        if columns is None or claim.column is None:
            return None
        word = _type_of(columns, claim.column)
        if word is None:
            return self._no_column(claim, claim.column, columns)
        misfit = self._misfit(claim, claim.column, word)
        if misfit is not None:
            self._misfits.add((claim.source, claim.table, claim.column))
        return misfit

    def _engine_of(self, claim: Claim) -> str:
        source = self._project.source(claim.source)
        return "" if source is None else source.engine

    def _no_table(self, claim: Claim) -> Diagnostic:
        return self._diagnostic(
            claim,
            NO_TABLE,
            f"source {claim.source} has no table `{claim.table}`",
            "correct the name, or add the table to the source",
        )

    def _no_column(self, claim: Claim, column: str, columns: Columns) -> Diagnostic:
        near = nearest(column, columns)
        return self._diagnostic(
            claim,
            NO_COLUMN,
            f"table {claim.table} of source {claim.source} has no column `{column}`",
            f"did you mean `{near}`?" if near else f"it has: {', '.join(sorted(columns))}",
        )

    def _misfit(self, claim: Claim, column: str, word: str) -> Diagnostic | None:
        """What is wrong with the type of a column; None where it holds what is claimed."""
        engine = self._engine_of(claim)
        match claim.holds:
            case None:
                return None
            case "json":
                fitting, what = holds_json(engine, word), "JSON"
            case "order":
                fitting, what = orders_rows(engine, word), "a number or an instant"
            case _:
                fitting, what = fits(engine, word, claim.holds), str(claim.holds)
        return (
            None
            if fitting
            else self._diagnostic(
                claim,
                MISFIT,
                f"column `{column}` of table {claim.table} is {word}, not {what}",
                "declare the type that the column has, or name a view that converts it",
            )
        )

    def _diagnostic(self, claim: Claim, code: str, summary: str, help: str) -> Diagnostic:
        return Diagnostic(
            code=code,
            summary=summary,
            help=help,
            span=self._project.sources.value(claim.address, claim.path),
            address=str(claim.address),
        )


def not_asked(
    project: Project, source: str, error: SegflowError, detail: str | None = None
) -> Diagnostic:
    """That a source can't be asked now, where it is declared; `detail` says what follows."""
    address = Address("source", source)
    return Diagnostic(
        code=NOT_ASKED,
        summary=error.message,
        detail=detail,
        help=error.hint,
        span=project.sources.key(address, ("source",)),
        address=str(address),
    )


def _type_of(columns: Columns, wanted: str) -> str | None:
    """The engine's word for the column's type; SQL does not tell names apart by case."""
    return {name.lower(): word for name, word in columns.items()}.get(wanted.lower())
