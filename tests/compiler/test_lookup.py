"""One user looked up: what the reference is shown of a user decides as the engine does."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from segflow.compiler.interpret import members
from segflow.compiler.targets.lookup import events_of, look_up, user_of
from segflow.compiler.worlds import World
from tests.agreement.hosts import DUCKDB
from tests.agreement.sides import beyond, by_engine, compiled_for_engines
from tests.strategies import Example, examples


def world_of_one(engine, compiled, name, key, known) -> World | None:
    """What the queries for one user give, as the reference is shown it."""
    lookup = look_up(compiled, name, key)
    user = user_of(lookup, engine.rows(lookup.user))
    events = [
        event
        for event_name, statement in lookup.events.items()
        for event in events_of(lookup, event_name, engine.rows(statement))
    ]
    return None if user is None else replace(known, users=(user,), events=tuple(events))


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(examples(3))
def test_a_user_by_itself_is_decided_as_among_all(tmp_path_factory, example: Example):
    """For every key the reference, shown that user only, agrees with the engine's members."""
    folder = tmp_path_factory.mktemp("shop")
    compiled = compiled_for_engines(example.project)
    as_of = example.shop.as_of
    DUCKDB.write(folder, example.project, example.tables, example.shop.stored_as)
    with DUCKDB.opened(example.project, folder) as engine:
        for name in example.segments:
            expected = by_engine(engine, compiled, example.world, name, as_of)
            given_leaves = beyond(engine, compiled, example.world, name, as_of)
            known = replace(example.world, given=given_leaves)
            inside = set()
            for key in [user.key for user in example.world.users] + [999]:
                world = world_of_one(engine, compiled, name, key, known)
                if world is not None:
                    inside |= members(world, compiled, name, as_of)
            assert inside == expected
