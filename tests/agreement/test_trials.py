"""The cases of meaning once more, each user as a test of a segment: all sides agree."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from segflow.app import trials
from segflow.app.wiring import EMBEDDED
from segflow.compiler.pipeline import compile_project
from segflow.loader.project import load_project
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event
from segflow.model.project import Project
from segflow.model.segment import Segment
from tests.test_cases import CASES, FILES, project_of, read

BY_STORAGE = {
    "events_of_strangers_make_no_members": "whoever does something in a test exists",
    "events_without_a_time_do_not_count": "the instant of an event is always given",
    "infinity_is_a_value": "no literal is infinite",
    "nan_is_missing": "no literal is NaN",
    "nan_stored_as_a_decimal_is_missing": "no literal is NaN",
    "rows_of_a_history_without_a_time_do_not_count": "the instant of a change is always given",
    "strangers_are_not_ranked": "whoever does something in a test exists",
    "texts_decide_between_rows_of_an_id": "an event in a test is of one user",
    "the_earliest_row_of_an_id_counts": "the instant of an event is always given",
    "the_largest_key": "SQLite holds no such key",
    "users_exist_from_since_on": "a user exists since ever, or since an instant",
    "via_one_that_does_not_exist_yet": "a user exists since ever, or since an instant",
}
"""Cases about what only a source can hold, with what tests can't say."""

AS_THEY_ARE = {
    "a_derived_field_of_versions",
    "a_list_has_all",
    "a_list_has_any",
    "equal_versions_are_counted_once",
    "has_none_is_not_has_any",
    "ignore_case_of_lists",
    "lists_of_events_in_a_where",
    "lists_of_integers",
    "sizes_take_several_tests",
    "versions_compare_number_by_number",
    "versions_lie_between",
}
"""Cases of the catalog of storage whose tables hold the values themselves."""

_NOT_OF_ROWS = re.compile(r"\b(entered|exited|sql):")


def can_be_said(path: Path) -> bool:
    """Whether tests can say what the case is about: neither the past of consents and segments, nor
    what a query gives, nor what only a source holds."""
    case = read(path)
    asks_more = _NOT_OF_ROWS.search(case["segments"]) is not None
    given = not case.keys().isdisjoint(("logs", "answers", "engines"))
    is_stored = case.get("catalog") == "stored.yaml" and path.stem not in AS_THEY_ARE
    of_contacts = case.get("catalog") == "contacts.yaml"
    return not (path.stem in BY_STORAGE or asks_more or given or is_stored or of_contacts)


def said(cells: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """The cells that are there, by the names of what is in their columns."""
    return {name: cells[column] for name, column in columns.items() if column in cells}


def fields_of(entity: Entity, key: str, tables: Mapping[str, Any]) -> dict[str, Any]:
    """A user's key, since and fields, from the tables of the case."""
    told = {"key": key}
    population = entity.population
    for row in tables[population.table]:
        if row.get(population.key) == key and population.since in row:
            told["since"] = row[population.since]
    for field in entity.fields:
        for at in field.at:
            rows = [row for row in tables.get(at.table or "", ()) if row.get(at.key) == key]
            for row in rows:
                told |= said(row, {field.name: at.column or field.name})
            if at.encoding == "child_table" and rows:
                told[field.name] = [row[at.column] for row in rows]
    return told


def history_of(entity: Entity, key: str, tables: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of a user's changes, by field."""
    told = {}
    for field in entity.fields:
        if (at := field.history) is not None:
            columns = {"time": at.time, "value": at.column}
            rows = [row for row in tables.get(at.table, ()) if row.get(at.key) == key]
            told |= {field.name: [said(row, columns) for row in rows]} if rows else {}
    return told


def events_of(
    project: Project, entity: Entity, key: str, tables: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """A user's events, the name and the instant of each first."""
    for event in project:
        if isinstance(event, Event) and entity.name in dict(event.entities):
            columns = {event.name: event.at.time}
            columns |= {} if event.at.id is None else {"id": event.at.id.column}
            columns |= {one.name: one.column or one.name for one in event.properties}
            for row in tables.get(event.at.table, ()):
                if row.get(dict(event.entities)[entity.name]) == key:
                    yield said(row, columns)


def user_of(case: Mapping[str, Any], project: Project, entity: Entity, key: str) -> dict[str, Any]:
    """All that the case says of a user, as a test says it."""
    tables = case["tables"]
    history = history_of(entity, key, tables)
    fields = fields_of(entity, key, tables)
    leading = {
        one.name: one.from_column for one in project.relations() if one.from_entity == entity.name
    }
    here = entity.population
    (row, *_) = (row for row in tables[here.table] if row.get(here.key) == key)
    kept = [
        name
        for name, members in case.get("snapshots", {}).items()
        if key in members and entity_of(project, name) == entity.name
    ]
    told = {
        "user": {name: value for name, value in fields.items() if name not in history},
        "via": said(row, leading),
        "history": history,
        "events": list(events_of(project, entity, key, tables)),
        "members_of": kept + [path for path, held in project.lists.items() if key in held.keys],
    }
    return {name: value for name, value in told.items() if value}


def entity_of(project: Project, segment: str) -> str:
    """The entity of a segment."""
    found = project.objects[Address("segment", segment)]
    assert isinstance(found, Segment)
    return found.entity


def keys_of(entity: Entity, tables: Mapping[str, Any]) -> list[str]:
    """The keys of an entity's population, each once."""
    keys = [row.get(entity.population.key) for row in tables.get(entity.population.table, ())]
    return [key for key in dict.fromkeys(keys) if key is not None]


def made_of(case: Mapping[str, Any], project: Project) -> list[dict[str, Any]]:
    """One test per customer of the case, with all others that it knows."""
    users = {
        (entity.name, key): user_of(case, project, entity, key)
        for entity in project
        if isinstance(entity, Entity)
        for key in keys_of(entity, case["tables"])
    }
    made = []
    for (entity, key), user in users.items():
        others = [
            {"entity": of, **other}
            for (of, one), other in users.items()
            if (of, one) != (entity, key)
        ]
        test = {
            "name": f"user {key!r}",  # spaces at its end would be no part of the name
            "as_of": case["as_of"],
            **user,
            **({"others": others} if others else {}),
            "expect": "in" if key in case["expect"] else "out",
        }
        made += [test] if entity == "customer" else []
    return made


def test_what_tests_cannot_say_is_little():
    """The cases that are left out are there, and many cases are not left out."""
    assert {*BY_STORAGE, *AS_THEY_ARE} <= {path.stem for path in FILES}
    assert sum(map(can_be_said, FILES)) > 200


@pytest.mark.parametrize(
    "path", [path for path in FILES if can_be_said(path)], ids=lambda path: path.stem
)
def test_users_of_a_case_pass_as_tests(path: Path, tmp_path: Path):
    """What a case says of each user, a test says too, and both sides find it so."""
    case = read(path)
    check = {
        "check": "users",
        "segment": "tested",
        "tests": made_of(case, project_of(case, tmp_path)),
    }
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "users.yaml").write_text(
        yaml.safe_dump(check, sort_keys=False, allow_unicode=True)
    )
    compiled, report = compile_project(load_project(tmp_path)[0])
    assert compiled is not None, [found.summary for found in report]
    outcomes = list(trials.run(compiled, compiled.trials, EMBEDDED, lambda *_: None))
    assert outcomes
    assert [(one.trial.name, one.faults) for one in outcomes if not one.passed] == []


CONTACTS = """\
segment: readers
entity: customer
where: {any: [{reachable: email}, {all: [{reachable: phone}, {consent: service}]}]}
---
segment: agreed
entity: customer
where: {all: [{segment: readers}, {consent: terms}]}
---
check: of_readers
segment: readers
tests:
  - name: agreed and has a mailbox
    as_of: 2026-01-31
    consents: {marketing: true}
    addresses: {email: a@example.com}
    expect: in
    because: {reachable: email}
  - {name: said nothing, as_of: 2026-01-31, addresses: {email: a@example.com}, expect: out}
  - name: refused
    as_of: 2026-01-31
    consents: {marketing: false, terms: true}
    addresses: {email: a@example.com}
    expect: out
    because: {reachable: email}
  - {name: has no mailbox, as_of: 2026-01-31, consents: {marketing: true}, expect: out}
  - name: has an empty mailbox
    as_of: 2026-01-31
    consents: {marketing: true}
    addresses: {email: ""}
    expect: out
  - {name: a telephone and silence, as_of: 2026-01-31, user: {phone: "1"}, expect: in}
  - name: a telephone and a no
    as_of: 2026-01-31
    user: {phone: "1"}
    consents: {service: false}
    expect: out
    because: {consent: service}
  - name: is not to be called
    as_of: 2026-01-31
    user: {phone: "1"}
    suppressed: [phone]
    expect: out
    because: {reachable: phone}
  - name: is not to be called but may be written to
    as_of: 2026-01-31
    user: {phone: "1", key: 7}
    consents: {marketing: true}
    addresses: {email: a@example.com}
    suppressed: [phone]
    expect: in
  - name: is in no way to be reached
    as_of: 2026-01-31
    user: {phone: "1"}
    consents: {marketing: true}
    addresses: {email: a@example.com}
    suppressed: [phone, email]
    expect: out
---
check: of_agreed
segment: agreed
tests:
  - name: agreed to all
    as_of: 2026-01-31
    consents: {marketing: true, terms: true}
    addresses: {email: a@example.com}
    expect: in
    because: {consent: terms}
  - name: did not agree to the terms
    as_of: 2026-01-31
    consents: {marketing: true}
    addresses: {email: a@example.com}
    expect: out
    because: {consent: terms}
"""


def test_what_tests_say_of_consents_and_addresses(tmp_path: Path):
    """The reference and both engines find a test's user consented, reachable or suppressed as the
    test says, whether a suppression of the catalog is by keys or by addresses."""
    catalog = (CASES / "contacts.yaml").read_text(encoding="utf-8")
    bounced, blocked = (catalog.index(f"suppression: {one}") for one in ("bounced", "blocked"))
    by_address_alone = catalog[:bounced] + catalog[blocked:]
    for number, text in enumerate((catalog, by_address_alone)):
        folder = tmp_path / str(number)
        for name, content in {
            "segflow.toml": '[project]\nname = "shop"\n',
            "catalog/all.yaml": text,
            "segments/all.yaml": CONTACTS,
        }.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        compiled, report = compile_project(load_project(folder)[0])
        assert compiled is not None, [found.summary for found in report]
        outcomes = list(trials.run(compiled, compiled.trials, EMBEDDED, lambda *_: None))
        assert len(outcomes) == 12
        assert [(one.trial.name, one.faults) for one in outcomes if not one.passed] == []
