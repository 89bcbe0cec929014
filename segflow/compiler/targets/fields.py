"""Fields of chosen users in one query: what messages are filled in with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import column, select, table

from segflow.compiler.dialects.base import Expression
from segflow.compiler.targets.sql import facts_about
from segflow.compiler.targets.values import Value
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.predicate import FieldFeature
from segflow.ports import Selection

CHOSEN = "chosen"
"""The set of the users that are asked for."""

_KEY = "key"
_FIELD, _DIVISOR = "f_", "d_"


def select_fields(
    compiled: Compiled, entity_name: str, fields: Sequence[str], as_of: Instant
) -> Selection:
    """The query for fields of the users in the set CHOSEN, stored and derived ones, as of an
    instant; fields_of() reads its rows."""
    entity = compiled.entities[entity_name]
    facts = facts_about(compiled, entity_name, as_of)
    chosen = table(facts.name(CHOSEN), column(_KEY))
    features = {name: FieldFeature(field=name) for name in fields}
    joined = facts.joined(chosen, chosen.c[_KEY], features.values())
    columns = [
        part for name, feature in features.items() for part in _parts(name, joined.values[feature])
    ]
    return Selection(
        source=entity.population.source,
        statement=select(chosen.c[_KEY], *columns).select_from(joined.relation),
        sets=(chosen.name,),
        splits=tuple(facts.splits.values()),
        one_row=tuple(facts.one_row),
    )


def fields_of(
    compiled: Compiled, entity_name: str, rows: Iterable[Mapping[str, Any]]
) -> Mapping[int, Mapping[str, Any]]:
    """The fields by user, as the engine gives them; None where a user has no value. An average is
    rounded to the digits that the field declares, halves to even."""
    entity = compiled.entities[entity_name]
    scales = {field.name: field.type.scale or 0 for field in entity.fields}
    return {
        row[_KEY]: {
            name.removeprefix(_FIELD): _worth(name.removeprefix(_FIELD), value, row, scales)
            for name, value in row.items()
            if name.startswith(_FIELD)
        }
        for row in rows
    }


def _parts(name: str, value: Value) -> Iterator[Expression]:
    yield value.expression.label(f"{_FIELD}{name}")
    if value.divisor is not None:
        yield value.divisor.label(f"{_DIVISOR}{name}")


def _worth(name: str, value: Any, row: Mapping[str, Any], scales: Mapping[str, int]) -> Any:
    divisor = row.get(f"{_DIVISOR}{name}")
    if value is None or divisor is None:
        return value
    return round(Decimal(value) / Decimal(divisor), scales[name])
