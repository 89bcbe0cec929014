"""Definition: the hash of all that decides who is in a segment, and of nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from segflow.compiler.passes.draft import Draft, rule_entity
from segflow.compiler.passes.walk import Site, feature_sites, predicate_sites, tied_by
from segflow.model.catalog import Field, Property, Relation
from segflow.model.codec import canonical, digest
from segflow.model.duration import Duration
from segflow.model.operator import (
    Ahead,
    Anniversary,
    InLast,
    InNext,
    MomentTest,
    OlderThan,
    OnCalendar,
)
from segflow.model.predicate import (
    Aggregate,
    Changed,
    Consent,
    FieldFeature,
    Held,
    InFile,
    InSegment,
    Members,
    Periods,
    Predicate,
    PropertyFeature,
    Reachable,
    Sequence,
    Test,
    Transition,
    Via,
)
from segflow.model.scalar import DatePoint
from segflow.model.window import Ago, Fixed, InCalendar, Within

_FORMAT = "1"
"""Changes when the meaning of a definition's parts does, so that old hashes match no new one."""


def definition(draft: Draft) -> Draft:
    """Give every segment, and the audience of every rule, its definition hash."""
    parts = _Parts(draft)
    hashes: dict[str, str] = {}
    for name in draft.order:
        segment = draft.index.segments[name]
        hashes[name] = _hash(draft.wheres[name], segment.entity, parts, hashes, draft)
    audiences = {
        name: _hash(draft.audiences[name], rule_entity(draft.index, rule), parts, hashes, draft)
        for name, rule in draft.index.rules.items()
    }
    return replace(draft, definitions=hashes, audience_definitions=audiences)


def _hash(
    where: Predicate, entity: str, parts: "_Parts", hashes: Mapping[str, str], draft: Draft
) -> str:
    """The hash of a normal predicate over an entity; `hashes` are those of nested segments."""
    sites = tuple(predicate_sites(where, (), entity, (), draft.index.related))
    nested = {
        f"segment {site.node.segment} {_kept(site.node, draft)}{hashes[site.node.segment]}"
        for site in sites
        if isinstance(site.node, InSegment)
    } | {
        f"log of {site.node.segment} {hashes[site.node.segment]}"
        for site in sites
        if isinstance(site.node, Transition)
    }
    used = {parts.population(entity), *nested, *parts.of_sites(sites)}
    return digest("\n".join([_FORMAT, canonical(where), *sorted(used)]))


def _kept(leaf: InSegment, draft: Draft) -> str:
    """A frozen set and a definition that is asked again at T are not the same members."""
    is_frozen = not leaf.snapshot and draft.index.segments[leaf.segment].mode == "static"
    return "frozen " if is_frozen else ""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The text of what predicates use of the catalog, made once per part."""

    draft: Draft
    _made: dict[tuple[str, ...], str] = field(default_factory=dict)

    def of_sites(self, sites: Iterable[Site]) -> Iterator[str]:  # noqa: C901 - one arm per form
        for site in sites:
            match site.node:
                case FieldFeature(field=name) | Changed(field=name):
                    yield self.field(site.entity, name)
                case PropertyFeature(property=name):
                    for event in site.events:
                        yield self.property(event, name)
                case Aggregate(events=events, property=of):
                    for event in events:
                        yield self.event(event, site.entity)
                        if of is not None:
                            yield self.property(event, of)
                case Via(relation=name):
                    yield self.relation(self.draft.index.relations[name])
                case Members(entity=name):
                    for relation in self.draft.project.relations_between(name, site.entity):
                        yield self.relation(relation)
                case Consent(topic=name):
                    yield self.consent(name)
                case Reachable(address=name):
                    yield from self.address(name)
                case InFile(path=path):
                    found = self.draft.project.lists.get(path)
                    yield f"list {path} {'' if found is None else found.digest}"
                case _:
                    yield from self._tied(site)
            yield from self._zones(site)

    def _zones(self, site: Site) -> Iterator[str]:
        """What says in which zone the node means its units and dates."""
        of_project = self.draft.project.settings.timezone
        zoned = isinstance(site.node, Test | Aggregate | Sequence) and site.node.user_zone
        if not zoned:
            if _asks_for_zone(site.node) or self._tests_instant_of_date(site):
                yield f"zone {of_project}"
            return
        one = self.draft.entities[site.entity]
        yield f"zones of {one.name} by {one.timezone_field}, {one.timezone_default or of_project}"
        if one.timezone_field is not None:
            yield self.field(one.name, one.timezone_field)

    def _tied(self, site: Site) -> Iterator[str]:
        for event, name in tied_by(site.node):
            yield self.event(event, site.entity)
            yield self.property(event, name)

    def _tests_instant_of_date(self, site: Site) -> bool:
        """Whether a date is tested as an instant, that is, as its local midnight."""
        node = site.node
        if not isinstance(node, Test) or not any(map(_is_of_instants, node.operators)):
            return False
        match node.feature:
            case FieldFeature(field=name):
                declared: Field | Property = self.draft.index.fields[site.entity][name]
            case PropertyFeature(property=name):
                declared = self.draft.index.properties[site.events[0]][name]
            case Aggregate(events=(event, *_), property=str(name)):
                declared = self.draft.index.properties[event][name]
            case _:
                return False
        return declared.type.name == "date"

    def population(self, entity: str) -> str:
        key = ("population", entity)
        if key not in self._made:
            one = self.draft.entities[entity]
            where, related = one.population.where, self.draft.index.related
            below = () if where is None else tuple(predicate_sites(where, (), entity, (), related))
            used = sorted({self.source(one.population.source), *self.of_sites(below)})
            own = f"population {entity} {one.key_type} {one.ordinals} {canonical(one.population)}"
            self._made[key] = "\n".join([own, *used])
        return self._made[key]

    def field(self, entity: str, name: str) -> str:
        key = ("field", entity, name)
        if key not in self._made:
            one = next(found for found in self.draft.entities[entity].fields if found.name == name)
            sources = {location.source for location in one.at}
            if one.history is not None:
                sources.add(one.history.source)
            stored = sorted(map(self.source, sources))
            below = () if one.derived is None else tuple(feature_sites(one.derived, (), entity))
            plain = replace(one, pii=False)
            used = sorted(set(self.of_sites(below)))
            self._made[key] = "\n".join([f"field {entity} {canonical(plain)}", *stored, *used])
        return self._made[key]

    def event(self, name: str, entity: str) -> str:
        key = ("event", name, entity)
        if key not in self._made:
            one = self.draft.index.events[name]
            column = dict(one.entities)[entity]
            # When rows come decides how long an answer may change, and not what it is.
            tables = [replace(at, arrived=None, lateness=None) for at in one.tables]
            own = (f"event {name} {column} {canonical(at)}" for at in tables)
            sources = (self.source(at.source) for at in tables)
            self._made[key] = "\n".join([*own, *sources])
        return self._made[key]

    def property(self, event: str, name: str) -> str:
        key = ("property", event, name)
        if key not in self._made:
            one = self.draft.index.properties[event][name]
            self._made[key] = f"property {event} {canonical(one)}"
        return self._made[key]

    def relation(self, relation: Relation) -> str:
        ends = (self.population(relation.from_entity), self.population(relation.to_entity))
        return "\n".join([f"relation {canonical(relation)}", *ends])

    def consent(self, name: str) -> str:
        topic = self.draft.index.consents[name]
        assert topic.at is not None, "the pass `supported` has seen to it"
        return "\n".join([f"consent {canonical(topic)}", self.source(topic.at.source)])

    def address(self, name: str) -> Iterator[str]:
        """What decides whether the users have such an address and may be written to there."""
        address = self.draft.index.addresses[name]
        yield f"address {canonical(replace(address, at=None))}"
        yield self.field(address.entity, address.text_field)
        if address.topic is not None:
            yield self.consent(address.topic)
        for one in self.draft.project.suppressions(address.entity):
            assert one.at is not None, "the pass `supported` has seen to it"
            own = f"suppression {canonical(replace(one.at, reason=None))}"
            yield "\n".join([own, self.source(one.at.source)])

    def source(self, name: str) -> str:
        key = ("source", name)
        if key not in self._made:
            plain = replace(self.draft.index.sources[name], replica=None, limits=None)
            self._made[key] = f"source {canonical(plain)}"
        return self._made[key]


def _asks_for_zone(node: object) -> bool:
    """Whether what the node means depends on the project's time zone."""
    match node:
        case Aggregate(window=InCalendar()):
            return True
        case Aggregate(window=Within(duration=duration)):
            return _is_calendar(duration)
        case Aggregate(window=Ago(start=start, end=end)):
            return _is_calendar(start) or _is_calendar(end)
        case Aggregate(window=Fixed(since=since, until=until)):
            return isinstance(since, DatePoint) or isinstance(until, DatePoint)
        case Changed(in_last=duration) | Transition(in_last=duration) | Held(for_=duration):
            return _is_calendar(duration)
        case Periods(every=every):
            return not isinstance(every, Duration) or _is_calendar(every)
        case Sequence(steps=steps):
            return any(_is_calendar(step.in_last) for step in steps)
        case Test(operators=operators):
            return any(_operator_asks(operator) for operator in operators)
        case _:
            return False


def _operator_asks(operator: object) -> bool:
    match operator:
        case Anniversary() | OnCalendar():
            return True
        case MomentTest(moment=moment):
            return isinstance(moment, DatePoint)
        case InLast(duration=duration) | OlderThan(duration=duration) | InNext(duration=duration):
            return _is_calendar(duration)
        case Ahead(start=start, end=end):
            return _is_calendar(start) or _is_calendar(end)
        case _:
            return False


def _is_of_instants(operator: object) -> bool:
    return isinstance(operator, MomentTest | InLast | OlderThan | InNext | Ahead)


def _is_calendar(duration: Duration | None) -> bool:
    return duration is not None and duration.months is not None
