"""What the catalog says of its sources, held against what the sources have."""

from collections.abc import Container, Iterable, Iterator, Mapping

from segflow.app.claims import Claim, Items, claims
from segflow.app.codes import MISFIT, NO_COLUMN, NO_TABLE, NOT_ASKED
from segflow.app.columns import fits, holds_json, orders_rows
from segflow.app.refusal import refuse
from segflow.app.wiring import World
from segflow.compiler.targets.elastic_mapping import indexed_as, mapped_as
from segflow.diagnostics import Diagnostic, Report
from segflow.errors import SegflowError
from segflow.executor.effects import Engines
from segflow.loader.suggest import nearest
from segflow.model.address import Address
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled
from segflow.model.project import Project
from segflow.model.types import STRING, ValueType
from segflow.planner.reach import closure
from segflow.ports import Engine

Columns = Mapping[str, str]


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
        if self._engine_of(claim) == "elasticsearch":
            found = self._held_by_documents(claim, claim.column, columns)
        elif (word := _type_of(columns, claim.column)) is None:
            return self._no_column(claim, claim.column, columns)
        else:
            found = self._misfit(claim, claim.column, word)
        if found is not None:
            self._misfits.add((claim.source, claim.table, claim.column))
        return found

    def _held_by_documents(self, claim: Claim, column: str, columns: Columns) -> Diagnostic | None:
        """The same for an index: names are as they are, what is unnested is in nested documents,
        and what tells events from others is asked for as text."""
        if claim.items is not None:
            return self._unnested(claim, claim.items, columns)
        if column not in columns:
            return self._no_column(claim, column, columns)
        match claim.holds:
            case "json":
                return None  # a path, by which nothing can be asked
            case "order":
                return self._misfit(claim, column, columns[column])
            case None:
                return self._indexed(claim, column, columns[column], STRING)
            case _:
                return self._indexed(claim, column, columns[column], claim.holds)

    def _unnested(self, claim: Claim, items: Items, columns: Columns) -> Diagnostic | None:
        """The same for items, each of which has to be a document of its own if something in it is
        meant."""
        whole = f"{items.path}.{items.inner}" if items.inner else items.path
        for name in (items.path, whole):
            if name not in columns:
                return self._no_column(claim, name, columns)
        word = columns[whole]
        if items.inner and not holds_json("elasticsearch", columns[items.path]):
            return self._diagnostic(
                claim,
                MISFIT,
                f"field `{items.path}` of index {claim.table} is {columns[items.path]}, not nested",
                f"index it anew as `nested`, or say `column: {whole}` for `unnest`",
            )
        if word in mapped_as(items.type, nested=bool(items.inner)):
            return None
        return self._misindexed(claim, whole, word, items.type)

    def _indexed(self, claim: Claim, column: str, word: str, held: ValueType) -> Diagnostic | None:
        if fits("elasticsearch", word, held):
            return None
        return self._misindexed(claim, column, word, held)

    def _misindexed(self, claim: Claim, column: str, word: str, held: ValueType) -> Diagnostic:
        return self._diagnostic(
            claim,
            MISFIT,
            f"field `{column}` of index {claim.table} is {word}, not {held}",
            f"index it anew as {indexed_as(held)}, or declare what it holds",
        )

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
