"""The users of a test: their fields and the past of these, related users, and their events."""

from collections.abc import Iterator

from segflow.compiler.codes import NOT_GIVEN, NOT_OF_ENTITY, UNKNOWN
from segflow.compiler.passes.draft import lacks
from segflow.compiler.passes.given_contacts import given_contacts
from segflow.compiler.passes.given_values import Reading, meant
from segflow.compiler.passes.names import is_there
from segflow.compiler.passes.slots import Scope
from segflow.model.address import Address
from segflow.model.catalog import Event, Field
from segflow.model.instant import Instant
from segflow.model.keys import Key, parse_key, value_type
from segflow.model.scalar import Stored
from segflow.model.trial import (
    GivenValue,
    TrialChange,
    TrialEvent,
    TrialUser,
    TypedEvent,
    TypedUser,
)

Changes = tuple[tuple[Instant, Stored | None], ...]


def given_user(user: TrialUser, entity: str, number: int, reading: Reading) -> TypedUser:
    """A user of a declared entity with all that could be typed of it; its key is the number, unless
    it has another."""
    scope = Scope(reading.draft, reading.address, entity, (), reading.zone)
    contacts = given_contacts(user, reading.path, scope)
    of = _OfEntity(entity, reading)
    key, since, fields = of.fields(user, number)
    return TypedUser(
        entity=entity,
        key=key,
        since=since,
        fields=(*fields, *contacts.fields),
        via=tuple(of.via(user)),
        history=tuple(of.history(user)),
        events=tuple(of.events(user)),
        consents=contacts.consents,
        suppressed=contacts.suppressed,
    )


class _OfEntity:
    """Types what is given of a user of an entity."""

    def __init__(self, entity: str, reading: Reading) -> None:
        self._reading = reading
        self._draft = reading.draft
        self._entity = reading.draft.index.entities[entity]
        self._known = reading.draft.index.fields[entity]

    # --- fields ---

    def fields(
        self, user: TrialUser, number: int
    ) -> tuple[Key, Instant | None, list[tuple[str, Stored]]]:
        """Key, instant since when the user exists, and fields."""
        key: Key | None = None
        population = self._entity.population
        # A user exists since ever unless the test says something else.
        ever = Instant(min(0, self._reading.as_of))
        since = None if population.since is None else ever
        fields: list[tuple[str, Stored]] = []
        recorded = {name for name, _ in user.history}
        for name, value in user.given:
            here = self._reading.below("user", name)
            if name in self._known:
                typed = self._field(name, value, here, has_history=name in recorded)
                fields += [] if typed is None else [(name, typed)]
            elif name == "key":
                key = here.key(value, self._entity.key_type)
            elif name == "since":
                since = self._since(value, here)
            else:
                self._lacks_field(name, here, "key", "since")
        if key is None:
            key = parse_key(str(number), self._entity.key_type)
        return key, since, fields

    def _lacks_field(self, name: str, here: Reading, *others: str) -> None:
        if lacks(self._known, name):
            summary = f"entity {self._entity.name!r} has no field {name!r}"
            here.complain(UNKNOWN, summary, meant(name, [*self._known, *others]), key=True)

    def _field(
        self, name: str, value: GivenValue, here: Reading, *, has_history: bool
    ) -> Stored | None:
        field = self._known[name]
        if self._is_derived(field, here):
            return None
        if has_history:
            summary = f"field {name} is given twice: its history says what it is"
            here.complain(NOT_GIVEN, summary, "leave it out here", key=True)
        return here.value(value, field.type, f"field {name}")

    def _is_derived(self, field: Field, here: Reading) -> bool:
        if field.derived is not None:
            help = "give the fields and events that it is made of"
            summary = f"field {field.name} is derived, so that a test can't give it"
            here.complain(NOT_GIVEN, summary, help, key=True)
        return field.derived is not None

    def _since(self, value: GivenValue, here: Reading) -> Instant | None:
        entity = self._entity
        if entity.population.since is None and here.is_sound(entity.address):
            summary = f"users of entity {entity.name} exist always: it declares no `since`"
            here.complain(NOT_GIVEN, summary, "remove the key", key=True)
        return here.instant(value, "`since`")

    # --- the past of fields ---

    def history(self, user: TrialUser) -> Iterator[tuple[str, Changes]]:
        """The changes of the fields that are recorded."""
        for name, changes in user.history:
            here = self._reading.below("history", name)
            field = self._known.get(name)
            if field is None:
                self._lacks_field(name, here)
            elif self._is_derived(field, here):
                continue
            elif field.history is not None:
                yield name, tuple(self._changes(field, changes, here))
            elif here.is_sound(self._entity.address):
                summary = f"field {name} has no history: it is what it is at every instant"
                here.complain(NOT_GIVEN, summary, "give its value under `user`", key=True)

    def _changes(
        self, field: Field, changes: tuple[TrialChange, ...], here: Reading
    ) -> Iterator[tuple[Instant, Stored | None]]:
        for number, one in enumerate(changes):
            row = here.below(number)
            time = row.below("time").instant(one.time, "the time of a change")
            value: Stored | None = None
            if one.value is not None:
                value = row.below("value").value(one.value, field.type, f"field {field.name}")
            yield time, value

    # --- related users ---

    def via(self, user: TrialUser) -> Iterator[tuple[str, Key]]:
        """The keys that relations lead to."""
        for name, value in user.via:
            here = self._reading.below("via", name)
            wanted = Address("relation", name)
            if not is_there(self._draft, wanted, here.address, here.path, at_key=True):
                continue
            relation = self._draft.index.relations[name]
            other = self._draft.index.entities.get(relation.to_entity)
            if relation.from_entity != self._entity.name and here.is_sound(wanted):
                summary = (
                    f"relation {name!r} leads from entity {relation.from_entity!r},"
                    f" not from {self._entity.name!r}"
                )
                help = "say it of the users that it leads from, below `others`"
                here.complain(NOT_OF_ENTITY, summary, help, key=True)
            elif other is not None:
                key = here.key(value, other.key_type)
                if key is not None:
                    yield name, key

    # --- events ---

    def events(self, user: TrialUser) -> Iterator[TypedEvent]:
        """What the user did."""
        for number, event in enumerate(user.events):
            here = self._reading.below("events", number)
            declared = self._declared(event, here.below(event.event))
            if declared is not None:
                yield self._event(event, declared, here)

    def _declared(self, event: TrialEvent, here: Reading) -> Event | None:
        """The event of the catalog, if it is one of the entity."""
        known = self._draft.index.events
        declared = known.get(event.event)
        if declared is None:
            later = [name for name, _ in event.given if name in known]
            if later:
                summary = f"an event begins with its name, and {event.event!r} is none"
                here.complain(UNKNOWN, summary, f"write {later[0]} first", key=True)
            else:
                wanted = Address("event", event.event)
                is_there(self._draft, wanted, here.address, here.path, at_key=True)
            return None
        keyed, entity = [name for name, _ in declared.entities], self._entity.name
        if lacks(keyed, entity) and here.is_sound(declared.address):
            summary = f"event {event.event!r} carries no key of entity {entity!r}"
            here.complain(NOT_OF_ENTITY, summary, f"it is of {', '.join(keyed)}", key=True)
        return declared

    def _event(self, event: TrialEvent, declared: Event, here: Reading) -> TypedEvent:
        known = self._draft.index.properties[declared.name]
        id_: Stored | None = None
        properties = []
        for name, value in event.given:
            at = here.below(name)
            if name in known:
                typed = at.value(value, known[name].type, f"property {name}")
                properties += [] if typed is None else [(name, typed)]
            elif name == "id":
                id_ = _id(value, declared, at)
            elif lacks(known, name):
                summary = f"event {declared.name!r} has no property {name!r}"
                at.complain(UNKNOWN, summary, meant(name, [*known, "id"]), key=True)
        return TypedEvent(
            event=declared.name,
            time=here.below(event.event).instant(event.time, "the time of an event"),
            id=id_ if isinstance(id_, int | str) else None,
            properties=tuple(properties),
        )


def _id(value: GivenValue, declared: Event, here: Reading) -> Stored | None:
    if declared.at.id is None:
        if here.is_sound(declared.address):
            summary = f"event {declared.name!r} declares no id"
            here.complain(NOT_GIVEN, summary, "remove the key", key=True)
        return None
    return here.value(value, value_type(declared.at.id.type), "the id")
