"""An explanation of one user, by that user's rows alone, says what the engine says of everybody."""

from hypothesis import HealthCheck, given, settings

from tests.agreement.forms.texts import key_of
from tests.agreement.hosts import DUCKDB
from tests.agreement.shop import KEYS, STRANGERS
from tests.agreement.sides import by_engine, compiled_for_engines, explained
from tests.strategies import Example, examples


def test_explanations_agree_with_memberships(tmp_path):
    """For members, for others and for strangers, the trace's verdict is the engine's."""

    @settings(max_examples=5, suppress_health_check=list(HealthCheck))
    @given(examples(4))
    def run(example: Example) -> None:
        compiled = compiled_for_engines(example.project)
        DUCKDB.write(tmp_path, example.project, example.tables, example.shop.stored_as)
        with DUCKDB.opened(example.project, tmp_path) as engine:
            for name in example.segments:
                found = by_engine(engine, compiled, example.world, name, example.shop.as_of)
                for number in (*KEYS[:5], *KEYS[-2:], STRANGERS[0]):
                    key = key_of(number, example.project)
                    trace = explained(
                        engine, compiled, example.world, name, key, example.shop.as_of
                    )
                    assert (trace.segment, trace.key) == (name, key)
                    assert trace.member == (key in found)

    run()
