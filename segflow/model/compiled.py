"""What the compiler makes of a project: typed predicates, dependencies and hashes."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from segflow.model.address import Address
from segflow.model.catalog import Entity, Event
from segflow.model.contact import ConsentTopic, Suppression
from segflow.model.keys import KeyType
from segflow.model.predicate import Held, InSegment, Predicate, Transition
from segflow.model.project import Project
from segflow.model.rule import Rule
from segflow.model.segment import Segment
from segflow.model.trial import TypedTrial


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledSegment:
    """One segment, ready to be evaluated.

    `where` is typed (no Text is left) and normalised. `definition` is the hash of all that decides
    who is in: this predicate, the segments, fields, events, sources and lists it depends on, the
    time zone; not names, descriptions, owners or schedules. `depends` are the addresses it rests on
    directly, `lists` the paths of the list files that it and its population name.
    """

    segment: Segment
    where: Predicate
    definition: str
    depends: tuple[Address, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """segment.<name>"""
        return self.segment.address


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """One rule, ready to be run.

    `audience` is whom a run reaches before the gate: a segment that is called as the rule, of the
    entity of the rule's segment, whose `where` is "in that segment, and the rule's where".
    `templates` are the paths of its templates in Project.files, `user_fields` the fields of users
    that those templates name, both in order and each once.
    """

    rule: Rule
    audience: CompiledSegment
    templates: tuple[str, ...] = ()
    user_fields: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """rule.<name>"""
        return self.rule.address

    @property
    def definition(self) -> str:
        """The hash of all that decides who is in the audience."""
        return self.audience.definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A whole project, typed and checked.

    `segments` is in dependency order: a segment stands after those it names. `fingerprints` hash
    the canonical JSON of every object; `depends` are the direct dependencies of every object
    (a rule on its segment and channels, a segment on entity, events and segments, …). `entities`
    are those of the project with their derived fields and population typed and normalised, and with
    a field for each address that is none; the objects of `project` stay as they were written.
    `rules` are by name, in order of name; `trials` are the tests of segments, in order of their
    names, and for each as they stand. `tables` are the names, in lower case, of all tables that the
    catalog speaks of: every statement has to know them.
    """

    project: Project
    segments: Mapping[str, CompiledSegment]
    fingerprints: Mapping[Address, str]
    depends: Mapping[Address, tuple[Address, ...]]
    entities: Mapping[str, Entity] = field(default_factory=dict)
    rules: Mapping[str, CompiledRule] = field(default_factory=dict)
    trials: tuple[TypedTrial, ...] = ()
    tables: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = frozenset(map(str.lower, _tables(self.project, self.entities.values())))
        object.__setattr__(self, "tables", found)

    def entity_of(self, segment: str) -> Entity:
        """The entity whose users a segment selects."""
        return self.entities[self.segments[segment].segment.entity]

    def definition(self, address: Address) -> str | None:
        """The definition hash of a segment or of a rule's audience; None for other objects."""
        match address.kind:
            case "segment":
                return self.segments[address.name].definition
            case "rule":
                return self.rules[address.name].definition
            case _:
                return None

    def reached_by(self, address: Address) -> tuple[Address, ...]:
        """Every object that depends on `address`, directly or not, in order of address."""
        reached: set[Address] = set()
        frontier = {address}
        while frontier:
            frontier = {
                dependent
                for dependent, needs in self.depends.items()
                if dependent not in reached and not frontier.isdisjoint(needs)
            }
            reached |= frontier
        return tuple(sorted(reached - {address}))


def _tables(project: Project, entities: Iterable[Entity]) -> Iterator[str]:
    for one in project.objects.values():
        match one:
            case Event(tables=tables):
                yield from (at.table for at in tables)
            case ConsentTopic(at=at) | Suppression(at=at) if at is not None:
                yield at.table
            case _:
                pass
    for entity in entities:
        yield entity.population.table
        places = (at.table or at.index for field in entity.fields for at in field.at)
        yield from filter(None, places)
        yield from (field.history.table for field in entity.fields if field.history)


_LONGEST = 60


def segment_set(name: str) -> str:
    """The name under which an engine is given the kept members of a segment: of a static one its
    frozen set, of `as: snapshot` the last snapshot."""
    return _short(f"segment.{name}")


def population_set(entity: str) -> str:
    """The name under which a source is given the population of an entity."""
    return _short(f"population.{entity}")


def query_set(source: str, query: str, key_type: KeyType) -> str:
    """The name of the id set that a query of a source gives, read as keys of that type."""
    hashed = hashlib.sha256(f"{source}\n{key_type}\n{query}".encode())
    return f"query_{hashed.hexdigest()[:16]}"


LogLeaf = Transition | Held
"""A leaf that asks the membership log of a segment; a Held of a field asks none."""


def logged_segment(leaf: LogLeaf) -> str:
    """The segment whose log a leaf asks."""
    if isinstance(leaf, Transition):
        return leaf.segment
    if not isinstance(leaf.item, InSegment):
        raise AssertionError("the log knows of segments only")
    return leaf.item.segment


def log_set(leaf: LogLeaf) -> str:
    """The name under which an engine is given the users for whom the log says that a leaf holds."""
    if isinstance(leaf, Transition):
        return _short(f"log.{leaf.kind}.{leaf.segment}.{leaf.in_last or 'ever'}")
    return _short(f"log.held.{logged_segment(leaf)}.{leaf.for_}")


def list_set(path: str) -> str:
    """The name under which an engine is given the keys of a list file."""
    return _short(f"list.{path}")


def _short(name: str) -> str:
    """The name, or one that stands for it where it is longer than engines hold (63 bytes)."""
    content = name.encode()
    if len(content) <= _LONGEST:
        return name
    return content[:24].decode(errors="ignore") + sha256(content).hexdigest()[:32]
