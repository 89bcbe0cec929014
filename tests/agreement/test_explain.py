"""An explanation of one user, by that user's rows alone, says what the engine says of everybody."""

from hypothesis import HealthCheck, given, settings

from segflow.compiler.targets.lookup import events_of, look_up, user_of
from segflow.compiler.trace import Trace, explain_user
from segflow.model.compiled import Compiled
from segflow.ports import Engine
from tests.agreement.data import write_parquet
from tests.agreement.shop import KEYS, STRANGERS
from tests.agreement.sides import by_duckdb, compiled_for_engines, opened
from tests.strategies import Example, examples


def explained(engine: Engine, compiled: Compiled, example: Example, name: str, key: int) -> Trace:
    """The trace of one user, looked up in the engine."""
    lookup = look_up(compiled, name, key)
    events = [
        row
        for event, statement in lookup.events.items()
        for row in events_of(lookup, event, engine.rows(statement))
    ]
    user = user_of(lookup, engine.rows(lookup.user))
    snapshots = example.world.snapshots
    return explain_user(compiled, name, key, user, events, example.shop.as_of, snapshots)


def test_explanations_agree_with_memberships(tmp_path):
    """For members, for others and for strangers, the trace's verdict is the engine's."""

    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    @given(examples(4))
    def run(example: Example) -> None:
        compiled = compiled_for_engines(example.project)
        write_parquet(tmp_path, example.project, example.tables, example.shop.stored_as)
        with opened(example.project, tmp_path) as engine:
            for name in example.segments:
                found = by_duckdb(engine, compiled, example.world, name, example.shop.as_of)
                for key in (*KEYS[::4], STRANGERS[0]):
                    trace = explained(engine, compiled, example, name, key)
                    assert (trace.segment, trace.key) == (name, key)
                    assert trace.member == (key in found)

    run()
