"""Hypothesis strategies: predicates of every form that compiles, and shops to ask them of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from segflow.compiler.worlds import LoggedChange, World
from segflow.model.codec import digest
from segflow.model.operator import (
    Ahead,
    Among,
    Anniversary,
    Between,
    CountTest,
    Exists,
    InLast,
    InNext,
    MomentTest,
    OlderThan,
    OnCalendar,
    TextMatch,
)
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Compare,
    Everyone,
    Feature,
    FieldFeature,
    InFile,
    InSegment,
    NoneOf,
    Not,
    Operator,
    Predicate,
    PropertyFeature,
    Sample,
    Scaled,
    Test,
)
from segflow.model.project import ListFile, Project, Settings
from segflow.model.scalar import DatePoint, InstantPoint, Moment, Text
from segflow.model.segment import Segment
from segflow.model.types import INTEGER, TIMESTAMP, ValueType, decimal_type
from segflow.model.window import Fixed, Window
from tests.agreement.choices import Pick
from tests.agreement.data import Tables, world_of
from tests.agreement.forms import contacts, history, judged, log, zones
from tests.agreement.forms.texts import entities_with_texts, with_texts
from tests.agreement.shop import (
    FIELD_TYPES,
    KEYS,
    PROPERTY_TYPES,
    SHARED,
    STRANGERS,
    Shop,
    by_value,
    catalog,
    contact_tables,
    shop,
    tables,
)

PATTERNS = ["^a", "b$", "a.b", "(?s)a.b", "[A-Z]", "^$", "(?i)É", r"\w", "^a|b$", "(?i)k", "."]
FACTORS = [Decimal(text) for text in ("0.5", "1.2", "-1", "3", "0", "0.3333")]
ANNIVERSARIES = [
    Anniversary(),
    Anniversary(start_days=-7, end_days=7),
    Anniversary(month=2, day=28),
    Anniversary(month=2, day=29),
]
LIST = "lists/vips.csv"

Candidate = tuple[Feature, ValueType]
FIELD_FEATURES: list[Candidate] = [
    (FieldFeature(field=name), type_) for name, type_ in FIELD_TYPES.items()
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A project, rows for its tables, the same rows as the reference sees them, and an instant."""

    shop: Shop
    project: Project
    tables: Tables
    world: World

    @property
    def segments(self) -> tuple[str, ...]:
        """The names of the segments to evaluate."""
        return tuple(segment.name for segment in self.project.segments())


SHOP, ROWS, SEGMENT, CONTACTS = 64, 3800, 220, 700
"""So many bytes are drawn for each part of an example."""


def examples(segments: int) -> st.SearchStrategy[Example]:
    """A shop with rows and that many segments; later ones may rest on earlier ones."""
    size = size_of(segments)
    return st.binary(min_size=size, max_size=size).map(example)


def size_of(segments: int) -> int:
    """How many bytes an example with that many segments is made of."""
    return SHOP + ROWS + segments * SEGMENT + CONTACTS


def example(entropy: bytes) -> Example:
    """The example that the bytes stand for. Each part reads bytes of its own, so that a segment can
    shrink while rows and other segments stay."""
    of = shop(Pick(entropy[:SHOP]))
    rows = tables(Pick(entropy[SHOP : SHOP + ROWS]), of)
    of, added = contact_tables(Pick(entropy[-CONTACTS:]), of)
    rows = {**rows, **added}
    made: list[Segment] = []
    recorded: dict[str, frozenset[int]] = {}
    logs: dict[str, tuple[LoggedChange, ...]] = {}
    for number, start in enumerate(range(SHOP + ROWS, len(entropy) - CONTACTS, SEGMENT)):
        pick, name = Pick(entropy[start : start + SEGMENT]), f"s{number}"
        mode = "static" if pick.chance(8) else "dynamic"
        recorded[name] = frozenset(pick.part([*KEYS, *STRANGERS], 8))
        logs[name] = log.log(pick, [*KEYS, *STRANGERS], of.past)
        where = predicate(pick, of, [segment.name for segment in made], 2)
        where = with_contacts(Pick(entropy[start + SEGMENT - 4 : start + SEGMENT]), where)
        made.append(Segment(name=name, entity="customer", where=where, mode=mode))  # type: ignore[arg-type]
    whole = project(of, made)
    world = world_of(whole, "customer", rows, recorded, logs)
    texts = entities_with_texts(entropy[SHOP - 1])  # which the shop does not read
    whole, rows, world = with_texts(whole, rows, world, texts)
    return Example(shop=of, project=whole, tables=rows, world=world)


def project(of: Shop, segments: Sequence[Segment]) -> Project:
    """The shop's catalog and the segments, with a list of keys."""
    keys = tuple(str(key) for key in (*KEYS[::3], *STRANGERS))
    listed = ListFile(path=LIST, keys=keys, digest=digest("\n".join(keys)), content=b"")
    return Project(
        settings=Settings(name="shop", timezone=of.zone),
        objects={found.address: found for found in (*catalog(of), *segments)},
        lists={LIST: listed},
    )


# --- predicates ------------------------------------------------------------------------------


def predicate(pick: Pick, of: Shop, nested: Sequence[str], depth: int) -> Predicate:
    """A predicate about a user; `nested` names the segments that it may rest on."""
    choice = pick.below(31)
    if choice >= 29 and nested:
        return log.leaf(pick, nested)
    if choice >= 27:
        return history.leaf(
            pick,
            of.literals,
            lambda feature, type_: tested(pick, of, feature, type_, FIELD_FEATURES),
        )
    if choice >= 20:
        return over_events(pick, of, choice, lambda: predicate(pick, of, nested, 0))
    if choice >= 13 and depth:
        return algebra(pick, lambda: predicate(pick, of, nested, depth - 1))
    if choice == 12 and nested:
        return InSegment(segment=pick.one(nested), snapshot=pick.chance(3))
    if choice == 11:
        return key_leaf(pick)
    if choice >= 8:
        return count_test(pick, of)
    return field_test(pick, of) if choice < 3 else value_test(pick, of)


def with_contacts(pick: Pick, where: Predicate) -> Predicate:
    """The predicate, now and then beside a leaf that asks who may be written to."""
    if not pick.chance(4):
        return where
    leaf = contacts.leaf(pick)
    beside: list[Predicate] = [
        leaf,
        All(items=(where, leaf)),
        AnyOf(items=(where, leaf)),
        All(items=(where, Not(item=leaf))),
    ]
    return pick.one(beside)


def over_events(pick: Pick, of: Shop, choice: int, part: Callable[[], Predicate]) -> Predicate:
    """A leaf that is judged over rows of its own; `part` draws predicates for its inside."""

    def where(among: tuple[str, ...]) -> Predicate:
        return event_where(pick, of, among, 1)

    match choice:
        case 20:
            return judged.periods(pick, where)
        case 21:
            return judged.event_has(pick, where, window(pick, of) if pick.chance(2) else None)
        case 22 | 23:
            return judged.sequence(pick, where, window(pick, of), of.durations)
        case 24:
            return judged.same(pick, part)
        case 25:
            feature, type_ = aggregate(pick, of, ("mode",))
            if pick.chance(2):
                feature = replace(feature, window=None)
            return tested(pick, of, feature, type_, [*FIELD_FEATURES, _other(pick, of)])
        case _:
            kinds = ("avg", "sum", "avg", "count", "max", "mode", "last_time")
            ranked = [aggregate(pick, of, kinds)] * len(FIELD_FEATURES) + FIELD_FEATURES
            in_order = [one for one, type_ in ranked if type_.name != "boolean"]
            return judged.rank(pick, in_order, part)


def algebra(pick: Pick, part: Callable[[], Predicate]) -> Predicate:
    """Boolean algebra over parts."""
    kind = pick.one([Not, AnyOf, All, NoneOf, AnyOf])
    if kind is Not:
        return Not(item=part())
    return kind(items=tuple(part() for _ in range(1 + pick.below(2))))


def key_leaf(pick: Pick) -> Predicate:
    """A leaf that asks about the key alone."""
    low, high = pick.one(PERCENTS[:3]), pick.one(PERCENTS[2:])
    sample = Sample(low=low, high=high, salt=pick.one([None, "x", "é", ""]))
    return pick.one([InFile(path=LIST), *[sample] * 14, Everyone()])


PERCENTS = [Decimal(text) for text in ("0", "10", "33.3", "50", "66.6", "100")]


def count_test(pick: Pick, of: Shop) -> Test:
    """did, did_not, did with a count, and count_distinct."""
    feature, _ = aggregate(pick, of, ("count", "count", "count", "count_distinct"))
    ops = ("at_least", "at_most", "exactly", "more_than", "fewer_than")
    made = CountTest(op=pick.one(ops), count=pick.below(4))
    did, did_not = CountTest(op="at_least", count=1), CountTest(op="exactly", count=0)
    return Test(feature=feature, operators=(pick.one([did, did_not, made]),))


def value_test(pick: Pick, of: Shop) -> Test:
    """A test of a sum, an average, an extreme, or of a first or last value or time."""
    kinds = ("sum", "avg", "min", "max", "first", "last", "first_time", "last_time")
    feature, type_ = aggregate(pick, of, kinds)
    return tested(pick, of, feature, type_, [*FIELD_FEATURES, _other(pick, of)])


def field_test(pick: Pick, of: Shop) -> Test:
    """A test of a stored or derived field."""
    feature, type_ = pick.one(FIELD_FEATURES)
    return tested(pick, of, feature, type_, [*FIELD_FEATURES, _other(pick, of)])


def _other(pick: Pick, of: Shop) -> Candidate:
    """A feature for the right side."""
    return aggregate(pick, of, ("sum", "avg", "min", "last", "count", "last_time", "mode"))


def event_where(pick: Pick, of: Shop, events: tuple[str, ...], depth: int) -> Predicate:
    """A predicate over the properties that the events share and the user's fields."""
    if depth and pick.chance(4):
        return algebra(pick, lambda: event_where(pick, of, events, depth - 1))
    types = PROPERTY_TYPES[events[0]]
    names = SHARED if len(events) > 1 else list(types)
    properties: list[Candidate] = [(PropertyFeature(property=n), types[n]) for n in names]
    feature, type_ = pick.one(FIELD_FEATURES if pick.chance(4) else properties)
    return tested(pick, of, feature, type_, [*properties, *FIELD_FEATURES])


def tested(
    pick: Pick, of: Shop, feature: Feature, type_: ValueType, others: Sequence[Candidate]
) -> Test:
    """One or two operators on a feature."""
    found = tuple(operator(pick, of, type_, others) for _ in range(1 + pick.chance(5)))
    folds = type_.name == "string" and not any(
        isinstance(each, TextMatch) and each.op == "matches" for each in found
    )
    test = Test(feature=feature, operators=found, ignore_case=folds and pick.chance(2))
    return zones.in_users_zone(pick, test, type_)


# --- features --------------------------------------------------------------------------------


def aggregate(pick: Pick, of: Shop, kinds: Sequence[str]) -> tuple[Aggregate, ValueType]:
    """An aggregate, and the type of what it gives."""
    kind = pick.one(kinds)
    events = pick.one([("purchase",), ("view",), ("purchase", "view")])
    candidates = _aggregated(kind, events)
    name = pick.one(list(candidates)) if candidates else None
    found = Aggregate(
        kind=kind,  # type: ignore[arg-type]
        events=events,
        property=name,
        where=event_where(pick, of, events, 1) if pick.chance(4) else None,
        window=window(pick, of),
    )
    found = zones.windowed(pick, found)
    if kind in ("count", "count_distinct"):
        return found, INTEGER
    if name is None:
        return found, TIMESTAMP
    type_ = candidates[name]
    if kind == "avg" or (kind == "sum" and type_.name == "decimal"):
        return found, decimal_type(38, type_.scale or 0)
    return found, type_


def _aggregated(kind: str, events: tuple[str, ...]) -> Mapping[str, ValueType]:
    """The properties that the aggregate can be of."""
    types = PROPERTY_TYPES[events[0]]
    if kind in ("count", "first_time", "last_time"):
        return {}
    if len(events) > 1:
        types = {name: types[name] for name in SHARED}
    if kind in ("sum", "avg"):
        return {
            name: type_ for name, type_ in types.items() if type_.name in ("integer", "decimal")
        }
    if kind in ("min", "max"):
        return {name: type_ for name, type_ in types.items() if type_.name != "boolean"}
    return types


def window(pick: Pick, of: Shop) -> Window | None:
    """A window of any kind."""
    if pick.chance(5):
        return fixed(pick, of)
    return pick.one([None, *of.windows, None, None, None])


def fixed(pick: Pick, of: Shop) -> Fixed:
    """A window between two points in time, mostly in their order."""
    since = None if pick.chance(3) else moment(pick, of)
    until = None if pick.chance(3) else moment(pick, of)
    if isinstance(since, InstantPoint) and isinstance(until, InstantPoint):
        since, until = sorted((since, until), key=lambda point: point.instant)
    return Fixed(since=since, until=until)


# --- operators -------------------------------------------------------------------------------

EQUAL = ("eq", "ne")
ORDER = (*EQUAL, "gt", "gte", "lt", "lte")


def operator(pick: Pick, of: Shop, type_: ValueType, others: Sequence[Candidate]) -> Operator:
    """An operator that fits values of the type."""
    literals = [Text(text=text) for text in of.literals(type_)]
    ops = EQUAL if type_.name == "boolean" else ORDER
    kinds = ["compare", "compare", "among", "right", *_more_kinds(type_)] * 2 + ["exists"]
    match pick.one(kinds):
        case "compare":
            return Compare(op=pick.one(ops), right=pick.one(literals))  # type: ignore[arg-type]
        case "right":
            return Compare(op=pick.one(ops), right=right(pick, type_, others))  # type: ignore[arg-type]
        case "among":
            return Among(values=tuple(pick.some(literals, 3)), negated=pick.chance(2))
        case "between":
            one, other = pick.one(literals), pick.one(literals)
            low, high = sorted((one, other), key=lambda text: by_value(text.text, type_))
            return Between(low=low, high=high)
        case "text":
            return text_operator(pick, of)
        case "time":
            return time_operator(pick, of)
        case _:
            return Exists(expected=pick.chance(2))


def _more_kinds(type_: ValueType) -> Sequence[str]:
    if type_.is_time:
        return ("between", "time", "time", "time", "time")
    return {"string": ("between", "text", "text", "text"), "boolean": ()}.get(
        type_.name, ("between", "compare")
    )


def right(pick: Pick, left: ValueType, others: Sequence[Candidate]) -> Scaled:
    """A feature that may stand on the right of one of that type."""
    feature, type_ = pick.one([found for found in others if _comparable(left, found[1])])
    exact = type_.name in ("integer", "decimal")
    return Scaled(feature=feature, times=pick.one([None, *FACTORS]) if exact else None)


def _comparable(left: ValueType, right: ValueType) -> bool:
    exact = ("integer", "decimal")
    return left.name == right.name or (left.name in exact and right.name in exact)


def text_operator(pick: Pick, of: Shop) -> TextMatch:
    """A test of a string."""
    op = pick.one(("contains", "starts_with", "ends_with", "matches"))
    return TextMatch(op=op, text=pick.one(PATTERNS if op == "matches" else of.scalars["string"]))


def moment(pick: Pick, of: Shop) -> Moment:
    """A point in time: an instant or a date."""
    if pick.chance(3):
        return DatePoint(date=pick.one(of.days))
    return InstantPoint(instant=pick.one(of.edges))


def time_operator(pick: Pick, of: Shop) -> Operator:
    """A test of an instant or a date."""
    past = ("moment", "last", "older", "calendar")
    match pick.one((*past, *past, *past, "next", "ahead", "anniversary", "anniversary")):
        case "moment":
            op = pick.one(("before", "after", "since", "until"))
            return MomentTest(op=op, moment=moment(pick, of))
        case "last":
            return InLast(duration=pick.one(of.durations))
        case "older":
            return OlderThan(duration=pick.one(of.durations))
        case "next":
            return InNext(duration=pick.one(of.durations))
        case "ahead":
            return Ahead(start=pick.one([None, *of.durations]), end=pick.one([*of.durations, None]))
        case "calendar":
            return OnCalendar(span=pick.one(of.spans))
        case _:
            return pick.one(ANNIVERSARIES)
