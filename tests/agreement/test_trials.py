"""The cases of meaning once more, each user as a test of a segment: reference and DuckDB agree."""

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
from segflow.model.catalog import Entity, Event
from segflow.model.project import Project
from tests.test_cases import CASES, FILES, project_of, read

BY_STORAGE = {
    "an_id_of_two_users_is_one_event": "a test has one user",
    "events_of_strangers_make_no_members": "a test has one user",
    "events_without_a_time_do_not_count": "the instant of an event is always given",
    "infinity_is_a_value": "no literal is infinite",
    "nan_is_missing": "no literal is NaN",
    "nan_stored_as_a_decimal_is_missing": "no literal is NaN",
    "the_earliest_row_of_an_id_counts": "the instant of an event is always given",
    "texts_decide_between_rows_of_an_id": "a test has one user",
    "the_largest_key": "SQLite holds no such key",
    "users_exist_from_since_on": "a user exists since ever, or since an instant",
}
"""Cases about what only a source can hold, with what tests can't say."""


_BEYOND_ONE_USER = re.compile(
    r"\b(history|relation|changed|held|entered|exited|via|members|rank|sql):"
)


def can_be_said(path: Path) -> bool:
    """Whether tests can say what the case is about: neither the past of fields, consents and
    segments, nor others than the user, nor what only a source holds."""
    case = read(path)
    text = case["segments"] + case.get("catalog", "")
    asks_others = _BEYOND_ONE_USER.search(text) is not None or "changes" in case["tables"]
    given = not case.keys().isdisjoint(("logs", "answers", "engines"))
    is_stored = case.get("catalog") in ("stored.yaml", "contacts.yaml")
    return not (path.stem in BY_STORAGE or asks_others or given or is_stored)


def said(cells: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    """The cells that are there, by the names of what is in their columns."""
    return {name: cells[column] for name, column in columns.items() if column in cells}


def user_of(entity: Entity, key: str, tables: Mapping[str, Any]) -> dict[str, str]:
    """A user's key, since and fields, from the tables of the case."""
    told = {"key": key}
    population = entity.population
    for row in tables[population.table]:
        if row.get(population.key) == key and population.since in row:
            told["since"] = row[population.since]
    for field in entity.fields:
        for at in field.at:
            for row in tables.get(at.table or "", ()):
                if row.get(at.key) == key:
                    told |= said(row, {field.name: at.column or field.name})
    return told


def events_of(project: Project, key: str, tables: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """A user's events, the name and the instant of each first."""
    for event in project:
        if isinstance(event, Event):
            columns = {event.name: event.at.time}
            columns |= {} if event.at.id is None else {"id": event.at.id.column}
            columns |= {one.name: one.column or one.name for one in event.properties}
            for row in tables.get(event.at.table, ()):
                if row.get(dict(event.entities)["customer"]) == key:
                    yield said(row, columns)


def made_of(case: Mapping[str, Any], project: Project) -> list[dict[str, Any]]:
    """One test per user of the case."""
    entity = project.entity("customer")
    assert entity is not None
    tables = case["tables"]
    made = []
    keys = [row.get(entity.population.key) for row in tables[entity.population.table]]
    for key in dict.fromkeys(key for key in keys if key is not None):
        kept = [name for name, members in case.get("snapshots", {}).items() if key in members]
        lists = [path for path, held in project.lists.items() if key in held.keys]
        test = {
            "name": f"user {key!r}",  # spaces at its end would be no part of the name
            "as_of": case["as_of"],
            "user": user_of(entity, key, tables),
            "events": list(events_of(project, key, tables)),
            "members_of": kept + lists,
            "expect": "in" if key in case["expect"] else "out",
        }
        made.append({name: held for name, held in test.items() if held})
    return made


def test_what_tests_cannot_say_is_little():
    """The cases that are left out are there, and many cases are not left out."""
    assert set(BY_STORAGE) <= {path.stem for path in FILES}
    assert sum(map(can_be_said, FILES)) > 80


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
