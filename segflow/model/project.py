"""The whole configuration: settings, every object by address, and where each stands."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from segflow.diagnostics import Diagnostic, Span
from segflow.model.address import Address, is_name
from segflow.model.catalog import Entity, Event, Relation, Source
from segflow.model.channel import Channel, Offer
from segflow.model.contact import ConsentTopic, ContactAddress, Suppression
from segflow.model.keys import Key, KeyType, parse_key
from segflow.model.rule import Rule
from segflow.model.segment import Segment
from segflow.model.trial import Check

Object = (
    Source
    | Entity
    | Event
    | Relation
    | ConsentTopic
    | Suppression
    | ContactAddress
    | Segment
    | Channel
    | Offer
    | Rule
)
"""Everything that can be declared in YAML today."""

KeyPath = tuple[str | int, ...]
"""A way into an object's YAML: keys of mappings and positions in lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSettings:
    """Where state lives: a SQLAlchemy url for the database, an fsspec url for snapshot bytes.

    Relative SQLite paths and snapshot paths are relative to the project.
    """

    url: str = "sqlite:///.segflow/state.db"
    snapshots: str = ".segflow/snapshots"


@dataclass(frozen=True, slots=True, kw_only=True)
class LintSettings:
    """What `segflow lint` passes over: codes, and so many conditions of a segment over events of
    all of history."""

    ignore: tuple[str, ...] = ()
    unbounded: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """segflow.toml, with the chosen environment folded in. `name` is the project's, `environment`
    the chosen one; `secrets` are the names that YAML may refer to; `paths` are the folders that
    hold YAML, relative to the project; `environments` those that are declared."""

    name: str
    environment: str = "default"
    timezone: str = "UTC"
    state: StateSettings = StateSettings()
    secrets: tuple[str, ...] = ()
    paths: tuple[str, ...] = ("catalog", "channels", "segments", "rules", "placements", "checks")
    environments: tuple[str, ...] = ()
    lint: LintSettings = LintSettings()


@dataclass(frozen=True, slots=True)
class SourceMap:
    """Where every node of every object stands: spans by (address, key path).

    `keys` are the spans of keys, `values` those of values. `made` says in words how the objects
    that blueprints made came to be, by address as text.
    """

    keys: Mapping[tuple[Address, KeyPath], Span] = field(default_factory=dict)
    values: Mapping[tuple[Address, KeyPath], Span] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)

    def told(self, found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """The findings. What is said of objects that a blueprint made names the object, and is said
        once where the very same is said of several."""
        of_made: dict[Diagnostic, list[str]] = {}
        for finding in found:
            if (address := finding.address) in self.made and address is not None:
                of_made.setdefault(replace(finding, address=None), []).append(address)
            else:
                yield finding
        for finding, addresses in of_made.items():
            words = f"{addresses[0]}, {self.made[addresses[0]]}"
            if (others := len(set(addresses)) - 1) > 0:
                words = f"{others + 1} objects, first {words}"
            detail = f"{finding.detail}\nin {words}" if finding.detail else f"in {words}"
            named = is_name(addresses[0].partition(".")[2])
            yield replace(finding, detail=detail, address=addresses[0] if named else None)

    def value(self, address: Address, path: KeyPath = ()) -> Span | None:
        """The span of the value at the path, or of its nearest ancestor that has one."""
        return self._nearest(self.values, address, path)

    def key(self, address: Address, path: KeyPath) -> Span | None:
        """The span of the key at the path, or of the value there, or of the nearest ancestor."""
        return self.keys.get((address, path)) or self.value(address, path)

    @staticmethod
    def _nearest(
        spans: Mapping[tuple[Address, KeyPath], Span], address: Address, path: KeyPath
    ) -> Span | None:
        for length in range(len(path), -1, -1):
            if (found := spans.get((address, path[:length]))) is not None:
                return found
        return None


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list of keys that segments refer to by `in_file`, as read: keys as text in file order, the
    SHA-256 of its bytes in hex, and the type of the keys."""

    path: str
    keys: tuple[str, ...]
    digest: str
    content: bytes
    key_type: KeyType = "integer"

    def typed(self) -> Iterator[Key]:
        """The keys as those of the entity."""
        return (parse_key(key, self.key_type) for key in self.keys)


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file that rules or offers name, as read: its bytes, their SHA-256 in hex and, of a file of
    codes, the codes in file order."""

    path: str
    digest: str
    content: bytes
    codes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text of a template."""
        return self.content.decode("utf-8-sig")


@dataclass(frozen=True, slots=True)
class Project:
    """A configuration as loaded. Objects are unique by address; iteration is in that order.

    `broken` are objects with an error in their text, as far as they could be read, with stand-ins
    for the rest (empty names and words, `everyone` for a predicate, UNREAD for a type), and None
    where nothing could be: they are for judging and nothing else, and a project that has some is
    not whole. One whose name is none goes by that which it was taken for, or else by a colon and
    its place; one whose name another has by the name, a colon and its place.

    `checks` are the documents of tests: they are declared as objects are, and never deployed.
    `lists` and `files` are by path, relative to the project: what `in_file` names, and templates
    of rules and code files of offers.
    """

    settings: Settings
    objects: Mapping[Address, Object]
    broken: Mapping[Address, Object | Check | None] = field(default_factory=dict)
    checks: Mapping[Address, Check] = field(default_factory=dict)
    sources: SourceMap = field(default_factory=SourceMap)
    lists: Mapping[str, ListFile] = field(default_factory=dict)
    files: Mapping[str, ProjectFile] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Object]:
        return (self.objects[address] for address in sorted(self.objects))

    def for_judging(self) -> "Project":
        """The project with broken objects and checks among the others."""
        objects, checks = dict(self.objects), dict(self.checks)
        for address, one in self.broken.items():
            if isinstance(one, Check):
                checks[address] = one
            elif one is not None:
                objects[address] = one
        return replace(self, objects=objects, checks=checks) if self.broken else self

    def source(self, name: str) -> Source | None:
        """The source of that name, or None; likewise the methods below."""
        found = self.objects.get(Address("source", name))
        return found if isinstance(found, Source) else None

    def entity(self, name: str) -> Entity | None:
        """See source()."""
        found = self.objects.get(Address("entity", name))
        return found if isinstance(found, Entity) else None

    def event(self, name: str) -> Event | None:
        """See source()."""
        found = self.objects.get(Address("event", name))
        return found if isinstance(found, Event) else None

    def segment(self, name: str) -> Segment | None:
        """See source()."""
        found = self.objects.get(Address("segment", name))
        return found if isinstance(found, Segment) else None

    def channel(self, name: str) -> Channel | None:
        """See source()."""
        found = self.objects.get(Address("channel", name))
        return found if isinstance(found, Channel) else None

    def offer(self, name: str) -> Offer | None:
        """See source()."""
        found = self.objects.get(Address("offer", name))
        return found if isinstance(found, Offer) else None

    def relation(self, name: str) -> Relation | None:
        """See source()."""
        found = self.objects.get(Address("relation", name))
        return found if isinstance(found, Relation) else None

    def relations(self) -> tuple[Relation, ...]:
        """Every relation, in order of name."""
        return tuple(found for found in self if isinstance(found, Relation))

    def relations_between(self, from_entity: str, to_entity: str) -> tuple[Relation, ...]:
        """The relations by which the one entity refers to the other, in order of name."""
        ends = (from_entity, to_entity)
        return tuple(one for one in self.relations() if (one.from_entity, one.to_entity) == ends)

    def consent_topic(self, name: str) -> ConsentTopic | None:
        """See source()."""
        found = self.objects.get(Address("consent", name))
        return found if isinstance(found, ConsentTopic) else None

    def contact_address(self, name: str) -> ContactAddress | None:
        """See source()."""
        found = self.objects.get(Address("address", name))
        return found if isinstance(found, ContactAddress) else None

    def suppressions(self, entity: str) -> tuple[Suppression, ...]:
        """The suppressions of an entity's users, in order of name."""
        found = (one for one in self if isinstance(one, Suppression))
        return tuple(one for one in found if one.entity == entity)

    def segments(self) -> tuple[Segment, ...]:
        """Every segment, in order of name."""
        return tuple(found for found in self if isinstance(found, Segment))

    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in order of name."""
        return tuple(found for found in self if isinstance(found, Rule))
