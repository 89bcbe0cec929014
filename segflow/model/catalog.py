"""The catalog: sources, entities with their fields, events with their properties, and relations."""

from dataclasses import dataclass, replace
from typing import Literal

from segflow.model.address import Address
from segflow.model.duration import Duration
from segflow.model.keys import KeyType
from segflow.model.predicate import Feature, Predicate
from segflow.model.settings import SecretRef
from segflow.model.types import ValueType

EngineName = Literal[
    "duckdb", "sqlite", "postgres", "mysql", "clickhouse", "spark", "elasticsearch"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """The read-only copy that reads go to. `fallback` says what to do beyond `max_lag`."""

    url: str | SecretRef
    max_lag: Duration | None = None
    fallback: Literal["refuse", "primary"] = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard a source may be read. `windows` are local times "HH:MM-HH:MM"."""

    concurrency: int | None = None
    timeout: Duration | None = None
    rows: int | None = None
    windows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place that data is read from. A duckdb source has a `url` (a database file, relative to the
    project) or `tables`, pairs of table name and Parquet path."""

    name: str
    engine: EngineName
    url: str | SecretRef | None = None
    tables: tuple[tuple[str, str], ...] = ()
    replica: Replica | None = None
    limits: Limits | None = None

    @property
    def has_documents(self) -> bool:
        """Whether its tables are indices of documents, which are asked for sets of keys; other
        sources speak SQL."""
        return self.engine == "elasticsearch"

    @property
    def address(self) -> Address:
        """source.<name>"""
        return Address("source", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the values of a field are: a table and column, or an index and path.

    `key` names the column with the entity's key; `path` reaches into JSON.
    """

    source: str
    table: str | None = None
    index: str | None = None
    key: str | None = None
    column: str | None = None
    path: tuple[str, ...] = ()
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Where the changes of a field's value are."""

    source: str
    table: str
    key: str
    time: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of an entity: stored at one or more locations, or derived from a feature."""

    name: str
    type: ValueType
    at: tuple[Location, ...] = ()
    derived: Feature | None = None
    history: History | None = None
    pii: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Who exists: the keys of a table, from `since` (a column) on, that satisfy `where`."""

    source: str
    table: str
    key: str
    since: str | None = None
    where: Predicate | None = None

    def rows_of(self, at: Location) -> tuple[str, str]:
        """The table, or index, of a location and its column of keys: those of the population unless
        it says otherwise."""
        return at.index or at.table or self.table, at.key or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A kind of thing that segments select: customers, accounts."""

    name: str
    key_type: KeyType
    population: Population
    ordinals: Literal["direct", "dictionary"] = "direct"
    timezone_field: str | None = None
    timezone_default: str | None = None
    fields: tuple[Field, ...] = ()

    @property
    def address(self) -> Address:
        """entity.<name>"""
        return Address("entity", self.name)

    def field_named(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventId:
    """The column that identifies an event."""

    column: str
    type: KeyType = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTest:
    """A literal condition on a column that tells this event's rows from others in its table."""

    column: str
    values: tuple[str, ...] = ()
    starts_with: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """Where the rows of an event are. Events with one id count once: the highest `version`.
    `unique` promises that ids do not repeat."""

    source: str
    table: str
    time: str
    id: EventId | None = None
    unique: bool = False
    version: str | None = None
    arrived: str | None = None
    lateness: Duration | None = None
    when: tuple[ColumnTest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property of an event: a column, a JSON path, or elements unnested from a list."""

    name: str
    type: ValueType
    column: str | None = None
    path: tuple[str, ...] = ()
    unnest: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The topic that carries the event live."""

    topic: str
    format: Literal["canal", "debezium", "track"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that users do. `entities` pairs entity names with the column of their key.
    `copies` are tables of other sources that have the same rows and columns."""

    name: str
    entities: tuple[tuple[str, str], ...]
    at: EventTable
    properties: tuple[Property, ...] = ()
    stream: Stream | None = None
    copies: tuple[EventTable, ...] = ()

    @property
    def address(self) -> Address:
        """event.<name>"""
        return Address("event", self.name)

    @property
    def tables(self) -> tuple[EventTable, ...]:
        """All places where the rows are, in the order in which they are declared."""
        return (self.at, *self.copies)

    def in_source(self, name: str) -> "Event":
        """The same event, read from that source, which has it."""
        if self.at.source == name:
            return self
        (at,) = (table for table in self.copies if table.source == name)
        return replace(self, at=at, copies=())

    def property_named(self, name: str) -> Property | None:
        """The property of that name, or None."""
        return next((prop for prop in self.properties if prop.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """An n:1 reference from one entity to another."""

    name: str
    from_entity: str
    from_column: str
    to_entity: str

    @property
    def address(self) -> Address:
        """relation.<name>"""
        return Address("relation", self.name)
