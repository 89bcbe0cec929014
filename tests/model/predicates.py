"""Hypothesis strategies for predicates, features and values, as the loader builds them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from segflow.model import predicate as p
from segflow.model.duration import Duration
from segflow.model.instant import Instant
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
from segflow.model.scalar import DatePoint, InstantPoint, Text
from segflow.model.window import Ago, CalendarSpan, Fixed, InCalendar, Window, Within
from segflow.model.wording_text import Plain, flow


def named(letters: str) -> st.SearchStrategy[str]:
    """A legal name made of a few letters, so that names collide."""
    return st.text(letters, min_size=1, max_size=3).filter(lambda name: name[0].isalpha())


def opaque(strategy):
    """The same strategy without its long representation, which hypothesis warns of."""

    @st.composite
    def hidden(draw):
        return draw(strategy)

    return hidden()


def maybe(strategy):
    return st.none() | strategy


def tuples(strategy, least=0, most=3, unique_by=None):
    return st.lists(strategy, min_size=least, max_size=most, unique_by=unique_by).map(tuple)


def as_text(text: str) -> Text:
    """A literal that is quoted exactly where it could not stand without quotes."""
    return Text(text=text, quoted=flow(Plain(text)) != text or text.lower() == "null")


def as_quoted_number(text: str) -> Text:
    return Text(text=text, quoted=True)


names = named("abn_1")
columns = st.sampled_from(["customer_id", "amount", "Order Total", "null", "1st", "x: y"])
# A secret may stand in few places, and never inside of other text.
words = st.text(max_size=8).filter(lambda text: "${" not in text) | st.sampled_from(
    ["US", "on", "1.10", "0123", "2026-01-01", "22:00"]
)
literals = opaque(
    words.map(as_text)
    | st.integers(-1000, 1000).map(str).map(as_text)
    | st.integers(-1000, 1000).map(str).map(as_quoted_number)
)
durations = opaque(
    st.builds(
        Duration,
        count=st.integers(1, 400),
        unit=st.sampled_from(["s", "min", "h", "d", "w", "mo", "y"]),
    )
)
days = st.dates(date(1, 1, 1), date(9999, 12, 31))
instants = st.integers(-(10**13), 10**13).map(Instant)
moments = opaque(st.builds(DatePoint, date=days) | st.builds(InstantPoint, instant=instants))
percents = st.decimals(
    min_value=Decimal("0.01"), max_value=100, places=2, allow_nan=False, allow_infinity=False
)
factors = st.decimals(min_value=-100, max_value=100, places=3, allow_nan=False)

# --- windows and features --------------------------------------------------------------------

units = st.sampled_from(["day", "week", "month", "quarter", "year"])
single_spans = st.builds(CalendarSpan, unit=units, last=st.integers(-4, 0))
long_spans = st.builds(
    CalendarSpan,
    unit=st.sampled_from(["day", "week", "month"]),
    last=st.just(-1),
    count=st.integers(2, 60),
)
spans = single_spans | long_spans


def ordered_pair(cls, later: Duration, earlier: Duration):
    """Two durations whose order is right whatever the calendar says, or one of them alone."""
    return st.sampled_from(
        [cls(start=later, end=earlier), cls(start=earlier), cls(end=later), cls(end=earlier)]
    )


windows = opaque(
    st.builds(Within, duration=durations)
    | ordered_pair(Ago, Duration(count=90, unit="d"), Duration(count=30, unit="d"))
    | st.builds(Fixed, since=moments)
    | st.builds(Fixed, until=moments)
    | st.builds(
        Fixed,
        since=st.just(DatePoint(date=date(2026, 1, 1))),
        until=st.just(DatePoint(date=date(2026, 2, 1))),
    )
    | st.builds(InCalendar, span=spans)
)
event_names = tuples(names, 1, 2, unique_by=lambda name: name)
one_event = tuples(names, 1, 1)
COUNTED = ("count",)
OF_PROPERTY = ("sum", "avg", "min", "max", "mode", "count_distinct", "first", "last")
OF_TIME = ("first_time", "last_time")


def is_local(window: Window | None) -> bool:
    """Whether the zone matters to a window; elsewhere `timezone: user` leaves no trace."""
    match window:
        case Within(duration=duration):
            return duration.months is not None
        case Fixed(since=since, until=until):
            return isinstance(since, DatePoint) or isinstance(until, DatePoint)
        case InCalendar():
            return True
    return False


def zoned(node):
    """The aggregate or sequence with a zone of users only where that means something."""
    steps = node.steps if isinstance(node, p.Sequence) else ()
    recent = [Within(duration=step.in_last) for step in steps if step.in_last is not None]
    return replace(node, user_zone=node.user_zone and any(map(is_local, (node.window, *recent))))


def aggregates(where, kinds=COUNTED + OF_PROPERTY + OF_TIME):
    """Aggregates of the kinds; only those of a property have one."""
    plain = [kind for kind in kinds if kind not in OF_PROPERTY]
    propertied = [kind for kind in kinds if kind in OF_PROPERTY]
    choice = {"where": maybe(where), "window": maybe(windows), "user_zone": st.booleans()}
    found = []
    if plain:
        found.append(
            st.builds(p.Aggregate, kind=st.sampled_from(plain), events=event_names, **choice)
        )
    if propertied:
        found.append(
            st.builds(
                p.Aggregate,
                kind=st.sampled_from(propertied),
                events=one_event,
                property=names,
                **choice,
            )
        )
    return st.one_of(found).map(zoned)


fields = st.builds(p.FieldFeature, field=names)
properties = st.builds(p.PropertyFeature, property=names)

# --- operators -------------------------------------------------------------------------------

count_tests = st.builds(
    CountTest,
    op=st.sampled_from(["at_least", "at_most", "exactly", "more_than", "fewer_than"]),
    count=st.integers(1, 50),
)


ORDER = (
    *("eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "Between", "Exists", "contains"),
    *("starts_with", "ends_with", "matches", "has_any", "has_all", "has_none", "Size"),
    *("at_least", "at_most", "exactly", "more_than", "fewer_than", "before", "after", "InLast"),
    *("OlderThan", "InNext", "Ahead", "Anniversary", "since", "until", "OnCalendar"),
)


def op_of(operator) -> str:
    match operator:
        case Among(negated=negated):
            return "not_in" if negated else "in"
        case p.Compare(op=op) | TextMatch(op=op) | ListMatch(op=op) | CountTest(op=op):
            return op
        case MomentTest(op=op):
            return op
    return type(operator).__name__


def in_order(strategy):
    """One or two different operators, in the order of the language."""
    found = tuples(strategy, 1, 2, unique_by=op_of)
    return found.map(lambda some: tuple(sorted(some, key=lambda one: ORDER.index(op_of(one)))))


counts = in_order(count_tests)
scaled = opaque(
    st.builds(
        p.Scaled,
        feature=fields | aggregates(st.nothing(), ("count", "sum", "avg")),
        times=maybe(factors),
    )
)
scaled_in_events = st.builds(p.Scaled, feature=fields | properties, times=maybe(factors))


def comparisons(right):
    """Comparisons of a value with what is on the right."""
    ops = st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"])
    return st.builds(p.Compare, op=ops, right=right)


literal_operators = opaque(
    st.builds(Among, values=tuples(literals, 1), negated=st.booleans())
    | st.builds(Between, low=st.just(as_text("1")), high=st.just(as_text("20")))
    | st.builds(Exists, expected=st.booleans())
    | st.builds(TextMatch, op=st.sampled_from(["contains", "starts_with", "ends_with"]), text=words)
    | st.builds(TextMatch, op=st.just("matches"), text=st.sampled_from(["a+b", r"^\d{3}$"]))
    | st.builds(
        ListMatch,
        op=st.sampled_from(["has_any", "has_all", "has_none"]),
        values=tuples(literals, 1),
    )
    | st.builds(
        p.Size,
        tests=in_order(
            st.builds(
                p.Compare,
                op=st.sampled_from(["eq", "gt", "gte", "lt"]),
                right=st.integers(0, 9).map(str).map(as_text),
            )
        ),
    )
)
instant_operators = opaque(
    st.builds(MomentTest, op=st.sampled_from(["before", "after"]), moment=moments)
    | st.builds(InLast, duration=durations)
    | st.builds(OlderThan, duration=durations)
    | st.builds(InNext, duration=durations)
    | ordered_pair(Ahead, Duration(count=30, unit="d"), Duration(count=90, unit="d"))
    | st.just(Anniversary())
    | st.builds(Anniversary, start_days=st.integers(-9, 0), end_days=st.integers(1, 9))
    | st.builds(Anniversary, month=st.integers(1, 12), day=st.integers(1, 28))
)
value_operators = comparisons(literals | scaled) | literal_operators
# since, until and calendar choose events in event forms, so they test only stored values.
only_stored_operators = opaque(
    instant_operators
    | st.builds(MomentTest, op=st.sampled_from(["since", "until"]), moment=moments)
    | st.builds(OnCalendar, span=spans)
)
stored_operators = value_operators | only_stored_operators
operators_in_events = (
    comparisons(literals | scaled_in_events) | literal_operators | only_stored_operators
)


# --- predicates ------------------------------------------------------------------------------


def tests(where):
    """Tests of fields and of aggregates, each with the operators that it takes."""
    counted = aggregates(where, ("count",))
    distinct = aggregates(where, ("count_distinct",))
    summed = aggregates(where, ("sum", "avg"))
    valued = aggregates(where, ("min", "max", "mode", "first", "last"))
    timed = aggregates(where, OF_TIME)
    never = (CountTest(op="exactly", count=0),)
    flags = {"ignore_case": st.booleans(), "user_zone": st.booleans()}
    of_fields = st.builds(p.Test, feature=fields, operators=in_order(stored_operators), **flags)
    of_values = st.builds(
        p.Test,
        feature=valued,
        operators=in_order(value_operators | instant_operators),
        ignore_case=st.booleans(),
    )
    of_times = st.builds(p.Test, feature=timed, operators=in_order(instant_operators))
    return opaque(
        of_fields
        | st.builds(p.Test, feature=counted, operators=counts | st.just(never))
        | st.builds(p.Test, feature=distinct, operators=counts)
        | st.builds(p.Test, feature=summed, operators=in_order(value_operators))
        | st.builds(with_zone, of_values | of_times, st.booleans())
    )


def with_zone(test, user_zone: bool):
    """`timezone: user` holds for the window and for the value that is tested."""
    feature = zoned(replace(test.feature, user_zone=user_zone))
    return replace(test, feature=feature, user_zone=user_zone)


inside_events = opaque(
    st.recursive(
        st.builds(
            p.Test,
            feature=properties | fields,
            operators=in_order(operators_in_events),
            user_zone=st.booleans(),
        ),
        lambda inner: st.builds(p.All, items=tuples(inner, 1)) | st.builds(p.Not, item=inner),
        max_leaves=3,
    )
)
chosen = {"events": event_names, "where": maybe(inside_events)}
first_steps = st.builds(p.Step, in_last=maybe(durations), **chosen)
steps = st.builds(p.Step, max_gap=maybe(durations), in_last=maybe(durations), **chosen)
absences = st.builds(p.Step, absent=st.just(True), for_=durations, **chosen)
absences_between = st.builds(p.Step, absent=st.just(True), for_=maybe(durations), **chosen)
sequences = opaque(
    st.builds(
        p.Sequence,
        steps=st.tuples(first_steps, absences_between, steps)
        | st.tuples(absences, first_steps, steps, absences)
        | st.tuples(first_steps),
        span=maybe(durations),
        window=maybe(windows),
        by=st.just(()) | st.just((("a", "x"), ("b", "y"))),
        user_zone=st.booleans(),
    ).map(zoned)
)
ranges = st.sampled_from(
    [(Decimal(0), Decimal(10)), (Decimal(20), Decimal(60)), (Decimal("0.5"), Decimal("12.25"))]
)


def ranks(among):
    def build(feature, side, bounds, among):
        low, high = bounds
        return p.Rank(feature=feature, side=side, unit="percent", low=low, high=high, among=among)

    percent = st.builds(
        build,
        fields | aggregates(inside_events),
        st.sampled_from(["top", "bottom"]),
        ranges,
        maybe(among),
    )
    position = st.builds(
        p.Rank,
        feature=fields,
        side=st.sampled_from(["top", "bottom"]),
        unit=st.just("count"),
        high=st.integers(1, 5000).map(Decimal),
        among=maybe(among),
    )
    return percent | position


def samples():
    return st.builds(
        lambda bounds, salt: p.Sample(low=bounds[0], high=bounds[1], salt=salt),
        ranges,
        maybe(names),
    )


def periods():
    aggregate = st.builds(
        p.Aggregate, kind=st.just("count"), events=event_names, where=maybe(inside_events)
    )
    return st.builds(
        p.Periods,
        aggregate=aggregate,
        counts=counts,
        every=durations | st.sampled_from(["day", "week", "month"]),
        last=st.sampled_from([50, 60]),
        holds=counts,
        skip_current=st.booleans(),
    ).map(in_units)


def in_units(node):
    """Only calendar units have a current one and a zone."""
    local = isinstance(node.every, str)
    aggregate = replace(node.aggregate, user_zone=local and node.last == 60)
    return replace(node, aggregate=aggregate, skip_current=node.skip_current and local)


leaves = opaque(
    st.just(p.Everyone())
    | tests(inside_events)
    | periods()
    | st.builds(
        lambda aggregate, has: p.EventHas(which=aggregate.kind, aggregate=aggregate, has=has),
        st.builds(
            p.Aggregate,
            kind=st.sampled_from(["first", "last"]),
            events=event_names,
            where=maybe(inside_events),
            window=maybe(windows),
            user_zone=st.booleans(),
        ).map(zoned),
        inside_events,
    )
    | sequences
    | st.builds(
        p.Changed, field=names, old=maybe(literals), new=maybe(literals), in_last=maybe(durations)
    )
    | st.builds(p.InSegment, segment=names, snapshot=st.booleans())
    | st.builds(
        p.Transition,
        kind=st.sampled_from(["entered", "exited"]),
        segment=names,
        in_last=maybe(durations),
    )
    | st.builds(p.InFile, path=st.sampled_from(["lists/vips.csv", "a b.txt"]))
    | samples()
    | st.builds(p.Consent, topic=names)
    | st.builds(p.Reachable, address=names)
    | st.builds(p.Sql, query=st.just("select id\nfrom t where x = :as_of"), source=names)
)


def branches(inner):
    items = tuples(inner, 1)
    return (
        st.builds(p.All, items=items)
        | st.builds(p.AnyOf, items=items)
        | st.builds(p.NoneOf, items=items)
        | st.builds(p.Not, item=inner)
        | st.builds(
            p.Same,
            by=st.just((("a", "x"), ("b", "y"))),
            where=st.builds(
                p.Test,
                feature=st.builds(p.Aggregate, kind=st.just("count"), events=st.just(("a",))),
                operators=counts,
            ),
            counts=counts,
        )
        | st.builds(p.Held, item=st.builds(p.InSegment, segment=names), for_=durations)
        | ranks(inner)
        | st.builds(p.Via, relation=names, where=inner)
        | st.builds(p.Members, entity=names, where=inner, counts=counts)
        | st.builds(p.Members, entity=names, where=inner, every=st.just(True))
    )


predicates = opaque(st.recursive(leaves, branches, max_leaves=4))
