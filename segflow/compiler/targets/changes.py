"""Held and changed in SQL: the keys of users for whom a field was so, or became so."""

from typing import Any

from sqlalchemy import CTE, Select, and_, func, select

from segflow.compiler.dialects.base import Expression
from segflow.compiler.targets.events import KEY, TIME
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.histories import VALUE, steps
from segflow.compiler.targets.needs import Fact, UserZone, declared_field
from segflow.compiler.targets.values import Value, compared, opposite, within_bounds
from segflow.compiler.timeline import Bounds, first_instant, last_bounds
from segflow.model.catalog import Field
from segflow.model.instant import Instant
from segflow.model.predicate import Changed, FieldFeature, Held, Test
from segflow.model.scalar import Const

_BEFORE = "before"


def field_held(leaf: Held, test: Test, feature: FieldFeature, facts: Facts) -> Select[Any]:
    """The users who were there at the first instant, whose value passed then, and of whom no later
    value did not."""
    field = declared_field(feature, facts.entity)
    first = first_instant(leaf.for_, facts.as_of, facts.zone)
    then = facts.at(first)
    there = then.population()
    key = there.c[KEY]
    begun = then.joined(there, key, [feature])
    zoned = facts.joined(begun.relation, key, _zone(test))
    passes = facts.conditions({**begun.values, **zoned.values}.__getitem__, key).of(test)
    failed = _failed(test, field, first, facts).cte(facts.name(f"{field.name}_otherwise"))
    return (
        select(key)
        .select_from(zoned.relation.outerjoin(failed, failed.c[KEY] == key))
        .where(passes, failed.c[KEY].is_(None))
    )


def _failed(test: Test, field: Field, first: Instant, facts: Facts) -> Select[Any]:
    """The keys of which a value after the first instant did not pass."""
    went = _steps(field, facts)
    key: Expression = went.c[KEY]
    zoned = facts.joined(went, key, _zone(test))
    values: dict[Fact, Value] = {**zoned.values, test.feature: Value(went.c[VALUE], field.type)}
    passes = facts.conditions(values.__getitem__, key).of(test)
    later = within_bounds(went.c[TIME], Bounds(start=Instant(first + 1)))
    return select(key).distinct().select_from(zoned.relation).where(later, opposite(passes))


def _steps(field: Field, facts: Facts) -> CTE:
    name = facts.name(f"{field.name}_steps")
    return steps(field, facts.entity.key_type, facts.as_of, facts.dialect, name)


def _zone(test: Test) -> tuple[UserZone, ...]:
    return (UserZone(),) if test.user_zone else ()


def field_changed(leaf: Changed, facts: Facts) -> Select[Any]:
    """The keys of which a value differs from the one before; before the first it is missing."""
    field = declared_field(FieldFeature(field=leaf.field), facts.entity)
    went = _steps(field, facts)
    before = func.lag(went.c[VALUE]).over(partition_by=went.c[KEY], order_by=went.c[TIME])
    pairs = select(*went.c, before.label(_BEFORE)).subquery(facts.name(f"{field.name}_changes"))
    old, new = (Value(pairs.c[name], field.type) for name in (_BEFORE, VALUE))
    window = last_bounds(leaf.in_last, facts.as_of, facts.zone)
    named = [
        compared("eq", value, wanted, facts.dialect, None)
        for value, wanted in ((old, leaf.old), (new, leaf.new))
        if isinstance(wanted, Const)
    ]
    one, other = facts.dialect.alike(old.expression, new.expression)
    differs = one.is_distinct_from(other)
    moved = and_(within_bounds(pairs.c[TIME], window), differs, *named)
    return select(pairs.c[KEY]).distinct().where(moved)
