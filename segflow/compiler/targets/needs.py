"""What a predicate needs to be evaluated: facts about users, nested segments unfolded at T."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from segflow.compiler.passes.walk import Related, Site, features_of, predicate_sites
from segflow.compiler.periods import period_counts
from segflow.model.catalog import Entity, Field
from segflow.model.compiled import Compiled, logged_segment
from segflow.model.contact import ConsentTopic, ContactAddress
from segflow.model.operator import CountTest, Exists
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Changed,
    Compare,
    Consent,
    EventHas,
    Feature,
    FieldFeature,
    Held,
    InSegment,
    Members,
    NoneOf,
    Not,
    Periods,
    Predicate,
    PropertyFeature,
    Rank,
    Reachable,
    Same,
    Sequence,
    Sql,
    Test,
    Transition,
    Via,
)
from segflow.model.scalar import Const
from segflow.model.segment import Segment
from segflow.model.types import STRING


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Whether nobody may write to the user at the address of that name."""

    address: str


Judgement = (
    EventHas
    | Sequence
    | Same
    | Held
    | Changed
    | Rank
    | Via
    | Members
    | Consent
    | Suppressed
    | Periods
)
"""What is judged over rows of its own, mostly leaves: a fact about the user, true or not. Of
periods these are those that are not in_columns()."""

MOST_COLUMNS = 15
"""More periods than that are quicker as rows than as columns."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Whether the user has any of the events that an aggregate is over."""

    events: Aggregate


@dataclass(frozen=True, slots=True)
class UserZone:
    """The text that names the user's time zone, as it is stored."""


Fact = Feature | Judgement | Happened | UserZone
"""What is joined to a user's row, once per statement, however many leaves ask for it."""


def facts_of(predicate: Predicate, compiled: Compiled) -> tuple[Fact, ...]:
    """What a predicate about users asks of them, nested dynamic segments included; in the order in
    which it is first met, each once. What the `where` of an aggregate or the inside of a judgement
    asks is not among them: whoever joins those facts joins that, too."""
    found: dict[Fact, None] = {}
    for node in leaves(predicate, compiled):
        match node:
            case Test() if (happened := asks_whether(node)) is not None:
                found[happened.fact] = None
            case Test():
                found.update(dict.fromkeys(facts_tested(node)))
            case Periods() if in_columns(node):
                found.update(dict.fromkeys(period_counts(node)))
            case Held(item=InSegment()):
                pass  # the log has said of whom it holds: a set of keys
            case Reachable(address=name):
                found[Suppressed(name)] = None
            case _ if isinstance(node, Judgement):
                found[node] = None
            case _:
                pass
    return tuple(found)


def beyond_one_user(compiled: Compiled, name: str) -> tuple[Predicate, ...]:
    """The leaves of a segment, and of its population, that the rows of one user do not tell."""
    segment = compiled.segments[name]
    described = compiled.entities[segment.segment.entity].population.where
    wheres = (segment.where,) if described is None else (segment.where, described)
    return tuple(dict.fromkeys(leaf for where in wheres for leaf in beyond(where, compiled)))


def beyond(predicate: Predicate, compiled: Compiled) -> Iterator[Rank | Via | Members | Sql]:
    """The same of a predicate, with repeats; what such a leaf asks of others is not looked at."""
    for site in own_sites(predicate, compiled):
        if isinstance(site.node, Rank | Via | Members | Sql):
            yield site.node


def own_sites(predicate: Predicate, compiled: Compiled) -> Iterator[Site]:
    """Every node about the user, however deep, and not those about related ones."""
    for site in predicate_sites(predicate, (), ""):
        if site.entity:
            continue
        yield site
        if isinstance(site.node, InSegment):
            nested = inlined_segment(site.node, compiled)
            if nested is not None:
                yield from own_sites(nested, compiled)


class Whether(NamedTuple):
    """A test that asks whether something happened, or (`expected` False) that it did not."""

    fact: Happened
    expected: bool


def asks_whether(test: Test) -> Whether | None:
    """The test as a question whether something happened; None where it asks for more."""
    of = test.feature
    if not isinstance(of, Aggregate) or of.kind != "count":
        return None
    match test.operators:
        case (CountTest(op="at_least", count=1) | CountTest(op="more_than", count=0),):
            return Whether(Happened(of), expected=True)
        case (CountTest(op="exactly" | "at_most", count=0) | CountTest(op="fewer_than", count=1),):
            return Whether(Happened(of), expected=False)
        case _:
            return None


def leaves(predicate: Predicate, compiled: Compiled) -> Iterator[Predicate]:
    """As combined_leaves(); `reachable` gives those it takes, too."""
    for leaf in combined_leaves(predicate, compiled):
        if isinstance(leaf, Reachable):
            yield from leaves(may_be_reached(leaf, compiled), compiled)
        yield leaf


def combined_leaves(predicate: Predicate, compiled: Compiled) -> Iterator[Predicate]:
    """Every leaf about the user in the boolean algebra of this predicate; a nested segment that is
    evaluated at T gives its own, one whose kept set is meant gives itself."""
    match predicate:
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            for item in items:
                yield from combined_leaves(item, compiled)
        case Not(item=item):
            yield from combined_leaves(item, compiled)
        case InSegment():
            inlined = inlined_segment(predicate, compiled)
            if inlined is None:
                yield predicate
            else:
                yield from combined_leaves(inlined, compiled)
        case _:
            yield predicate


def may_be_reached(leaf: Reachable, compiled: Compiled) -> Predicate:
    """What `reachable` takes beside not being suppressed: an address, and consent to its topic."""
    address = declared_address(leaf.address, compiled)
    text = FieldFeature(field=address.text_field)
    written = Compare(op="ne", right=Const(type=STRING, value=""))
    has_address = Test(feature=text, operators=(Exists(expected=True), written))
    if address.topic is None:
        return has_address
    return All(items=(has_address, Consent(topic=address.topic)))


def declared_topic(name: str, compiled: Compiled) -> ConsentTopic:
    """The declared consent; see declared_address()."""
    found = compiled.project.consent_topic(name)
    if found is None:
        raise AssertionError(f"there is no consent {name}")
    return found


def declared_address(name: str, compiled: Compiled) -> ContactAddress:
    """The declared address; the pass `resolve` has seen to it that there is one."""
    found = compiled.project.contact_address(name)
    if found is None:
        raise AssertionError(f"there is no address {name}")
    return found


def related_in(compiled: Compiled) -> Related:
    """The entity that each relation leads to."""
    return {one.name: one.to_entity for one in compiled.project.relations()}


def kept_of(predicate: Predicate, compiled: Compiled) -> Iterator[str]:
    """The segments of which a predicate asks what is kept: the set, or the log."""
    for site in predicate_sites(predicate, (), "", (), related_in(compiled)):
        match site.node:
            case Transition() | Held(item=InSegment()):
                yield logged_segment(site.node)
            case InSegment(segment=name):
                inlined = inlined_segment(site.node, compiled)
                if inlined is None:
                    yield name
                else:
                    yield from kept_of(inlined, compiled)
            case _:
                pass


def inlined_segment(leaf: InSegment, compiled: Compiled) -> Predicate | None:
    """The predicate that a nested segment stands for at T; None where its kept set is meant."""
    nested = compiled.segments[leaf.segment]
    return None if is_kept(leaf, nested.segment) else nested.where


def is_kept(leaf: InSegment, segment: Segment) -> bool:
    """Whether a leaf means the kept set of the segment that it names."""
    return leaf.snapshot or segment.mode == "static"


def facts_tested(test: Test) -> Iterator[Feature | UserZone]:
    """The features of a test and, where it asks for it, the user's zone."""
    yield from features_of(test)
    if test.user_zone:
        yield UserZone()


def in_columns(leaf: Periods) -> bool:
    """Whether each period is counted on its own, in the one scan with other aggregates."""
    return leaf.last <= MOST_COLUMNS


def own_rows(aggregate: Aggregate) -> bool:
    """Whether an aggregate is made of rows of its own, and not in the one scan with the others."""
    return aggregate.kind == "mode"


def stored_fact(fact: Fact, entity: Entity) -> Fact:
    """The fact itself, of a derived field the feature that it stands for, of a zone its field."""
    if isinstance(fact, UserZone) and entity.timezone_field is not None:
        fact = FieldFeature(field=entity.timezone_field)
    return stored_feature(fact, entity) if isinstance(fact, FieldFeature) else fact


def stored_feature(feature: Feature, entity: Entity) -> Feature:
    """The feature itself, or of a derived field the one that it stands for."""
    while isinstance(feature, FieldFeature):
        derived = declared_field(feature, entity).derived
        if derived is None:
            break
        feature = derived
    return feature


def declared_field(feature: FieldFeature, entity: Entity) -> Field:
    """The declared field; the pass `resolve` has seen to it that there is one."""
    field = entity.field_named(feature.field)
    if field is None:
        raise AssertionError(f"entity {entity.name} has no field {feature.field}")
    return field


def properties_of(aggregate: Aggregate) -> Iterator[str]:
    """The properties of its events that an aggregate reads."""
    if aggregate.property is not None:
        yield aggregate.property
    for feature in where_features(aggregate):
        if isinstance(feature, PropertyFeature):
            yield feature.property


def where_features(aggregate: Aggregate) -> Iterator[Feature]:
    """The features that the `where` of an aggregate tests: properties, and fields of the user."""
    for test in _where_tests(aggregate):
        yield from features_of(test)


def facts_of_rows(aggregate: Aggregate) -> Iterator[Fact]:
    """What an aggregate asks of the user beside the user's events: fields, and the zone."""
    if aggregate.user_zone:
        yield UserZone()
    for test in _where_tests(aggregate):
        yield from (one for one in facts_tested(test) if isinstance(one, FieldFeature | UserZone))


def _where_tests(aggregate: Aggregate) -> Iterator[Test]:
    if aggregate.where is not None:
        for site in predicate_sites(aggregate.where, (), "", aggregate.events):
            if isinstance(site.node, Test):
                yield site.node
