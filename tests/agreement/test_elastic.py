"""Elasticsearch and the reference give the same members, of what Elasticsearch is not refused."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from segflow.compiler.pipeline import compile_project
from segflow.engines.elasticsearch import ElasticsearchEngine
from segflow.model.catalog import Entity, Event, Source
from segflow.model.compiled import Compiled
from segflow.model.project import Project
from segflow.model.segment import Segment
from segflow.model.wording import phrase
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
from tests.agreement.sides import Pair, all_by_reference, compiled_for_reference, together
from tests.agreement.tally import TELLING, Tally
from tests.strategies import ROWS, SEGMENT, SHOP, Example, composed

SEGMENTS = 24
SHOPS = max(3, 30 * settings.default.max_examples // 100)
PAIRS = 8 * SHOPS
LARGEST = 2**63 - 1
ORDERED = ("string", "integer", "decimal", "date", "timestamp")
TYPES = (*ORDERED, "boolean", "list<string>", "list<integer>")
OF_VALUES = ("field", "min", "max", "count_distinct")
OF_TIMES = ("did", "did_not", "first_time", "last_time")
FORMS = {*OF_VALUES, *OF_TIMES, "segment", "sample", "in_file", "everyone", "entered", "exited"}
"""That are met at least."""
WISHED = (
    *(Cell(form, "", type_) for form in ("field", "count_distinct") for type_ in TYPES),
    *(Cell(form, "", type_) for form in ("min", "max") for type_ in ORDERED),
    *(Cell(form, "", "") for form in FORMS for _ in range(2)),
)
"""What leaves are about, mostly: anything else would be refused."""


def wished(pick: Pick) -> Cell:
    """The next leaf is about this."""
    return pick.one(WISHED)


def shop_of(entropy: bytes) -> Example:
    """A shop with segments of few leaves, since one that is refused refuses all."""
    starts = range(SHOP + ROWS, len(entropy), SEGMENT)
    return composed(
        Pick(entropy[:SHOP]),
        Pick(cycle(entropy[SHOP : SHOP + ROWS])),
        [Pick(entropy[start : start + SEGMENT]) for start in starts],
        wished,
        depth=1,
    )


def shops() -> st.SearchStrategy[Example]:
    """Drawn shops."""
    size = SHOP + ROWS + SEGMENTS * SEGMENT
    return st.binary(min_size=size, max_size=size).map(shop_of)


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


def pairs(example: Example, url: str) -> list[Pair]:
    """Both sides, of every segment that is left."""
    tables = held(example.project, units(example.project, example.tables))
    moved = promised(in_indices(without_histories(in_units(example.project)), url), tables)
    compiled, project = sayable(moved)
    names = [segment.name for segment in project.segments()]
    if not names:
        return []
    known = {**tables, **{f"{PREFIX}{name}": rows for name, rows in tables.items()}}
    snapshots = {name: example.world.snapshots[name] for name in names}
    logs = {name: example.world.logs[name] for name in names}
    world = world_of(project, "customer", known, snapshots, logs)
    world = replace(world, given=example.world.given)
    (source,) = (found for found in project if isinstance(found, Source))
    with client(url) as connection:
        write_indices(connection, project, tables, example.shop.stored_as)
        engine = ElasticsearchEngine(source)
        found = together(engine, compiled, world, names, example.shop.as_of)
        engine.close()
    reference = compiled_for_reference(compiled)
    expected, everyone = all_by_reference(reference, world, names, example.shop.as_of)
    return [
        Pair(name, keys, expected[name], everyone) for name, keys in zip(names, found, strict=True)
    ]


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("server", ["elasticsearch_url", "elasticsearch_7_url"])
def test_elasticsearch_agrees_with_the_reference(server, tmp_path):
    """Of drawn shops whose events have unique ids, in most pairs telling."""
    url = getattr(services, server)()
    tally = Tally()

    def run(example: Example) -> None:
        for pair in pairs(example, url):
            if not pair.agree:
                segment = example.project.segment(pair.segment)
                note(f"{pair.segment}: {segment and phrase(segment.where)}")
            assert sorted(pair.by_engine) == sorted(pair.by_reference)
            tally.count(pair, example.cells(pair.segment))

    run.__name__ = f"shops_of_{server}"
    once = settings(
        max_examples=SHOPS, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    once(given(shops())(run))()
    with client(url) as connection:
        drop_indices(connection)
    assert tally.pairs >= PAIRS
    assert {cell.form for cell in tally.hits} >= FORMS
    assert tally.telling >= TELLING, tally.results
