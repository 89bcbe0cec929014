"""The segment language: a closed union of predicates over features of one user.

The loader builds these with operands as Text; the compiler's typing pass replaces each Text by a
Const. Nothing else about a node changes between the two.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Union

from segflow.model.duration import Duration
from segflow.model.operator import (
    Ahead,
    Among,
    Anniversary,
    Between,
    CountTest,
    Exists,
    InLast,
    InNext,
    ListMatch,
    MomentTest,
    OlderThan,
    OnCalendar,
    TextMatch,
)
from segflow.model.scalar import Const, Text
from segflow.model.window import CalendarUnit, Window

# --- features: one fact per user -------------------------------------------------------------

AggregateKind = Literal[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "mode",
    "count_distinct",
    "first",
    "last",
    "first_time",
    "last_time",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFeature:
    """The value of a catalog field of the user (a stored or a derived one)."""

    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyFeature:
    """The value of a property of the event under test; only inside an event's `where`."""

    property: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFeature:
    """A value of the request under decision; only in placements."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """An aggregate of one user's events of one type, or of a union of types counted together.

    `property` is None for count, first_time and last_time. `where` is a predicate in which
    PropertyFeature is the event's and FieldFeature the user's. `user_zone` resolves calendar units
    and dates of the window in each user's zone instead of the project's.
    """

    kind: AggregateKind
    events: tuple[str, ...]
    property: str | None = None
    where: "Predicate | None" = None
    window: Window | None = None
    user_zone: bool = False


Feature = FieldFeature | PropertyFeature | ContextFeature | Aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """A feature on the right side of a comparison, times an exact decimal."""

    feature: Feature
    times: Decimal | None = None


Operand = Text | Const | Scaled

# --- operators: tests of one value -----------------------------------------------------------

CompareOp = Literal["eq", "ne", "gt", "gte", "lt", "lte"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """eq, ne, gt, gte, lt or lte against a literal or another feature."""

    op: CompareOp
    right: Operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Tests of the number of elements of a list, all of which must hold."""

    tests: tuple[Compare, ...]


Operator = (
    Compare
    | Among
    | Between
    | Exists
    | TextMatch
    | ListMatch
    | Size
    | CountTest
    | MomentTest
    | InLast
    | OlderThan
    | InNext
    | Ahead
    | Anniversary
    | OnCalendar
)

# --- predicates ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    """Every item holds. Items are never empty (also for Any and NoneOf)."""

    items: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one item holds."""

    items: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOf:
    """No item holds."""

    items: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The complement in the population."""

    item: "Predicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Everyone:
    """Always true: the population."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """All operators hold for the feature's value. `did: e` is a Test of a count that is at least 1,
    `did_not: e` of one that is exactly 0."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    feature: Feature
    operators: tuple[Operator, ...]
    ignore_case: bool = False
    user_zone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """`counts` hold for the number of matching events in as many of the last `last` periods as
    `holds` says. `every` is a duration or a calendar unit; `skip_current` leaves out T's unit."""

    aggregate: Aggregate
    counts: tuple[CountTest, ...]
    every: Duration | CalendarUnit
    last: int
    holds: tuple[CountTest, ...]
    skip_current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHas:
    """The first or last matching event satisfies `has`."""

    which: Literal["first", "last"]
    aggregate: Aggregate
    has: "Predicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a sequence: something done (`absent` False) or not done."""

    events: tuple[str, ...]
    absent: bool = False
    where: "Predicate | None" = None
    max_gap: Duration | None = None
    in_last: Duration | None = None
    for_: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Steps in strict order of time; `by` pairs (event, property) tie them to one value."""

    steps: tuple[Step, ...]
    span: Duration | None = None
    window: Window | None = None
    by: tuple[tuple[str, str], ...] = ()
    user_zone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """Counts the values v of the paired properties for which `where` holds on events with v."""

    by: tuple[tuple[str, str], ...]
    where: "Predicate"
    counts: tuple[CountTest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """`item` (a field test or a segment) has held without a break through (T - for_, T]."""

    item: "Predicate"
    for_: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The field went from one value to another; a missing `old` or `new` is any value."""

    field: str
    old: Text | Const | None = None
    new: Text | Const | None = None
    in_last: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """The position of the feature's value from the top or the bottom lies in (low, high].

    `unit` says what the bounds are: percent of the ranked users or positions. `among` narrows the
    users that are ranked.
    """

    feature: Feature
    side: Literal["top", "bottom"]
    unit: Literal["percent", "count"]
    high: Decimal
    low: Decimal = Decimal(0)
    among: "Predicate | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InSegment:
    """Member of another segment at T, or (`snapshot`) of its last snapshot."""

    segment: str
    snapshot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """The log says that the user entered or exited the segment, by effective instant."""

    kind: Literal["entered", "exited"]
    segment: str
    in_last: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InFile:
    """The key is listed in a file; `path` is relative to the project."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The stable hash of (salt, key) falls in [low, high) percent. No salt: the segment's name."""

    high: Decimal
    low: Decimal = Decimal(0)
    salt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """The one related entity satisfies `where`; none related is False."""

    relation: str
    where: "Predicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """That many related entities satisfy `where` (or every one, and at least one)."""

    entity: str
    where: "Predicate"
    counts: tuple[CountTest, ...] = ()
    every: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The ledger of consent says yes for the topic at T."""

    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachable:
    """The user has an address of that kind, consented, not suppressed."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """The key is in the result of one read-only SELECT on `source`; it may bind :as_of."""

    query: str
    source: str


Predicate = Union[  # noqa: UP007 - a forward-referenced union, so that the classes above can name it
    All,
    AnyOf,
    NoneOf,
    Not,
    Everyone,
    Test,
    Periods,
    EventHas,
    Sequence,
    Same,
    Held,
    Changed,
    Rank,
    InSegment,
    Transition,
    InFile,
    Sample,
    Via,
    Members,
    Consent,
    Reachable,
    Sql,
]
