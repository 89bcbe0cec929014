"""What the reference evaluator looks at: users, the rows of their events, and which rows count."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from zoneinfo import ZoneInfo

from segflow.compiler.timeline import zone
from segflow.compiler.values import Value, value_of
from segflow.compiler.zones import default_zone, users_zone
from segflow.errors import RefusedError
from segflow.model.catalog import Entity, Event, Field
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Predicate, Rank
from segflow.model.project import Project
from segflow.model.scalar import Scalar, Stored
from segflow.model.state import Cause


class NotSupportedError(RefusedError):
    """The reference does not know this form of the language yet."""


class Step(NamedTuple):
    """From an instant on a field has a value; None is missing."""

    since: Instant
    value: Value | None


class ConsentRow(NamedTuple):
    """One row of a table of consents: what a user said, and when; None is missing."""

    time: Instant | None
    granted: bool | None


class SuppressionRow(NamedTuple):
    """One row of a table of suppression; None is missing, as `address` is in one by keys."""

    time: Instant | None = None
    address: str | None = None
    channel: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One key of a population, since when it exists, and its stored fields; None is missing.
    `related` are the keys of other entities that relations lead to, by the relation's name.
    `history` holds the rows of fields that have one, each a time and a value, in any order.
    `consents` are the user's rows by topic, `suppressions` by the suppression's name the rows of
    the user's key or, where it is by addresses, those that have one, of whomever."""

    key: Key
    since: Instant | None = None
    fields: Mapping[str, Stored | None] = field(default_factory=dict)
    related: Mapping[str, Key | None] = field(default_factory=dict)
    history: Mapping[str, tuple[tuple[Instant | None, Stored | None], ...]] = field(
        default_factory=dict
    )
    consents: Mapping[str, tuple[ConsentRow, ...]] = field(default_factory=dict)
    suppressions: Mapping[str, tuple[SuppressionRow, ...]] = field(default_factory=dict)

    def steps(self, of: Field) -> list[Step]:
        """How a field's value went, oldest first: the rows that have a time; of those at the same
        instant the one with the greatest value, since nothing else tells them apart."""
        values: dict[Instant, list[Value]] = {}
        for time, scalar in self.history.get(of.name, ()):
            if time is not None:
                value = value_of(scalar, of.type)
                values.setdefault(time, []).extend(() if value is None else (value,))
        return [Step(time, max(found, default=None)) for time, found in sorted(values.items())]

    def value(self, of: Field, at: Instant) -> Value | None:
        """The value of a stored field at an instant: the last step up to then, missing before the
        first one. A field without steps has its value of today at every instant."""
        known = self.steps(of) if of.history is not None else []
        if not known:
            return value_of(self.fields.get(of.name), of.type)
        return next((step.value for step in reversed(known) if step.since <= at), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One row of an event's table, duplicates included. `key` is that of the user, if it has one;
    `keys`, needed of an event of several entities, are those of all, in order of the entities'
    names; `properties` are as the catalog declares them, None is missing."""

    event: str
    key: Key | None
    time: Instant | None
    id: int | str | None = None
    version: Scalar | None = None
    properties: Mapping[str, Stored | None] = field(default_factory=dict)
    keys: tuple[Key | None, ...] = ()


class Place(NamedTuple):
    """A user's position in a rank, from 1 on, and how many are ranked."""

    position: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedChange:
    """One entry of a segment's membership log: who entered and who exited, when and why."""

    as_of: Instant
    cause: Cause
    entered: frozenset[Key] = frozenset()
    exited: frozenset[Key] = frozenset()


Logs = Mapping[str, tuple[LoggedChange, ...]]
"""The membership logs of segments by name, oldest entry first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that is known of one entity's users. `snapshots` are the recorded members of segments:
    the frozen ones of static segments and, for `as: snapshot`, the last ones. `others` are the
    worlds of the entities that relations lead to or come from, by name; `given` are leaves that
    only an engine can answer, such as `sql`, with the keys for which they hold."""

    users: tuple[User, ...]
    events: tuple[EventRow, ...] = ()
    snapshots: Mapping[str, frozenset[Key]] = field(default_factory=dict)
    others: "Mapping[str, World]" = field(default_factory=dict)
    given: Mapping[Predicate, frozenset[Key]] = field(default_factory=dict)
    logs: Logs = field(default_factory=dict)


def events_that_count(rows: Iterable[EventRow], project: Project) -> tuple[EventRow, ...]:
    """The rows without those that another row with their id replaces.

    Of one id the highest version counts, whatever its time or key says: a source's newest word on
    an event holds for every instant. A missing version is the lowest; of equal ones the row counts
    whose contents come first. A row without id stands for itself, and an event whose ids are
    promised unique is taken as it is.
    """
    alone: list[EventRow] = []
    counting: dict[tuple[str, int | str], EventRow] = {}
    for row in rows:
        event = project.event(row.event)
        if row.id is None or event is None or event.at.id is None or event.at.unique:
            alone.append(row)
            continue
        rival = counting.get((row.event, row.id))
        if rival is None or _replaces(row, rival, event):
            counting[row.event, row.id] = row
    return (*alone, *counting.values())


def _replaces(row: EventRow, rival: EventRow, event: Event) -> bool:
    version, other = _version_order(row), _version_order(rival)
    if version != other:
        return version > other
    return _order_of_contents(row, event) < _order_of_contents(rival, event)


def _version_order(row: EventRow) -> tuple[bool, object]:
    # A missing version is below all that are there and equals another missing one.
    return (row.version is not None, 0 if row.version is None else row.version)


def _order_of_contents(row: EventRow, event: Event) -> tuple[tuple[bool, object], ...]:
    """By time, then by keys, then by the properties in order of their names; what is missing comes
    last. Whatever T is, the earliest row is there before the others are."""
    properties = sorted(event.properties, key=lambda declared: declared.name)
    values = (
        row.time,
        *(row.keys or (row.key,)),
        *(value_of(row.properties.get(one.name), one.type) for one in properties),
    )
    return tuple((value is None, 0 if value is None else value) for value in values)


def order_of_events(row: EventRow) -> tuple[object, ...]:
    """The order in which events happened: by time, then by id, then by the event's name.

    Rows without an id stand before those with one, ids that are integers before texts.
    """
    return (
        row.time,
        row.id is not None,
        isinstance(row.id, str),
        0 if row.id is None else row.id,
        row.event,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is the same for every user: the definitions, the instant, the recorded members.

    `worlds` are all that is known of users, by entity; of an explanation, which looks at one user,
    nothing is. `given` are leaves whose answer is known already, with the keys for which they hold;
    `places`, of ranks among them, the position of the one user who is explained, None for none.
    `people` keeps the users of each entity, who are asked about by many of another, and `ranked`
    for whom a rank holds, by the leaf, the entity and the segment.
    """

    compiled: Compiled
    entity: Entity
    as_of: Instant
    snapshots: Mapping[str, frozenset[Key]] = field(default_factory=dict)
    worlds: Mapping[str, World] = field(default_factory=dict)
    given: Mapping[Predicate, frozenset[Key]] = field(default_factory=dict)
    places: Mapping[Rank, Place | None] = field(default_factory=dict)
    people: "dict[tuple[str, str], Mapping[Key, Subject]]" = field(default_factory=dict)
    ranked: dict[tuple[Predicate, str, str], frozenset[Key]] = field(default_factory=dict)
    logs: Logs = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The project's zone."""
        return zone(self.compiled.project.settings.timezone)

    def of_entity(self, name: str) -> "Context":
        """The same for the users of another entity, if anything is known of them."""
        if name not in self.worlds:
            raise NotSupportedError(f"nothing is known of the users of entity {name}")
        return replace(self, entity=self.compiled.entities[name])

    def at(self, as_of: Instant) -> "Context":
        """The same at another instant."""
        return replace(self, as_of=as_of, people={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One user and the events that count, in the order in which they happened. `segment` is the
    one whose predicate is asked about, `event` the event that a `where` is asked about."""

    context: Context
    user: User
    events: tuple[EventRow, ...]
    segment: str
    event: EventRow | None = None

    def at(self, as_of: Instant) -> "Subject":
        """The same user at another instant."""
        return replace(self, context=self.context.at(as_of))

    def zone(self, of_user: bool) -> ZoneInfo:
        """The zone of a leaf: the project's, or the user's own; an unusable one is the default."""
        entity = self.context.entity
        if not of_user:
            return self.context.zone
        field = entity.field_named(entity.timezone_field or "")
        own = None if field is None else self.user.value(field, self.context.as_of)
        return users_zone(own, default_zone(entity, self.context.zone))
