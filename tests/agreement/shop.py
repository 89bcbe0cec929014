"""A shop to ask about: its catalog, and rows for its tables with every kind of awkward value.

Data and predicates share short pools per example, so that equal, next and last values are common.
Times lie on the edges of the windows that predicates use, and a millisecond beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from segflow.compiler.timeline import operator_bounds, window_bounds, zone
from segflow.model.catalog import (
    Entity,
    Event,
    EventId,
    EventTable,
    Field,
    Location,
    Population,
    Property,
    Source,
)
from segflow.model.codec import digest
from segflow.model.duration import Duration, parse_duration
from segflow.model.instant import Instant, datetime_of, format_instant, parse_instant
from segflow.model.operator import InNext, OlderThan
from segflow.model.predicate import Aggregate, Compare, FieldFeature, PropertyFeature, Test
from segflow.model.project import ListFile, Object, Project, Settings
from segflow.model.scalar import Text
from segflow.model.segment import Segment
from segflow.model.types import ValueType, parse_type
from segflow.model.window import Ago, CalendarSpan, InCalendar, Window, Within
from tests.agreement.choices import Pick
from tests.agreement.data import TIME_TYPES
from tests.agreement.forms import contacts, history, related, zones
from tests.agreement.forms.keys import LIST

FIELDS = {
    "plan": ("string", "people"),
    "city": ("string", "profiles"),
    "age": ("integer", "profiles"),
    "points": ("integer", "people"),
    "balance": ("decimal(18,2)", "people"),
    "rate": ("decimal(38,10)", "profiles"),
    "score": ("float", "people"),
    "ratio": ("float", "profiles"),
    "vip": ("boolean", "profiles"),
    "born": ("date", "people"),
    "seen": ("timestamp", "profiles"),
    "zone": ("string", "profiles"),
    "app": ("version", "people"),
    "tags": ("list<string>", "profiles"),
    "codes": ("list<integer>", "people"),
}
DERIVED: dict[str, tuple[str, Aggregate]] = {
    "spend": (
        "decimal(38,2)",
        Aggregate(
            kind="sum",
            events=("purchase",),
            property="amount",
            window=Within(duration=parse_duration("30d")),
        ),
    ),
    "visits": ("integer", Aggregate(kind="count", events=("view",))),
    "favourite": ("string", Aggregate(kind="last", events=("purchase",), property="sku")),
    "dearest": ("decimal(18,2)", Aggregate(kind="max", events=("purchase",), property="amount")),
    "mean": ("decimal(38,2)", Aggregate(kind="avg", events=("purchase",), property="amount")),
    "arrival": ("timestamp", Aggregate(kind="first_time", events=("view",))),
    "skus": (
        "integer",
        Aggregate(
            kind="count_distinct",
            events=("purchase", "view"),
            property="sku",
            where=Test(
                feature=PropertyFeature(property="qty"),
                operators=(Compare(op="gt", right=Text(text="0")),),
            ),
        ),
    ),
}
PROPERTIES = {
    "purchase": {
        "amount": "decimal(18,2)",
        "qty": "integer",
        "sku": "string",
        "weight": "float",
        "gift": "boolean",
        "due": "date",
        "paid": "timestamp",
        "app": "version",
        "tags": "list<string>",
        "codes": "list<integer>",
    },
    "view": {"qty": "integer", "sku": "string", "stars": "decimal(3,1)"},
}
TABLES = {"purchase": "orders", "view": "views"}
STORED = (
    *("people", "profiles", *TABLES.values(), history.TABLE, related.TABLE),
    *contacts.TABLES,
)
"""Every table of a shop."""
ENTITIES = {
    "purchase": (("customer", "customer_id"),),
    "view": (("customer", "customer_id"), ("account", "account_id")),
}
FIELD_TYPES = {
    **{name: parse_type(text) for name, (text, _) in FIELDS.items()},
    **{name: parse_type(text) for name, (text, _) in DERIVED.items()},
    **history.TYPES,
}
PROPERTY_TYPES = {
    event: {name: parse_type(text) for name, text in found.items()}
    for event, found in PROPERTIES.items()
}
SHARED = [name for name in PROPERTIES["view"] if name in PROPERTIES["purchase"]]

# --- pools -----------------------------------------------------------------------------------

# As written in YAML. The first of each is the plainest.
SCALARS: Mapping[str, Sequence[str]] = {
    "string": ["a", "A", "ab", "aB", "b", "", "é", "É", "ß", "SS", "ſ", "K", "K", "k", "İ", "i",
               "😀", "%", "_", "a\\", "'", "a\nb", "a b", " a", "a ", "z\u0301"],
    "integer": ["1", "0", "2", "3", "10", "-1", "9007199254740992", "9007199254740993",
                "9223372036854775807", "-9223372036854775808"],
    "decimal": ["1.00", "0.00", "0.10", "0.20", "0.30", "2.50", "-1.00", "99.99", "100.00",
                "9999999999999999.99", "-9999999999999999.99"],
    "decimal(38,10)": ["1", "0", "0.1", "0.3333333333", "1.0000000001", "2.5", "100", "-1",
                       "99999.0000000001"],
    "decimal(3,1)": ["1.0", "0.0", "0.1", "2.5", "4.5", "-1.0"],
    "float": ["1", "0", "0.1", "0.3", "2.5", "-1", "1e300", "5e-324", "9007199254740992"],
    "boolean": ["true", "false"],
    "version": ["1.10", "1.9", "1", "0", "1.2.3", "01.9", "1.10.0", "2." + "9" * 38],
}  # fmt: skip
DURATIONS = [parse_duration(text) for text in ("7d", "1d", "1h", "2w", "30d", "1mo", "1y", "0d")]
SPANS = [
    CalendarSpan(unit=unit, last=last, count=count)
    for last, count in ((0, 1), (-1, 1), (-1, 7), (-2, 1))
    for unit in ("year", "quarter", "month", "week", "day")
]
WINDOWS: list[Window] = [
    *(Within(duration=duration) for duration in DURATIONS),
    *(Ago(start=DURATIONS[4], end=duration) for duration in DURATIONS[:4]),
    Ago(end=DURATIONS[0]),
    Ago(start=DURATIONS[0]),
    *(InCalendar(span=span) for span in SPANS),
]
ANCHORS = [
    ("UTC", "2026-03-31T12:00:00Z"),
    ("UTC", "2024-02-29T00:00:00Z"),
    ("America/New_York", "2026-03-09T03:30:00Z"),
    ("Europe/Berlin", "2026-10-25T01:30:00.500Z"),
    ("America/Sao_Paulo", "2018-11-04T12:00:00Z"),
    ("Pacific/Apia", "2012-01-02T00:00:00Z"),
    ("Asia/Kathmandu", "2026-02-28T18:15:00Z"),
]
KEYS = [*range(34), 2**53 + 1, 2**63 - 1, 2**64 - 1]
STRANGERS = [77, 78]
"""Keys that events and lists name and that the population lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What is fixed for one example: how things are stored, the instant asked about, and the pools
    that its rows and its predicates draw from."""

    zone: str
    users_zone: str | None
    as_of: Instant
    unique_purchases: bool
    view_id: str | None
    since: bool
    stored_as: Mapping[str, str]
    scalars: Mapping[str, Sequence[str]]
    windows: Sequence[Window]
    durations: Sequence[Duration]
    edges: Sequence[Instant]
    days: Sequence[date]

    @property
    def past(self) -> Sequence[Instant]:
        """The edges up to T, and one that is just after it."""
        return [edge for edge in self.edges if edge <= self.as_of + 1]

    @property
    def spans(self) -> Sequence[CalendarSpan]:
        """The calendar spans in use, and three that are always interesting."""
        return [*SPANS[:3], *(one.span for one in self.windows if isinstance(one, InCalendar))]

    def literals(self, type_: ValueType) -> Sequence[str]:
        """Values of a type as they are written in YAML."""
        match type_.name:
            case "timestamp":
                return [*map(format_instant, self.edges), *map(str, self.days)]
            case "date":
                return [*map(str, self.days)]
            case "decimal":
                return self.scalars.get(str(type_), self.scalars["decimal"])
            case _:
                return self.scalars[type_.name]  # of a list, its elements


def shop(pick: Pick) -> Shop:
    """How one shop stores its things, and when it is asked about."""
    name, anchor = pick.one(ANCHORS)
    as_of = Instant(parse_instant(anchor) + pick.one([0, 1, 86_400_000]))
    windows = tuple(pick.part(WINDOWS, 4))
    durations = tuple(pick.part(DURATIONS, 3))
    today = datetime_of(as_of).date()
    days = [today + timedelta(days=n) for n in (0, -1, 1, -7, -30, -31, -366, 2, -8, 7)]
    births = (date(1984, 2, 29), date(1985, 2, 28), date(1990, today.month, min(today.day, 28)))
    return Shop(
        zone=name,
        users_zone=pick.one([None, "Asia/Tokyo"]),
        as_of=as_of,
        unique_purchases=pick.chance(2),
        view_id=pick.one(["integer", "string", None]),
        since=pick.chance(2),
        stored_as={table: pick.one(TIME_TYPES) for table in STORED},
        scalars={
            kind: tuple(pick.part(pool, 3 + len(pool) // 4)) for kind, pool in SCALARS.items()
        },
        windows=windows,
        durations=durations,
        edges=edges(as_of, name, windows, durations),
        days=(*births, *pick.part(days, 6)),
    )


@cache
def edges(
    as_of: Instant, zone_name: str, windows: Sequence[Window], durations: Sequence[Duration]
) -> tuple[Instant, ...]:
    """Both sides of every edge of the windows in use and of T, and the last instant that counts; of
    the windows also their edges for some users."""
    there = zone(zone_name)
    bounds = [
        window_bounds(window, as_of, zone(name))
        for window in windows
        for name in (zone_name, zone_name, *zones.POOL[1:3])
    ]
    bounds += [
        operator_bounds(operator, as_of, there)
        for duration in durations
        for operator in (OlderThan(duration=duration), InNext(duration=duration))
    ]
    ends = [
        as_of,
        *(end for found in bounds for end in (found.start, found.end) if end is not None),
    ]
    return tuple(sorted({Instant(end + beside) for end in ends for beside in (-1, 0, 1)}))


# --- the catalog -----------------------------------------------------------------------------


def catalog(of: Shop) -> tuple[Object, ...]:
    """The objects that segments rest on."""
    tables = tuple((name, f"{name}.parquet") for name in STORED)
    stored = tuple(
        Field(
            name=name,
            type=parse_type(type_),
            at=(Location(source="shop", table=table, key="customer_id", column=f"c_{name}"),),
        )
        for name, (type_, table) in FIELDS.items()
    )
    derived = tuple(
        Field(name=name, type=parse_type(type_), derived=feature)
        for name, (type_, feature) in DERIVED.items()
    )
    population = Population(
        source="shop",
        table="people",
        key="customer_id",
        since="first_seen" if of.since else None,
        where=Test(
            feature=FieldFeature(field="points"),
            operators=(Compare(op="ne", right=Text(text="10")),),
        ),
    )
    entity = Entity(
        name="customer",
        key_type="integer",
        population=population,
        timezone_field="zone",
        timezone_default=of.users_zone,
        fields=stored + derived + history.fields(),
    )
    view_id = None if of.view_id is None else EventId(column="id", type=of.view_id)  # type: ignore[arg-type]
    return (
        Source(name="shop", engine="duckdb", tables=tables),
        entity,
        *related.catalog(),
        *contacts.catalog(),
        _event("purchase", EventId(column="id", type="integer"), of.unique_purchases),
        _event("view", view_id, False),
    )


def _event(name: str, id_: EventId | None, unique: bool) -> Event:
    properties = tuple(
        Property(name=prop, type=type_, column=f"c_{prop}")
        for prop, type_ in PROPERTY_TYPES[name].items()
    )
    at = EventTable(source="shop", table=TABLES[name], time="happened_at", id=id_, unique=unique)
    return Event(name=name, entities=ENTITIES[name], at=at, properties=properties)


def project(of: Shop, segments: Sequence[Segment]) -> Project:
    """The shop's catalog and the segments, with a list of keys."""
    listed = tuple(str(key) for key in (*KEYS[::3], *STRANGERS))
    digest_ = digest("\n".join(listed))
    return Project(
        settings=Settings(name="shop", timezone=of.zone),
        objects={found.address: found for found in (*catalog(of), *segments)},
        lists={LIST: ListFile(path=LIST, keys=listed, digest=digest_, content=b"")},
    )
