"""Fields of chosen users in one query: what messages are filled in with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import column, select, table

from segflow.compiler.dialects.base import Expression
from segflow.compiler.targets.keys import key_of
from segflow.compiler.targets.sql import facts_about
from segflow.compiler.targets.stored import read_back
from segflow.compiler.targets.values import Value
from segflow.model.catalog import Entity
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import FieldFeature
from segflow.model.types import ValueType
from segflow.ports import Selection

CHOSEN = "chosen"
"""The set of the users that are asked for."""

_KEY = "key"
_FIELD, _DIVISOR = "f_", "d_"


def select_fields(
    compiled: Compiled, entity: Entity, fields: Sequence[str], as_of: Instant
) -> Selection:
    """The query for fields of the users in the set CHOSEN, stored and derived ones, as of an
    instant; fields_of() reads its rows. All are in the source of the entity's population."""
    facts = facts_about(compiled, entity, as_of)
    chosen = table(facts.name(CHOSEN), column(_KEY))
    key = key_of(chosen.c[_KEY], entity.key_type, facts.dialect)
    features = {name: FieldFeature(field=name) for name in fields}
    joined = facts.joined(chosen, key, features.values())
    columns = [
        part for name, feature in features.items() for part in _parts(name, joined.values[feature])
    ]
    return Selection(
        source=entity.population.source,
        statement=select(key.label(_KEY), *columns).select_from(joined.relation),
        key_type=entity.key_type,
        sets=(chosen.name,),
        splits=tuple(facts.splits.values()),
        one_row=tuple(facts.one_row),
    )


def fields_of(
    compiled: Compiled, entity_name: str, rows: Iterable[Mapping[str, Any]]
) -> Mapping[Key, Mapping[str, Any]]:
    """The fields by user, as the engine gives them; None where a user has no value. An average is
    rounded to the digits that the field declares, halves to even."""
    entity = compiled.entities[entity_name]
    types = {field.name: field.type for field in entity.fields}
    return {
        row[_KEY]: {
            name.removeprefix(_FIELD): _worth(name.removeprefix(_FIELD), value, row, types)
            for name, value in row.items()
            if name.startswith(_FIELD)
        }
        for row in rows
    }


def _parts(name: str, value: Value) -> Iterator[Expression]:
    yield value.expression.label(f"{_FIELD}{name}")
    if value.divisor is not None:
        yield value.divisor.label(f"{_DIVISOR}{name}")


def _worth(name: str, value: Any, row: Mapping[str, Any], types: Mapping[str, ValueType]) -> Any:
    divisor = row.get(f"{_DIVISOR}{name}")
    if value is None or divisor is None:
        return read_back(value, types[name])
    return round(Decimal(value) / Decimal(divisor), types[name].scale or 0)
