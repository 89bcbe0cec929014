"""One behaviour of the language per file of tests/cases/meaning, asked of every side."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from segflow.compiler.passes.walk import segment_sites
from segflow.compiler.worlds import LoggedChange, Logs
from segflow.loader.project import load_project
from segflow.model.instant import parse_instant
from segflow.model.keys import Key, KeyType, parse_key
from segflow.model.predicate import Sql
from segflow.model.project import Project
from segflow.model.types import ValueType
from tests.agreement.data import Row, columns, world_of
from tests.agreement.hosts import DUCKDB, HOSTS, SPARK, SQLITE
from tests.agreement.sides import (
    by_engine,
    by_reference,
    compiled_for_engines,
    compiled_for_reference,
    explained,
)

CASES = Path(__file__).parent / "cases"
FILES = sorted((CASES / "meaning").glob("*.yaml"))
KEYS = {
    "fact",
    "as_of",
    "timezone",
    "catalog",
    "engines",
    "segments",
    "tables",
    "lists",
    "snapshots",
    "logs",
    "stored_as",
    "expect",
    "answers",  # the keys that the case's query gives
}


def read(path: Path) -> Mapping[str, Any]:
    """The case with all its scalars as they are written."""
    case: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.CBaseLoader)
    return case


def project_of(case: Mapping[str, Any], folder: Path) -> Project:
    """The case written out as a project and loaded as anybody's would be. Its `catalog` is the text
    of one, or the name of a file beside that of all cases."""
    catalog = case.get("catalog", "catalog.yaml")
    if catalog.endswith(".yaml"):
        catalog = (CASES / catalog).read_text(encoding="utf-8")
    files = {
        "segflow.toml": f'[project]\nname = "case"\ntimezone = "{case.get("timezone", "UTC")}"\n',
        "catalog/catalog.yaml": catalog,
        "segments/case.yaml": case["segments"],
        **case.get("lists", {}),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    project, report = load_project(folder)
    assert [found.summary for found in report] == []
    return project


def value(text: Any, type_: ValueType) -> Any:
    """What a table holds for the text in a case; `null` in a list is a missing element."""
    if type_.is_list:
        return [None if one == "null" else value(one, type_.element) for one in text]
    match type_.name:
        case "integer":
            return int(text)
        case "decimal":
            return Decimal(text)
        case "float":
            return float(text)
        case "boolean":
            return text == "true"
        case "date":
            return date.fromisoformat(text)
        case "timestamp":
            return datetime.fromisoformat(text)
        case _:
            return text


def rows(project: Project, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Mapping[str, Any]:
    """The rows of a case with values of their columns' types."""
    types = columns(project)

    def row(table: str, cells: Mapping[str, Any]) -> Row:
        return {column: value(text, types[table][column]) for column, text in cells.items()}

    return {table: [row(table, cells) for cells in found] for table, found in tables.items()}


def queries_in(project: Project) -> Iterator[Sql]:
    """The `sql` leaves of all segments."""
    for segment in project.segments():
        for site in segment_sites(segment):
            if isinstance(site.node, Sql):
                yield site.node


def keys_in(texts: Iterable[str], type_: KeyType) -> frozenset[Key]:
    """The keys that a case writes."""
    return frozenset(parse_key(text, type_) for text in texts)


def logs(case: Mapping[str, Any]) -> Logs:
    """The membership logs of a case."""

    def change(entry: Mapping[str, Any]) -> LoggedChange:
        return LoggedChange(
            as_of=parse_instant(entry["at"]),
            cause=entry["cause"],
            entered=frozenset(map(int, entry.get("entered", ()))),
            exited=frozenset(map(int, entry.get("exited", ()))),
        )

    return {name: tuple(map(change, log)) for name, log in case.get("logs", {}).items()}


ONE_IN = 12
"""Of so many cases Spark is asked one."""

EXPLAINING = (DUCKDB, SQLITE)
"""These explain every user, others one member and somebody else."""


def askable() -> Iterator[Any]:
    """Each case with each engine that can hold its rows; with some only, if it names `engines`."""
    for number, path in enumerate(FILES):
        text = path.read_text(encoding="utf-8")
        keys = [int(key) for key in re.findall(r"customer_id: (\d+)", text)]
        named = re.search(r"^engines: \[(.*)\]", text, re.MULTILINE)
        infinite = re.search(r": -?inf\b", text) is not None
        for host in HOSTS if number % ONE_IN else (*HOSTS, SPARK):
            asked = named is None or host.name in named[1].split(", ")
            held = max(keys, default=0) <= host.keys and (not infinite or host.holds(float("inf")))
            if asked and held:
                yield pytest.param(path, host, id=f"{path.stem}-{host.name}")


@pytest.mark.parametrize(("path", "host"), [*askable()])
def test_a_case_means_what_it_says(path, host, tmp_path):
    """Reference, engine and the explanations of single users give the members that are expected."""
    case = read(path)
    assert set(case) <= KEYS
    project = host.of(project_of(case, tmp_path))
    tables = rows(project, case["tables"])
    customer = project.entity("customer")
    assert customer is not None
    type_ = customer.key_type
    snapshots = {name: keys_in(keys, type_) for name, keys in case.get("snapshots", {}).items()}
    world = world_of(project, "customer", tables, snapshots, logs(case))
    answers = keys_in(case.get("answers", ()), type_)
    world = replace(world, given={leaf: answers for leaf in queries_in(project)})
    compiled, as_of = compiled_for_engines(project), parse_instant(case["as_of"])
    expected = [parse_key(key, type_) for key in case["expect"]]
    reference, _ = by_reference(compiled_for_reference(compiled), world, "tested", as_of)
    assert sorted(reference) == expected, "the reference"
    host.write(tmp_path, project, tables, case.get("stored_as", {}))
    with host.opened(project, tmp_path) as engine:
        assert sorted(by_engine(engine, compiled, world, "tested", as_of)) == expected, host.name
        keys = sorted({user.key for user in world.users})
        if host not in EXPLAINING:
            others = [key for key in keys if key not in expected]
            keys = sorted([*expected[:1], *others[:1]])
        traces = [explained(engine, compiled, world, "tested", key, as_of) for key in keys]
    inside = [trace.key for trace in traces if trace.member]
    assert inside == [key for key in keys if key in expected], "explanations"


def test_there_are_enough_cases():
    """At least 40 behaviours of the language have a case, each stating another fact."""
    facts = [read(path)["fact"] for path in FILES]
    assert len(set(facts)) == len(facts) >= 40
