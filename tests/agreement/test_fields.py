"""Fields of chosen users, which messages are filled in with: what an engine gives is what they are
worth to the reference."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from segflow.compiler import interpret
from segflow.compiler.targets.fields import fields_of, select_fields
from segflow.compiler.values import Version
from segflow.model.instant import instant_of
from segflow.model.keys import Key
from segflow.model.predicate import FieldFeature
from segflow.ports import keys_of
from tests.agreement.data import world_of
from tests.agreement.hosts import HOSTS, SPARK, Host
from tests.agreement.shop import FIELD_TYPES
from tests.agreement.sides import compiled_for_engines, compiled_for_reference
from tests.strategies import Example, examples


@pytest.mark.parametrize("host", (*HOSTS, SPARK), ids=lambda host: host.name)
def test_fields_are_what_they_are_worth(host: Host, tmp_path: Path):
    """Stored and derived fields, exact numbers with the digits that they declare."""

    def run(example: Example) -> None:
        found, expected = fields_by(host, example, tmp_path)
        assert found == expected

    run.__name__ = f"fields_of_{host.name}"
    shops = 3 if host is not SPARK else 1
    settings(max_examples=shops, suppress_health_check=list(HealthCheck))(given(examples(1))(run))()


Fields = Mapping[Key, Mapping[str, Any]]


def fields_by(host: Host, example: Example, folder: Path) -> tuple[Fields, Fields]:
    """The fields of everybody by the engine and by the reference."""
    project, as_of = host.of(example.project), example.shop.as_of
    tables = host.held(project, example.tables)
    world = world_of(project, "customer", tables, {}, {})
    compiled = compiled_for_engines(project)
    host.write(folder, project, tables, example.shop.stored_as)
    people = interpret.population(world, compiled_for_reference(compiled), "s0", as_of)
    expected = {
        subject.user.key: {name: worth(name, subject) for name in FIELD_TYPES} for subject in people
    }
    selection = select_fields(compiled, compiled.entities["customer"], tuple(FIELD_TYPES), as_of)
    with host.opened(project, folder) as engine:
        rows = engine.values(selection, {selection.sets[0]: keys_of(selection.key_type, expected)})
    found = fields_of(compiled, "customer", rows)
    return {
        key: {name: plain(value) for name, value in fields.items()} for key, fields in found.items()
    }, expected


def worth(name: str, subject: Any) -> Any:
    """The value to the reference; an average rounded as a message shows it."""
    value = interpret.feature_value(FieldFeature(field=name), subject)
    if name == "mean" and isinstance(value, Fraction):
        rounded = round(Decimal(value.numerator) / Decimal(value.denominator), 2)
        return Fraction(rounded)
    return plain(value)


def plain(value: Any) -> Any:
    """Exact numbers as fractions, instants as their milliseconds, versions as they are written."""
    match value:
        case Version():
            return str(value)
        case Decimal():
            return Fraction(value)
        case datetime():
            return instant_of(value)
        case _:
            return value
