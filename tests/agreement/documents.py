"""Either line of versions of Elasticsearch, and drawn shops of what it is not refused."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from segflow.compiler.pipeline import compile_project
from segflow.engines.elasticsearch import ElasticsearchEngine
from segflow.model.catalog import Entity, Event, Source
from segflow.model.compiled import Compiled
from segflow.model.project import Project
from segflow.model.segment import Segment
from tests import services
from tests.agreement.cells import Cell
from tests.agreement.choices import Pick
from tests.agreement.data import Row, Tables, world_of
from tests.agreement.elastic import (
    PREFIX,
    client,
    drop_indices,
    in_indices,
    in_units,
    promised,
    units,
    write_indices,
)
from tests.agreement.sides import (
    Pair,
    all_by_reference,
    compiled_for_reference,
    each_alone,
    together,
)
from tests.strategies import Example, seeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of versions, by the address of its server. A full run goes on until so many `pairs`
    were judged, and each of the CELLS was hit the `least` number of times."""

    name: str
    url: Callable[[], str]
    pairs: int = 3_000
    least: int = 10

    @property
    def version(self) -> str:
        """Which one of the line it is."""
        with client(self.url()) as connection:
            nodes = connection.nodes.info(filter_path="nodes.*.version")["nodes"]
            return ", ".join(sorted({str(node["version"]) for node in nodes.values()}))


LINES = (
    Line(name="elasticsearch-8", url=services.elasticsearch_url),
    Line(name="elasticsearch-7", url=services.elasticsearch_7_url),
)
SEGMENTS = 24
LARGEST = 2**63 - 1
ORDERED = ("string", "integer", "decimal", "date", "timestamp")
TYPES = (*ORDERED, "boolean", "list<string>", "list<integer>")
OF_VALUES = {"field": TYPES, "count_distinct": TYPES, "min": ORDERED, "max": ORDERED}
OTHERS = (
    *("did", "did_not", "first_time", "last_time"),
    *("segment", "sample", "in_file", "everyone", "entered", "exited"),
)
_CELLS = frozenset(
    [Cell(form, "", type_) for form, types in OF_VALUES.items() for type_ in types]
    + [Cell(form) for form in OTHERS]
)
WISHED = (*sorted(_CELLS), *(Cell(form) for form in (*OF_VALUES, *OF_VALUES, *OTHERS)))
"""What leaves are about, mostly: anything else would be refused."""
CELLS = _CELLS - {Cell("count_distinct", "", "date")}
"""That are met at least; `count_distinct` of dates is refused."""


def wished(pick: Pick) -> Cell:
    """The next leaf is about this."""
    return pick.one(WISHED)


def shops(seed: int) -> Iterator[Example]:
    """Always the same ones for a seed. Segments have few leaves, since one that is refused refuses
    all."""
    for number in count():
        yield seeded(f"{seed} {number}", SEGMENTS, wished)


def without_histories(project: Project) -> Project:
    """The project, in which fields have no past, since those that have one are refused."""
    told = {
        address: replace(
            found, fields=tuple(replace(field, history=None) for field in found.fields)
        )
        for address, found in project.objects.items()
        if isinstance(found, Entity)
    }
    return replace(project, objects={**project.objects, **told})


def held(project: Project, tables: Tables) -> Tables:
    """The rows that indices can hold: no greater keys, and each id of an event once."""
    kept = {
        name: [row for row in rows if all(not _is_too_large(one) for one in row.values())]
        for name, rows in tables.items()
    }
    for event in project:
        if isinstance(event, Event) and event.at.id is not None:
            kept[event.at.table] = _once(kept.get(event.at.table, ()), event.at.id.column)
    return kept


def _is_too_large(value: object) -> bool:
    return isinstance(value, int) and value > LARGEST


def _once(rows: Sequence[Row], column: str) -> list[Row]:
    seen: set[object] = set()
    kept = []
    for row in rows:
        if row.get(column) is None or row[column] not in seen:
            seen.add(row.get(column))
            kept.append(row)
    return kept


def sayable(project: Project) -> tuple[Compiled, Project]:
    """The project without the segments that are refused, and those that rest on them."""
    while True:
        compiled, report = compile_project(project)
        if compiled is not None:
            return compiled, project
        wrong = {found.address for found in report if found.severity == "error"}
        kept = {
            address: found
            for address, found in project.objects.items()
            if not isinstance(found, Segment) or str(address) not in wrong
        }
        assert len(kept) < len(project.objects), [found.summary for found in report]
        project = replace(project, objects=kept)


def pairs_of(
    line: Line, example: Example, names: Collection[str], *, alone: bool = False
) -> list[Pair]:
    """Both sides, of those of the segments that are not refused, asked in one query or each alone.
    The rows are left out that indices can't hold."""
    tables = held(example.project, units(example.project, example.tables))
    moved = in_indices(without_histories(in_units(example.project)), line.url())
    compiled, project = sayable(promised(moved, tables))
    asked = [one.name for one in project.segments() if one.name in names]
    if not asked:
        return []
    known = {**tables, **{f"{PREFIX}{name}": rows for name, rows in tables.items()}}
    snapshots = {one.name: example.world.snapshots[one.name] for one in project.segments()}
    logs = {name: example.world.logs[name] for name in snapshots}
    world = world_of(project, "customer", known, snapshots, logs)
    world = replace(world, given=example.world.given)
    (source,) = (found for found in project if isinstance(found, Source))
    with client(line.url()) as connection:
        write_indices(connection, project, tables, example.shop.stored_as)
        engine = ElasticsearchEngine(source)
        ask = each_alone if alone else together
        found = ask(engine, compiled, world, asked, example.shop.as_of)
        engine.close()
        drop_indices(connection)
    reference = compiled_for_reference(compiled)
    expected, everyone = all_by_reference(reference, world, asked, example.shop.as_of)
    return [
        Pair(name, keys, expected[name], everyone) for name, keys in zip(asked, found, strict=True)
    ]
