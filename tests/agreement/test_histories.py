"""What messages are filled in with: fields that have a history are as of the instant, too."""

from hypothesis import HealthCheck, given, settings

from segflow.compiler.targets.fields import fields_of, select_fields
from segflow.compiler.values import value_of
from segflow.ports import keys_of
from tests.agreement.data import floored
from tests.agreement.forms.history import TYPES
from tests.agreement.hosts import DUCKDB
from tests.agreement.sides import compiled_for_engines
from tests.strategies import Example, examples


def test_fields_are_what_they_were(tmp_path):
    """For every user, DuckDB gives the values that the reference has at T."""
    seen = set()

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(examples(0))
    def run(example: Example) -> None:
        compiled, as_of = compiled_for_engines(example.project), example.shop.as_of
        DUCKDB.write(tmp_path, example.project, example.tables, example.shop.stored_as)
        selection = select_fields(compiled, compiled.entities["customer"], list(TYPES), as_of)
        users = {user.key: user for user in example.world.users}
        with DUCKDB.opened(example.project, tmp_path) as engine:
            rows = engine.values(selection, {selection.sets[0]: keys_of(selection.key_type, users)})
        found = fields_of(compiled, "customer", rows)
        for key, user in users.items():
            for name, type_ in TYPES.items():
                field = compiled.entities["customer"].field_named(name)
                assert field is not None
                expected = user.value(field, as_of)
                assert value_of(floored(found[key][name]), type_) == expected
                seen.add(expected == value_of(user.fields.get(name), type_))

    run()
    assert seen == {True, False}
