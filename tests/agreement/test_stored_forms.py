"""What is stored in other ways than plainly means the same to the engine, reference and trace."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.agreement.data import world_of
from tests.agreement.forms.stored import KEYS, stored_examples
from tests.agreement.hosts import HOSTS
from tests.agreement.sides import agreed, by_engine, compiled_for_engines, explained
from tests.agreement.tally import Tally
from tests.strategies import Example

SHOPS = 10 * settings.default.max_examples // 100
SEGMENTS = 16
PAIRS = 100
FORMS = {
    *("field", "property in where", "field on the right", "did", "sum", "avg", "min", "max"),
    *("first", "last", "count_distinct"),
}
OPERATORS = {
    *("has_any", "has_all", "has_none", "size", "ignore_case", "eq", "gt", "in", "between"),
    *("exists", "another feature"),
}


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_stored_values_agree_with_the_reference(host, tmp_path):
    """Each engine gives the reference's members for versions, lists, JSON and encoded numbers."""
    tally = Tally()

    def run(example: Example) -> None:
        for pair in agreed(example, tmp_path, host):
            tally.count(pair, example.cells(pair.segment))

    run.__name__ = f"stored_on_{host.name}"  # hypothesis seeds by name, so that engines differ
    settings(max_examples=SHOPS, suppress_health_check=list(HealthCheck))(
        given(stored_examples(SEGMENTS))(run)
    )()
    assert {cell.form for cell in tally.hits} >= FORMS
    assert {cell.key for cell in tally.hits} >= OPERATORS
    assert tally.pairs >= PAIRS
    assert tally.telling >= 0.33, tally.results


@pytest.mark.timeout(600)
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_explanations_agree_about_stored_values(host, tmp_path):
    """The trace of a user's rows, as the engine reads them, gives the engine's verdict."""

    @settings(max_examples=3, suppress_health_check=list(HealthCheck))
    @given(stored_examples(6))
    def run(example: Example) -> None:
        project, as_of = host.of(example.project), example.shop.as_of
        tables = host.held(project, example.tables)
        world = world_of(project, "customer", tables, {}, {})
        compiled = compiled_for_engines(project)
        host.write(tmp_path, project, tables, example.shop.stored_as)
        with host.opened(project, tmp_path) as engine:
            for name in example.segments:
                found = by_engine(engine, compiled, world, name, as_of)
                for key in KEYS[:4]:
                    trace = explained(engine, compiled, world, name, key, as_of)
                    assert trace.member == (key in found)

    run()
