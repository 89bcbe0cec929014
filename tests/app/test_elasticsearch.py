"""A project whose users are documents of Elasticsearch, from its files to its members."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap64

from segflow.app.doctor.examine import examine
from segflow.app.draft.draft import draft_catalog
from segflow.app.query import routing
from segflow.app.segments import explain, members
from segflow.app.sources import check_sources
from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.errors import InvalidProjectError, RefusedError
from segflow.model.instant import parse_instant
from tests import services
from tests.agreement.elastic import PREFIX, client, drop_indices, write_index
from tests.warehouse import SETTINGS, write

AS_OF = parse_instant("2026-03-01T00:00:00Z")
CATALOG = f"""\
source: search
engine: elasticsearch
url: ${{SEARCH_URL}}
limits: {{timeout: 1min}}
---
entity: person
key: {{type: integer}}
population: {{source: search, table: {PREFIX}people, key: id, since: known.since}}
fields:
  plan: {{type: string, at: {{source: search, table: {PREFIX}people, key: id, column: plan.name}}}}
  city: {{type: string, at: {{source: search, table: {PREFIX}homes, key: person, column: city}}}}
---
event: order
entities: {{person: person}}
at: {{source: search, table: {PREFIX}orders, time: at, when: {{kind: sold}}}}
properties:
  total: {{type: "decimal(18,2)", column: cents, encoding: minor_units(2)}}
  parts: {{type: "list<string>", unnest: items, path: [part]}}
"""
SEGMENT = """\
segment: tested
entity: person
where:
  {where}
"""
PEOPLE = {
    "id": {"type": "long"},
    "known": {"properties": {"since": {"type": "date"}}},
    "plan": {"properties": {"name": {"type": "keyword"}}},
}
HOMES = {"person": {"type": "long"}, "city": {"type": "keyword"}}
ORDERS = {
    "person": {"type": "integer"},
    "at": {"type": "date"},
    "kind": {"type": "keyword"},
    "cents": {"type": "long"},
    "items": {"type": "nested", "properties": {"part": {"type": "keyword"}}},
}


@pytest.fixture(params=["elasticsearch_url", "elasticsearch_7_url"])
def server(request, monkeypatch) -> Iterator[Any]:
    """A server of each line, as the one that the source is at."""
    url = getattr(services, request.param)()
    monkeypatch.setenv("SEARCH_URL", url)
    with client(url) as connection:
        yield connection
        drop_indices(connection)


def project(root: Path, where: str = "{everyone: true}") -> Path:
    """The project with one segment."""
    files = {
        "segflow.toml": f'{SETTINGS}[secrets]\nallow = ["SEARCH_URL"]\n',
        "catalog/search.yaml": CATALOG,
        "segments/tested.yaml": SEGMENT.format(where=where),
    }
    write(root, files)
    return root


def fill(server: Any) -> None:
    """Four people, one of whom is not known yet, three homes and some orders."""
    since = {"since": "2026-01-01T00:00:00Z"}
    people = [
        {"id": 1, "known": since, "plan": {"name": "gold"}},
        {"id": 2, "known": since, "plan": {"name": "Gold"}},
        {"id": 3, "known": since},
        {"id": 4, "known": {"since": "2026-03-01T00:00:00.001Z"}, "plan": {"name": "gold"}},
    ]
    write_index(server, f"{PREFIX}people", PEOPLE, people)
    homes = [{"person": 1, "city": "Ulm"}, {"person": 3, "city": "Bonn"}, {"person": 9}]
    write_index(server, f"{PREFIX}homes", HOMES, homes)
    at = "2026-02-28T23:59:59.999Z"
    orders = [
        {"person": 1, "at": at, "kind": "sold", "cents": 1999, "items": [{"part": "a"}]},
        {"person": 1, "at": at, "kind": "sold", "cents": 2000, "items": [{"part": "b"}, {}]},
        {"person": 2, "at": at, "kind": "lost", "cents": 5000, "items": [{"part": "a"}]},
        {"person": 3, "at": "2026-03-01T00:00:00.001Z", "kind": "sold", "cents": 1},
    ]
    write_index(server, f"{PREFIX}orders", ORDERS, orders)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("{everyone: true}", [1, 2, 3]),
        ("{field: plan, eq: gold}", [1]),
        ("{field: plan, eq: GOLD, ignore_case: true}", [1, 2]),
        ("{field: plan, ne: gold}", [2, 3]),
        ("{field: city, ne: Ulm}", [2, 3]),
        ("{field: city, exists: false}", [2]),
        ("{any: [{field: city, eq: Ulm}, {field: plan, exists: false}]}", [1, 3]),
        ("{did: order}", [1]),
        ("{did: order, exactly: 2}", [1]),
        ("{did: order, at_most: 1}", [2, 3]),
        ("{did_not: order, where: {property: total, gt: 19.99}}", [2, 3]),
        ("{max: order.total, lt: 20}", []),
        ("{min: order.total, between: [19.99, 20]}", [1]),
        ("{did: order, where: {property: parts, has_any: [a, z]}, exactly: 1}", [1]),
        ("{did: order, where: {property: parts, has_none: [a]}, exactly: 1}", [1]),
        ("{last_time: order, in_last: 1s}", [1]),
        ("{not: {last_time: order, before: 2026-02-28}}", [1, 2, 3]),
    ],
)
def test_members_are_those_of_the_language(server, tmp_path, where, expected):
    """Fields of other indices, nested values and units of money, from the files to the members."""
    fill(server)
    root = project(tmp_path, where)
    compiled = load(root, None).compiled
    with open_world(compiled.project.settings, root) as world:
        assert members(world, compiled, "tested", AS_OF) == BitMap64(expected)
        assert (
            f"id of {PREFIX}people: {{"
            in routing(world, compiled, "tested", None, AS_OF).parts[0].query
        )
        assert list(check_sources(world, compiled)) == []


def test_doctor_looks_at_mappings(server, tmp_path):
    """What an index can't answer is told as validate tells it, and documents are not asked for."""
    fill(server)
    write_index(server, f"{PREFIX}homes", {**HOMES, "city": {"type": "text"}}, [])
    root = project(tmp_path)
    compiled = load(root, None).compiled
    with open_world(compiled.project.settings, root) as world:
        (found,) = examine(world, compiled)
    assert [(told.code, told.summary) for told in found.report] == [
        ("SRC004", f"field `city` of index {PREFIX}homes is text, not string")
    ]


def test_indices_are_not_drafted(server, tmp_path):
    """There is no guess at what documents mean."""
    root = project(tmp_path)
    compiled = load(root, None).compiled
    with (
        open_world(compiled.project.settings, root) as world,
        pytest.raises(RefusedError, match="of which there are no drafts yet"),
    ):
        draft_catalog(world, compiled, "search", ())


def test_a_user_is_not_explained(server, tmp_path):
    """Rows of one user are not read out of an index: that is said, and what can be asked."""
    fill(server)
    root = project(tmp_path)
    compiled = load(root, None).compiled
    with (
        open_world(compiled.project.settings, root) as world,
        pytest.raises(RefusedError, match="can't be explained") as refused,
    ):
        explain(world, compiled, "tested", 1, AS_OF)
    assert "segflow segment count tested" in (refused.value.hint or "")


MISFITS = [
    ("plan", {"properties": {"name": {"type": "text"}}}, "SRC004", "`plan.name` .* is text"),
    (
        "plan",
        {"properties": {"name": {"type": "keyword", "ignore_above": 9}}},
        "SRC004",
        "keyword with ignore_above",
    ),
    ("plan", {"properties": {"Name": {"type": "keyword"}}}, "SRC002", "no column `plan.name`"),
    ("plan", {"type": "nested", "properties": {"name": {"type": "keyword"}}}, "SRC004", "nested"),
    ("id", {"type": "keyword"}, "SRC004", "`id` .* is keyword, not integer"),
    ("known", {"properties": {"since": {"type": "long"}}}, "SRC004", "is long, not timestamp"),
]


@pytest.mark.parametrize(("field", "mapping", "code", "says"), MISFITS)
def test_a_mapping_that_does_not_fit_is_told_at_its_line(
    server, tmp_path, field, mapping, code, says
):
    """By validate, and before the index is read."""
    fill(server)
    write_index(server, f"{PREFIX}people", {**PEOPLE, field: mapping}, [])
    _misfit(tmp_path, code, says)


MISFITS_OF_ORDERS = [
    ("cents", {"type": "half_float"}, "SRC004", "is half_float"),
    ("cents", {"type": "double"}, "SRC004", "is double, not integer"),
    ("kind", {"type": "long"}, "SRC004", "`kind` .* is long, not string"),
    (
        "items",
        {"properties": {"part": {"type": "keyword"}}},
        "SRC004",
        "`items` .* is object, not nested",
    ),
    (
        "items",
        {"type": "nested", "properties": {"part": {"type": "text"}}},
        "SRC004",
        "`items.part` .* is text inside of nested",
    ),
    ("items", {"type": "nested"}, "SRC002", "no column `items.part`"),
]


@pytest.mark.parametrize(("field", "mapping", "code", "says"), MISFITS_OF_ORDERS)
def test_a_mapping_of_events_is_looked_at_too(server, tmp_path, field, mapping, code, says):
    """Money is no fraction, and what is unnested is nested."""
    fill(server)
    write_index(server, f"{PREFIX}orders", {**ORDERS, field: mapping}, [])
    _misfit(tmp_path, code, says)


def _misfit(root: Path, code: str, says: str) -> None:
    compiled = load(project(root, "{did: order}"), None).compiled
    with open_world(compiled.project.settings, root) as world:
        told, *_ = check_sources(world, compiled)
        assert (told.code, told.span is not None) == (code, True)
        assert re.search(says, told.summary), told.summary
        assert told.help
        with pytest.raises(InvalidProjectError):
            members(world, compiled, "tested", AS_OF)
