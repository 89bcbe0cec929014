"""What the passes hand on: a project half compiled, and the diagnostics found so far."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from segflow.compiler.codes import NOT_YET
from segflow.compiler.passes.walk import Related, Site, entity_sites, rule_sites, segment_sites
from segflow.diagnostics import Diagnostic, Report, Severity, Span
from segflow.model.address import Address, is_name
from segflow.model.catalog import Entity, Event, Field, Property, Relation, Source
from segflow.model.contact import ConsentTopic, ContactAddress, Suppression
from segflow.model.predicate import Aggregate, All, InSegment, Predicate
from segflow.model.project import KeyPath, Project
from segflow.model.rule import Rule
from segflow.model.segment import Segment
from segflow.model.trial import TypedTrial


@dataclass(frozen=True, slots=True)
class Index:
    """A project's names, looked up once."""

    sources: Mapping[str, Source]
    entities: Mapping[str, Entity]
    events: Mapping[str, Event]
    segments: Mapping[str, Segment]
    rules: Mapping[str, Rule]
    relations: Mapping[str, Relation]
    consents: Mapping[str, ConsentTopic]
    addresses: Mapping[str, ContactAddress]
    suppressed: Sequence[Suppression]
    fields: Mapping[str, Mapping[str, Field]]
    properties: Mapping[str, Mapping[str, Property]]

    @property
    def related(self) -> Related:
        """The entity that each relation leads to."""
        return {name: relation.to_entity for name, relation in self.relations.items()}

    def suppressions(self, entity: str) -> Sequence[Suppression]:
        """The suppressions of an entity's users, in order of name."""
        return tuple(one for one in self.suppressed if one.entity == entity)

    def is_personal(self, entity: str, field: str) -> bool:
        """Whether a declared field is personal: it says so, or holds an address."""
        addresses = ((one.entity, one.field) for one in self.addresses.values())
        return self.fields[entity][field].pii or (entity, field) in addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The state between two passes. `report` is written to, all else is replaced.

    The project's broken objects are among the others while it is judged; what stands in them for
    what could not be read is passed over in silence. `wheres`, `audiences` (of rules, by name) and
    `entities` are as written, then typed, then normalised. `sites` are the nodes as written.
    `order` puts every segment after those it names.
    """

    project: Project
    report: Report
    index: Index
    sites: Mapping[Address, Sequence[Site]]
    wheres: Mapping[str, Predicate]
    entities: Mapping[str, Entity]
    order: tuple[str, ...] = ()
    depends: Mapping[Address, tuple[Address, ...]] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)
    audiences: Mapping[str, Predicate] = field(default_factory=dict)
    audience_definitions: Mapping[str, str] = field(default_factory=dict)
    trials: tuple[TypedTrial, ...] = ()

    def complain(
        self,
        code: str,
        address: Address,
        path: KeyPath,
        summary: str,
        *,
        at_key: bool = False,
        detail: str | None = None,
        help: str | None = None,
        severity: Severity = "error",
    ) -> None:
        """Report a finding about the value at `path` of an object, or about the key there."""
        find = self.project.sources.key if at_key else self.project.sources.value
        self.report.add(
            Diagnostic(
                code=code,
                summary=summary,
                detail=detail,
                help=help,
                severity=severity,
                span=find(address, path),
                address=str(address) if is_name(address.name) else None,
            )
        )

    def refuse(self, address: Address, path: KeyPath, form: str, help: str | None = None) -> None:
        """Report a form of the language that can't be compiled or run yet; `help` is what can."""
        self.complain(
            NOT_YET,
            address,
            path,
            f"{form} is not supported yet",
            at_key=True,
            detail="it is part of the language, but this version can't compile it",
            help=help,
        )

    def has_key(self, address: Address, path: KeyPath) -> bool:
        """True where the YAML of the object has a key at `path`."""
        return (address, path) in self.project.sources.keys

    def declared(self, address: Address, path: KeyPath = ()) -> Span | None:
        """Where an object, or a part of it, is declared."""
        return self.project.sources.key(address, path)


def draft_of(project: Project) -> Draft:
    """The draft that the first pass is given."""
    project = project.for_judging()
    index = index_of(project)
    return Draft(
        project=project,
        report=Report(),
        index=index,
        sites=dict(_all_sites(index)),
        wheres={name: segment.where for name, segment in index.segments.items()},
        entities=index.entities,
        audiences={name: audience_of(rule, rule.where) for name, rule in index.rules.items()},
    )


def index_of(project: Project) -> Index:
    """The names of a project."""
    objects = tuple(project)
    entities = {found.name: found for found in objects if isinstance(found, Entity)}
    events = {found.name: found for found in objects if isinstance(found, Event)}
    return Index(
        sources={found.name: found for found in objects if isinstance(found, Source)},
        entities=entities,
        events=events,
        segments={found.name: found for found in objects if isinstance(found, Segment)},
        rules={found.name: found for found in objects if isinstance(found, Rule)},
        relations={found.name: found for found in project.relations()},
        consents={found.name: found for found in objects if isinstance(found, ConsentTopic)},
        addresses={found.name: found for found in objects if isinstance(found, ContactAddress)},
        suppressed=tuple(found for found in objects if isinstance(found, Suppression)),
        fields={
            name: {one.name: one for one in entity.fields} for name, entity in entities.items()
        },
        properties={
            name: {one.name: one for one in event.properties} for name, event in events.items()
        },
    )


def _all_sites(index: Index) -> Iterator[tuple[Address, tuple[Site, ...]]]:
    related = index.related
    for entity in index.entities.values():
        yield entity.address, tuple(entity_sites(entity, related))
    for segment in index.segments.values():
        yield segment.address, tuple(segment_sites(segment, related))
    for rule in index.rules.values():
        yield rule.address, tuple(rule_sites(rule, rule_entity(index, rule), related))


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that is most like one that is not there; None where none is like it."""
    return next(iter(get_close_matches(name, list(names), n=1)), None)


def lacks(names: Container[str], name: str) -> bool:
    """True where the name is surely not among the names: it could be read, and so could they."""
    return name not in names and name != "" and "" not in names


def audience_of(rule: Rule, where: Predicate | None) -> Predicate:
    """Whom a rule reaches: the segment, filtered by `where`."""
    segment = InSegment(segment=rule.segment)
    return segment if where is None else All(items=(segment, where))


def rule_entity(index: Index, rule: Rule) -> str:
    """The entity of a rule's segment; "" where that segment is unknown."""
    segment = index.segments.get(rule.segment)
    return "" if segment is None else segment.entity


def head_path(draft: Draft, address: Address, aggregate: Aggregate, path: KeyPath) -> KeyPath:
    """The key under which an aggregate names its events: `did`, `sum`, `count_distinct`, …"""
    if aggregate.kind != "count":
        return (*path, aggregate.kind)
    for key in ("did", "did_not", "count"):
        if draft.has_key(address, (*path, key)):
            return (*path, key)
    return path
