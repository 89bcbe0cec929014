"""Typecheck: operators fit the types of values, and every literal becomes a typed constant."""

from dataclasses import replace
from decimal import Decimal
from typing import assert_never

from segflow.compiler.codes import DERIVED, LITERAL, MISFIT, MISPLACED
from segflow.compiler.passes.draft import Draft, audience_of, rule_entity
from segflow.compiler.passes.forms import typed_form
from segflow.compiler.passes.operators import INEXACT, digits_of, typed_operator
from segflow.compiler.passes.pasts import check_held, typed_changed
from segflow.compiler.passes.slots import FACTOR_DIGITS, Scope, Slot
from segflow.compiler.passes.walk import conditions, list_key
from segflow.compiler.timeline import zone
from segflow.model.catalog import Entity, Field
from segflow.model.operator import TextMatch
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Changed,
    Compare,
    ContextFeature,
    Feature,
    FieldFeature,
    Held,
    InSegment,
    Members,
    NoneOf,
    Not,
    Operator,
    Predicate,
    PropertyFeature,
    Rank,
    Scaled,
    Test,
    Transition,
    Via,
)
from segflow.model.project import KeyPath
from segflow.model.rule import EventTrigger, Rule
from segflow.model.types import INTEGER, STRING, TIMESTAMP, UNREAD, ValueType, decimal_type


def typecheck(draft: Draft) -> Draft:
    """Report every operator and literal that does not fit; give the predicates typed."""
    around = zone(draft.project.settings.timezone)
    entities = {
        name: _entity(entity, Scope(draft, entity.address, name, (), around))
        for name, entity in draft.index.entities.items()
    }
    wheres = {
        name: _predicate(
            segment.where, ("where",), Scope(draft, segment.address, segment.entity, (), around)
        )
        for name, segment in draft.index.segments.items()
    }
    audiences = {
        name: _rule(rule, Scope(draft, rule.address, rule_entity(draft.index, rule), (), around))
        for name, rule in draft.index.rules.items()
    }
    return replace(draft, wheres=wheres, entities=entities, audiences=audiences)


def typed(node: Predicate, path: KeyPath, scope: Scope) -> Predicate:
    """The predicate at a path of an object with typed literals; what does not fit is reported."""
    return _predicate(node, path, scope)


# --- objects ---------------------------------------------------------------------------------


def _entity(entity: Entity, scope: Scope) -> Entity:
    population = entity.population
    if population.where is not None:
        for site in scope.draft.sites[entity.address]:
            if isinstance(site.node, InSegment | Transition):
                key = "segment" if isinstance(site.node, InSegment) else site.node.kind
                scope.complain(MISPLACED, (*site.path, key), "a population can't rest on a segment")
            if isinstance(site.node, Rank):
                scope.complain(
                    MISPLACED, (*site.path, "rank"), "a population can't rest on a rank in it"
                )
        where = _predicate(population.where, ("population", "where"), scope)
        population = replace(population, where=where)
    _timezone(entity, scope)
    fields = tuple(
        field if field.derived is None else _derived(field, field.derived, scope)
        for field in entity.fields
    )
    return replace(entity, population=population, fields=fields)


def _timezone(entity: Entity, scope: Scope) -> None:
    field = entity.field_named(entity.timezone_field or "")
    if field is not None and field.type != UNREAD and (field.type != STRING or field.derived):
        kind = "derived" if field.derived else str(field.type)
        scope.complain(
            MISFIT,
            ("timezone", "field"),
            f"time zones are stored strings, field {field.name} is {kind}",
            "name a field of type string that holds names such as Europe/Paris",
        )


def _derived(field: Field, feature: Feature, scope: Scope) -> Field:
    path: KeyPath = ("fields", field.name, "is")
    typed, slot = _feature(feature, path, scope)
    if slot is not None and field.type != UNREAD and not _gives(slot.type, field.type, feature):
        scope.complain(
            DERIVED,
            (*path[:-1], "type"),
            f"field {field.name} is declared {field.type}, but {slot.name} gives {slot.type}",
            f"write type: {_yaml(slot.type)}",
        )
    return replace(field, derived=typed)


def _yaml(type_: ValueType) -> str:
    return f'"{type_}"' if type_.name == "decimal" else str(type_)


def _gives(given: ValueType, declared: ValueType, feature: Feature) -> bool:
    """Whether the declared type holds the given values exactly; an average fits any decimal."""
    if given.name == declared.name == "decimal":
        is_average = isinstance(feature, Aggregate) and feature.kind == "avg"
        return is_average or given.scale == declared.scale
    return given == declared


def _rule(rule: Rule, scope: Scope) -> Predicate:
    where = None if rule.where is None else _predicate(rule.where, ("where",), scope)
    if isinstance(rule.trigger, EventTrigger) and rule.trigger.where is not None:
        inside = scope._replace(events=(rule.trigger.event,))
        _predicate(rule.trigger.where, ("trigger", "where"), inside)
    for condition, path in conditions(rule.steps, ("steps",)):
        _predicate(condition, path, scope)
    return audience_of(rule, where)


# --- predicates ------------------------------------------------------------------------------


def _predicate(node: Predicate, path: KeyPath, scope: Scope) -> Predicate:
    match node:
        case Test():
            return _test(node, path, scope)
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            key = list_key(node)
            typed = tuple(
                _predicate(item, (*path, key, number), scope) for number, item in enumerate(items)
            )
            return replace(node, items=typed)
        case Via(relation=name, where=where):
            relation = scope.draft.index.relations.get(name)
            other = "" if relation is None else relation.to_entity
            return _elsewhere(node, where, other, path, scope)
        case Members(entity=other, where=where):
            return _elsewhere(node, where, other, path, scope)
        case Not(item=item):
            return Not(item=_predicate(item, (*path, "not"), scope))
        case Held(item=item):
            check_held(node, path, scope)
            return replace(node, item=_predicate(item, (*path, "held"), scope))
        case Changed():
            return typed_changed(node, path, scope)
        case _:
            # The others have nothing to type, or are refused by the pass `supported`.
            return typed_form(node, path, scope, _predicate, _feature)


def _elsewhere(
    node: Via | Members, where: Predicate, entity: str, path: KeyPath, scope: Scope
) -> Predicate:
    """A predicate about related users of another entity."""
    there = scope._replace(entity=entity, events=())
    return replace(node, where=_predicate(where, (*path, "where"), there))


def _test(test: Test, path: KeyPath, scope: Scope) -> Test:
    feature, slot = _feature(test.feature, path, scope)
    if slot is None:
        return test
    if test.ignore_case:
        _case(test, slot, path, scope)
    if test.user_zone:
        scope = scope._replace(zone=None)
    operators = tuple(_operator(operator, slot, path, scope) for operator in test.operators)
    if feature is test.feature and operators == test.operators:
        return test
    return replace(test, feature=feature, operators=operators)


def _case(test: Test, slot: Slot, path: KeyPath, scope: Scope) -> None:
    here = (*path, "ignore_case")
    if slot.type.name != "string":
        scope.complain(MISFIT, here, f"`ignore_case` is for strings, {slot.name} is {slot.type}")
    for operator in test.operators:
        if isinstance(operator, TextMatch) and operator.op == "matches":
            scope.complain(
                MISFIT,
                here,
                "`ignore_case` does not apply to `matches`",
                "write (?i) at the start of the expression",
            )


def _operator(operator: Operator, slot: Slot, path: KeyPath, scope: Scope) -> Operator:
    typed = typed_operator(operator, slot, path, scope)
    if isinstance(typed, Compare) and isinstance(typed.right, Scaled):
        return replace(typed, right=_right(typed.right, slot, (*path, typed.op), scope))
    return typed


def _right(right: Scaled, left: Slot, path: KeyPath, scope: Scope) -> Scaled:
    feature, slot = _feature(right.feature, path, scope)
    if slot is None:
        return right
    if not _comparable(left.type, slot.type):
        scope.complain(
            MISFIT,
            path,
            f"{left.name} of type {left.type} can't be compared with {slot.name} of {slot.type}",
            _why_not(left.type, slot.type),
        )
    elif right.times is not None:
        _times(right.times, slot, (*path, "times"), scope)
    return replace(right, feature=feature)


def _times(times: Decimal, slot: Slot, path: KeyPath, scope: Scope) -> None:
    if not slot.type.is_number or slot.type.name == "float":
        summary = f"`times` is for exact numbers, {slot.name} is {slot.type}"
        scope.complain(MISFIT, path, summary)
    elif digits_of(times) > FACTOR_DIGITS:
        scope.complain(LITERAL, path, f"{times} has more than {FACTOR_DIGITS} digits", INEXACT)


def _comparable(left: ValueType, right: ValueType) -> bool:
    if left.is_number and right.is_number:
        return (left.name == "float") == (right.name == "float")
    return left.name == right.name and not (left.is_list or right.is_list)


def _why_not(left: ValueType, right: ValueType) -> str | None:
    if left.is_number and right.is_number:
        return "a float is not exact: declare both as decimals"
    if left.is_list or right.is_list:
        return "lists are compared with values: `has_any`, `has_all`, `has_none`, `size`"
    return None


# --- features --------------------------------------------------------------------------------


def _feature(feature: Feature, path: KeyPath, scope: Scope) -> tuple[Feature, Slot | None]:
    """The feature with a typed `where`, and what it gives; None where that is unknown."""
    match feature:
        case FieldFeature(field=name):
            field = scope.draft.index.fields.get(scope.entity, {}).get(name)
            known = field is not None and field.type != UNREAD
            return feature, Slot(field.type, f"field {name}") if field and known else None
        case PropertyFeature(property=name):
            return feature, _property(name, scope.events, (*path, "property"), scope)
        case Aggregate():
            return _aggregate(feature, path, scope)
        case ContextFeature():
            return feature, None
        case _:
            assert_never(feature)


def _property(name: str, events: tuple[str, ...], path: KeyPath, scope: Scope) -> Slot | None:
    """The slot of a property that all events of a union must declare with one type."""
    found = [scope.draft.index.properties.get(event, {}).get(name) for event in events]
    types = {prop.type for prop in found if prop is not None} - {UNREAD}
    if len(types) > 1:
        kinds = " and ".join(sorted(str(type_) for type_ in types))
        scope.complain(MISFIT, path, f"property {name} is {kinds} in the events that are joined")
    return Slot(types.pop(), f"property {name}") if len(types) == 1 else None


def _aggregate(aggregate: Aggregate, path: KeyPath, scope: Scope) -> tuple[Aggregate, Slot | None]:
    typed = aggregate
    if aggregate.where is not None:
        inside = scope._replace(events=aggregate.events)
        where = _predicate(aggregate.where, (*path, "where"), inside)
        typed = aggregate if where is aggregate.where else replace(aggregate, where=where)
    return typed, _aggregate_slot(aggregate, path, scope)


def _aggregate_slot(aggregate: Aggregate, path: KeyPath, scope: Scope) -> Slot | None:
    kind = aggregate.kind
    if kind == "count":
        return Slot(INTEGER, "`count`")
    if kind in ("first_time", "last_time"):
        return Slot(TIMESTAMP, f"`{kind}`")
    of = _property(aggregate.property or "", aggregate.events, (*path, kind), scope)
    if of is None:
        return None
    match kind:
        case "count_distinct":
            return Slot(INTEGER, f"`{kind}`")
        case "sum" | "avg" | "min" | "max" | "mode" if of.type.is_list:
            scope.complain(
                MISFIT,
                (*path, kind),
                f"`{kind}` does not fit {of.name} of type {of.type}",
                "lists take `count_distinct`, which counts their elements, `first` and `last`",
            )
            return None
        case "sum" | "avg":
            return _sum_slot(aggregate, of, (*path, kind), scope)
        case "min" | "max" if of.type.name == "boolean":
            summary = f"`{kind}` does not fit {of.name} of type boolean"
            scope.complain(MISFIT, (*path, kind), summary)
            return None
        case _:
            return Slot(of.type, f"`{kind}` of {of.name}")


def _sum_slot(aggregate: Aggregate, of: Slot, path: KeyPath, scope: Scope) -> Slot | None:
    name = f"`{aggregate.kind}`"
    if of.type.name == "float":
        scope.complain(
            MISFIT,
            path,
            f"{name} of floats depends on the order of the events",
            f"declare {of.name} as a decimal, for example decimal(18,2)",
        )
        return None
    if not of.type.is_number:
        scope.complain(MISFIT, path, f"{name} does not fit {of.name} of type {of.type}")
        return None
    if aggregate.kind == "sum" and of.type.name == "integer":
        return Slot(INTEGER, f"{name} of {of.name}")
    digits = FACTOR_DIGITS if aggregate.kind == "avg" else None
    return Slot(decimal_type(38, of.type.scale or 0), f"{name} of {of.name}", digits)
