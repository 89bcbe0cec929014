"""Documents: what Elasticsearch can't say exactly, with the reasons.

It has no joins, no decimals and no order of events but by time; its sums are doubles, and its own
count of different values is an estimate.
"""

from collections.abc import Iterator
from typing import NamedTuple

from segflow.compiler.passes.draft import Index
from segflow.compiler.passes.reads import sites_below
from segflow.compiler.passes.walk import Site
from segflow.compiler.storage import Storage, storage_of_field, storage_of_property
from segflow.model.catalog import Entity, Event
from segflow.model.operator import Anniversary, Between, TextMatch
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Changed,
    Compare,
    Consent,
    EventHas,
    Everyone,
    Feature,
    FieldFeature,
    Held,
    InSegment,
    Members,
    NoneOf,
    Not,
    Operator,
    Periods,
    Predicate,
    PropertyFeature,
    Rank,
    Reachable,
    Same,
    Scaled,
    Sequence,
    Size,
    Test,
    Via,
)
from segflow.model.types import UNREAD, ValueType

HELP = "keep what it asks for in a source of SQL, or in a field that is indexed ready-made"

_DOUBLES = "numbers with a fraction are doubles in Elasticsearch, which are not exact"
_NO_JOIN = "it joins events or users, and Elasticsearch has no joins"
_ORDER = "Elasticsearch has no order of events of one instant"
_IN_EVENT = "an event's document does not have what it asks for"

_FORMS: dict[type, tuple[str, str]] = {
    EventHas: ("`has`", _ORDER),
    Sequence: ("`sequence`", _NO_JOIN),
    Same: ("`same`", _NO_JOIN),
    Periods: ("`periods`", "Elasticsearch counts one window at a time"),
    Changed: ("`changed`", _NO_JOIN),
    Rank: ("`rank`", "Elasticsearch has no order of users"),
    Via: ("`via`", _NO_JOIN),
    Members: ("`members`", _NO_JOIN),
    Consent: ("`consent`", _NO_JOIN),
    Reachable: ("`reachable`", _NO_JOIN),
}
_AGGREGATES = {
    "sum": "a sum is a double in Elasticsearch, which is not exact",
    "avg": "an average is a double in Elasticsearch, which is not exact",
    "mode": "Elasticsearch only estimates the most frequent value",
    "first": _ORDER,
    "last": _ORDER,
}


class Reason(NamedTuple):
    """The form that can't be said, why, and what helps."""

    form: str
    why: str
    help: str = HELP


def can_say(leaf: Predicate, entity: str, source: str, index: Index) -> bool:
    """Whether a source that has all that a leaf reads can answer it exactly."""
    if not index.sources[source].has_documents:
        return True
    sites = sites_below(leaf, entity, index)
    return not any(True for site in sites for _ in refusals(index, site, source))


def refusals(index: Index, site: Site, source: str) -> Iterator[Reason]:
    """Why a source of documents can't answer what stands at a site."""
    node = site.node
    if type(node) in _FORMS:
        yield Reason(*_FORMS[type(node)])
        return
    match node:
        case Held(item=item) if not isinstance(item, InSegment):
            yield Reason("`held` of a field", _NO_JOIN)
        case Test():
            yield from _of_test(index, node, site.entity)
        case FieldFeature() | PropertyFeature() | Aggregate():
            yield from _of_feature(index, node, site, source)
        case _:
            pass
    if site.events and not _is_of_event(node):
        yield Reason("this inside of an event's `where`", _IN_EVENT)


def _is_of_event(node: Predicate | Feature) -> bool:
    return isinstance(node, All | AnyOf | NoneOf | Not | Everyone | Test | PropertyFeature)


# --- features --------------------------------------------------------------------------------


def _of_feature(
    index: Index, feature: FieldFeature | PropertyFeature | Aggregate, site: Site, source: str
) -> Iterator[Reason]:
    match feature:
        case FieldFeature(field=name):
            yield from _of_field(index, name, site, source)
        case PropertyFeature(property=name):
            for event in site.events:
                yield from _of_property(index, event, name)
        case Aggregate():
            yield from _of_aggregate(index, feature, source)


def _of_field(index: Index, name: str, site: Site, source: str) -> Iterator[Reason]:
    declared = index.fields[site.entity].get(name)
    if declared is None:
        return
    if declared.history is not None:
        yield Reason("a field with a history", _NO_JOIN)
    if isinstance(declared.derived, FieldFeature | Aggregate):
        yield from _of_feature(index, declared.derived, site, source)
    for at in declared.at:
        if at.source == source:
            yield from _of_storage(storage_of_field(declared, at), in_field=True)


def _of_property(index: Index, event: str, name: str) -> Iterator[Reason]:
    declared = index.properties.get(event, {}).get(name)
    if declared is not None:
        yield from _of_storage(storage_of_property(declared), in_field=False)


def _of_storage(storage: Storage, *, in_field: bool) -> Iterator[Reason]:
    type_ = storage.type
    if type_ == UNREAD:
        return
    is_unnested = storage.items is not None and not in_field
    if (storage.path or storage.form not in ("plain", "minor")) and not is_unnested:
        yield Reason(
            f"a value that is stored as {storage.encoding or 'JSON under a path'}",
            "a field of Elasticsearch is a value by itself, or a list",
            "name the field under `column`, with dots between the parts of its name",
        )
    elif type_.name == "version":
        yield Reason("a value of type version", "Elasticsearch orders its text, and 1.10 after 1.9")
    elif type_.name == "float" or (type_.name == "decimal" and storage.form != "minor"):
        yield Reason(
            f"a value of type {type_}",
            _DOUBLES,
            "index whole numbers of the smallest unit, and say `encoding: minor_units(n)`",
        )


def _of_aggregate(index: Index, aggregate: Aggregate, source: str) -> Iterator[Reason]:
    kind = aggregate.kind
    if kind in _AGGREGATES:
        yield Reason(f"`{kind}`", _AGGREGATES[kind])
    if aggregate.user_zone:
        yield Reason("`timezone: user`", "an event's document does not have the user's zone")
    for name in aggregate.events:
        event = index.events.get(name)
        if event is not None and any(at.source == source for at in event.tables):
            yield from _of_ids(event.in_source(source))
    if aggregate.property is None:
        return
    if kind in ("min", "max", "count_distinct") and len(aggregate.events) > 1:
        yield Reason(f"`{kind}` over several events", "their values can't be told apart")
    for name in aggregate.events:
        yield from _of_property(index, name, aggregate.property)
        declared = index.properties.get(name, {}).get(aggregate.property)
        if kind == "count_distinct" and declared is not None:
            yield from _of_groups(storage_of_property(declared))


def _of_groups(storage: Storage) -> Iterator[Reason]:
    why = "Elasticsearch groups by what it stores: milliseconds, and values of whole documents"
    if storage.type.name == "date":
        yield Reason("`count_distinct` of dates", why)
    elif storage.items:
        yield Reason("`count_distinct` of nested values", why)


def _of_ids(event: Event) -> Iterator[Reason]:
    if event.at.id is not None and not event.at.unique:
        yield Reason(
            f"event {event.name}, whose ids may repeat",
            "Elasticsearch can't tell which of two documents with one id counts",
            "index each id once, as that of the document, and say `unique: true`",
        )


# --- tests -----------------------------------------------------------------------------------


def _of_test(index: Index, test: Test, entity: str) -> Iterator[Reason]:
    if test.user_zone:
        yield Reason("`timezone: user`", "Elasticsearch would be asked anew for every zone")
    aggregate, type_ = _tested(test.feature, index.entities[entity])
    for operator in test.operators:
        yield from _of_operator(operator, test, type_)
        if aggregate is not None and (isinstance(operator, TextMatch) or test.ignore_case):
            yield Reason(
                "a test of a part of a text, or without case, of an aggregate",
                "Elasticsearch finds the least and the greatest value by their order",
            )


def _tested(feature: Feature, entity: Entity) -> tuple[Aggregate | None, ValueType | None]:
    """The aggregate that is tested, of a derived field, too, and the type of a stored field."""
    if isinstance(feature, FieldFeature):
        declared = entity.field_named(feature.field)
        if declared is not None and declared.derived is not None:
            return _tested(declared.derived, entity)
        return None, None if declared is None else declared.type
    return (feature, None) if isinstance(feature, Aggregate) else (None, None)


def _of_operator(operator: Operator, test: Test, type_: ValueType | None) -> Iterator[Reason]:
    match operator:
        case Compare(right=Scaled()):
            yield Reason("a comparison with another value of the user", _NO_JOIN)
        case TextMatch(op="matches"):
            yield Reason("`matches`", "Elasticsearch has expressions of its own, which are not RE2")
        case Size():
            yield Reason("`size`", "Elasticsearch keeps no element of a list twice")
        case Anniversary():
            yield Reason("`anniversary`", "Elasticsearch has no days of a year")
        case Compare(op="gt" | "gte" | "lt" | "lte") | Between() if test.ignore_case:
            yield Reason("an order that ignores case", "Elasticsearch orders texts as they are")
        case _:
            pass
