"""One user looked up: what the reference is shown of a user decides as the engine does."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from segflow.compiler.interpret import members
from segflow.compiler.targets.lookup import events_of, look_up, user_of
from segflow.compiler.targets.needs import beyond_one_user
from segflow.compiler.worlds import World
from tests.agreement.forms.texts import key_of
from tests.agreement.hosts import DUCKDB
from tests.agreement.sides import by_engine, compiled_for_engines, holding
from tests.compiler.projects import compiled as compile_text
from tests.strategies import Example, examples


def world_of_one(engine, compiled, name, key, around: World, given) -> World | None:
    """What the queries for one user give, as the reference is shown it."""

    def ask(source, statement):
        return engine.rows(statement)

    lookup = look_up(compiled, name, key)
    user = user_of(lookup, ask)
    if user is None:
        return None
    return replace(around, users=(user,), events=events_of(lookup, ask), given=given)


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
            given = {
                leaf: holding(engine, compiled, example.world, "customer", leaf, as_of)
                for leaf in beyond_one_user(compiled, name)
            }
            inside = set()
            keys = [user.key for user in example.world.users]
            for key in (*keys, key_of(999, example.project)):
                world = world_of_one(engine, compiled, name, key, example.world, given)
                if world is not None:
                    inside |= members(world, compiled, name, as_of)
            assert inside == expected


RELATED = """\
relation: home
from: {entity: customer, column: shop_id}
to: {entity: shop}
---
segment: s
entity: shop
where: {members: customer, where: {field: country, eq: NO}}
"""


def test_what_is_asked_of_related_users_is_not_looked_up(tmp_path):
    """Fields of theirs are no fields of the user's entity; the engine says for whom the leaf
    holds."""
    lookup = look_up(compile_text(tmp_path, RELATED), "s", 1)
    assert "country" not in str(lookup.user)
