"""When an answer changes by itself: one behaviour per file of tests/cases/deadlines."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from segflow.compiler.deadlines.search import Deadline, foresee
from segflow.compiler.interpret import everybody
from segflow.compiler.worlds import Context, World
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, format_instant, parse_instant
from segflow.model.project import Project
from segflow.model.wording import phrase
from tests.agreement.data import Tables, world_of
from tests.agreement.hosts import HOSTS
from tests.agreement.sides import compiled_for_engines, explained
from tests.test_cases import CASES, KEYS, logs, project_of, queries_in, read, rows

FILES = sorted((CASES / "deadlines").glob("*.yaml"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def case(request) -> Mapping[str, Any]:
    return read(request.param)


def world(case: Mapping[str, Any], project: Project, tables: Tables) -> World:
    """What the reference sees of a case."""
    kept = {name: frozenset(map(int, keys)) for name, keys in case.get("snapshots", {}).items()}
    answers = frozenset(map(int, case.get("answers", ())))
    found = world_of(project, "customer", tables, kept, logs(case))
    return replace(found, given={leaf: answers for leaf in queries_in(project)})


def by_reference(
    compiled: Compiled, around: World, as_of: Instant
) -> Iterator[tuple[int, Deadline]]:
    """The deadline of every user, with all that there is to be seen."""
    context = Context(
        compiled=compiled,
        entity=compiled.entities["customer"],
        as_of=as_of,
        snapshots=around.snapshots,
        logs=around.logs,
        worlds={**around.others, "customer": around},
        given=around.given,
    )
    for subject in everybody(context, "tested"):
        yield subject.user.key, foresee(subject).deadline


def told(deadline: Deadline, expected: Mapping[str, Any]) -> Mapping[str, Any]:
    """The deadline in the words of a case, without reasons where the case has none."""
    found: dict[str, Any] = {}
    if deadline.at is not None:
        found["at"] = format_instant(deadline.at)
    if deadline.until is not None:
        found["until"] = format_instant(deadline.until)
    if deadline.begins:
        found["begins"] = "true"
    if "because" in expected:
        found["because"] = {
            phrase(leaf): "in" if holds else "out" for leaf, holds in deadline.because
        }
    if deadline.unforeseen:
        found["as_now"] = [phrase(leaf) for leaf in deadline.unforeseen]
    return found


def expected_of(case: Mapping[str, Any]) -> Mapping[int, Mapping[str, Any]]:
    """The deadlines that a case expects, by key."""
    expect = {int(key): told for key, told in case["expect"].items()}
    return {key: {} if told == "never" else told for key, told in expect.items()}


def test_a_deadline_is_the_first_instant_with_another_answer(case, tmp_path):
    """The reference foresees for each user what the case says: the instant, and what decides."""
    assert set(case) <= KEYS
    project = project_of(case, tmp_path)
    around = world(case, project, rows(project, case["tables"]))
    expected = expected_of(case)
    deadlines = dict(
        by_reference(compiled_for_engines(project), around, parse_instant(case["as_of"]))
    )
    found = {key: told(deadlines[key], wanted) for key, wanted in expected.items()}
    assert found == expected


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_what_is_looked_up_of_a_user_tells_the_deadline(case, host, tmp_path):
    """An engine gives all rows about a user and those that decide about it, those later than T,
    too."""
    project = host.of(project_of(case, tmp_path))
    tables = rows(project, case["tables"])
    around, compiled = world(case, project, tables), compiled_for_engines(project)
    as_of, expected = parse_instant(case["as_of"]), expected_of(case)
    host.write(tmp_path, project, tables, {})
    with host.opened(project, tmp_path) as engine:
        for key, wanted in expected.items():
            trace = explained(engine, compiled, around, "tested", key, as_of, ahead=True)
            assert trace.deadline is not None
            assert told(trace.deadline, wanted) == wanted


def test_there_are_enough_cases():
    """Every form has its case, each stating another fact."""
    facts = [read(path)["fact"] for path in FILES]
    assert len(set(facts)) == len(facts) >= 50
