"""Hypothesis strategies for every object that YAML can declare, as the loader builds them."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from segflow.model import catalog as c
from segflow.model import predicate as p
from segflow.model import rule as r
from segflow.model.channel import Channel, CodesFromFile, GeneratedCodes, Offer, Rate
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.scalar import DatePoint, InstantPoint, Text
from segflow.model.segment import Cron, Every, OnStream, Protect, Segment
from segflow.model.settings import SecretRef, SettingMap
from segflow.model.types import INTEGER, STRING, ValueType, decimal_type, parse_type
from segflow.model.wording_text import Plain, flow


def named(letters: str) -> st.SearchStrategy[str]:
    """A legal name made of a few letters, so that names collide."""
    return st.text(letters, min_size=1, max_size=3).filter(lambda name: name[0].isalpha())


def opaque(strategy):
    """The same strategy without its long representation, which hypothesis warns of."""
    return st.deferred(lambda: strategy)


def maybe(strategy):
    return st.none() | strategy


def tuples(strategy, least=0, most=3, unique_by=None):
    return st.lists(strategy, min_size=least, max_size=most, unique_by=unique_by).map(tuple)


def as_text(text: str) -> Text:
    """A literal that is quoted exactly where it could not stand without quotes."""
    return Text(text=text, quoted=flow(Plain(text)) != text)


def as_quoted_number(text: str) -> Text:
    return Text(text=text, quoted=True)


names = named("abn_1")
columns = st.sampled_from(["customer_id", "amount", "Order Total", "null", "1st", "x: y"])
words = st.text(max_size=8) | st.sampled_from(["US", "on", "1.10", "0123", "2026-01-01", "22:00"])
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
single_spans = st.builds(p.CalendarSpan, unit=units, last=st.integers(-4, 0))
long_spans = st.builds(
    p.CalendarSpan,
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
    st.builds(p.Within, duration=durations)
    | ordered_pair(p.Ago, Duration(count=90, unit="d"), Duration(count=30, unit="d"))
    | st.builds(p.Fixed, since=moments)
    | st.builds(p.Fixed, until=moments)
    | st.builds(
        p.Fixed,
        since=st.just(DatePoint(date=date(2026, 1, 1))),
        until=st.just(DatePoint(date=date(2026, 2, 1))),
    )
    | st.builds(p.InCalendar, span=spans)
)
event_names = tuples(names, 1, 2, unique_by=lambda name: name)
one_event = tuples(names, 1, 1)
COUNTED = ("count",)
OF_PROPERTY = ("sum", "avg", "min", "max", "mode", "count_distinct", "first", "last")
OF_TIME = ("first_time", "last_time")


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
    return st.one_of(found)


fields = st.builds(p.FieldFeature, field=names)
properties = st.builds(p.PropertyFeature, property=names)

# --- operators -------------------------------------------------------------------------------

count_tests = st.builds(
    p.CountTest,
    op=st.sampled_from(["at_least", "at_most", "exactly", "more_than", "fewer_than"]),
    count=st.integers(1, 50),
)


def op_of(operator) -> str:
    match operator:
        case p.Among(negated=negated):
            return "not_in" if negated else "in"
        case p.Compare(op=op) | p.TextMatch(op=op) | p.ListMatch(op=op) | p.CountTest(op=op):
            return op
        case p.MomentTest(op=op):
            return op
    return type(operator).__name__


counts = tuples(count_tests, 1, 2, unique_by=op_of)
scaled = opaque(
    st.builds(
        p.Scaled,
        feature=fields | aggregates(st.nothing(), ("count", "sum", "avg")),
        times=maybe(factors),
    )
)
comparisons = st.builds(
    p.Compare,
    op=st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]),
    right=literals | scaled,
)
value_operators = opaque(
    comparisons
    | st.builds(p.Among, values=tuples(literals, 1), negated=st.booleans())
    | st.builds(p.Between, low=st.just(as_text("1")), high=st.just(as_text("20")))
    | st.builds(p.Exists, expected=st.booleans())
    | st.builds(
        p.TextMatch, op=st.sampled_from(["contains", "starts_with", "ends_with"]), text=words
    )
    | st.builds(p.TextMatch, op=st.just("matches"), text=st.sampled_from(["a+b", r"^\d{3}$"]))
    | st.builds(
        p.ListMatch,
        op=st.sampled_from(["has_any", "has_all", "has_none"]),
        values=tuples(literals, 1),
    )
    | st.builds(
        p.Size,
        tests=tuples(
            st.builds(
                p.Compare,
                op=st.sampled_from(["eq", "gt", "gte", "lt"]),
                right=st.integers(0, 9).map(str).map(as_text),
            ),
            1,
            2,
            unique_by=op_of,
        ),
    )
)
instant_operators = opaque(
    st.builds(p.MomentTest, op=st.sampled_from(["before", "after"]), moment=moments)
    | st.builds(p.InLast, duration=durations)
    | st.builds(p.OlderThan, duration=durations)
    | st.builds(p.InNext, duration=durations)
    | ordered_pair(p.Ahead, Duration(count=30, unit="d"), Duration(count=90, unit="d"))
    | st.just(p.Anniversary())
    | st.builds(p.Anniversary, start_days=st.integers(-9, 0), end_days=st.integers(1, 9))
    | st.builds(p.Anniversary, month=st.integers(1, 12), day=st.integers(1, 28))
)
# since, until and calendar choose events in event forms, so they test only stored values.
stored_operators = opaque(
    value_operators
    | instant_operators
    | st.builds(p.MomentTest, op=st.sampled_from(["since", "until"]), moment=moments)
    | st.builds(p.OnCalendar, span=spans)
)


def operators(strategy):
    return tuples(strategy, 1, 2, unique_by=op_of)


# --- predicates ------------------------------------------------------------------------------


def tests(where):
    """Tests of fields and of aggregates, each with the operators that it takes."""
    zone = {"user_zone": st.booleans()}
    plain = {"window": maybe(windows), "where": maybe(where)}
    counted = st.builds(p.Aggregate, kind=st.just("count"), events=event_names, **plain)
    distinct = aggregates(where, ("count_distinct",))
    valued = aggregates(where, ("sum", "avg", "min", "max", "mode", "first", "last"))
    timed = aggregates(where, OF_TIME)
    never = (p.CountTest(op="exactly", count=0),)
    return (
        st.builds(
            p.Test,
            feature=fields,
            operators=operators(stored_operators),
            ignore_case=st.booleans(),
            **zone,
        )
        | st.builds(p.Test, feature=counted, operators=counts | st.just(never))
        | st.builds(p.Test, feature=distinct, operators=counts)
        | st.builds(p.Test, feature=valued, operators=operators(value_operators))
        | st.builds(p.Test, feature=timed, operators=operators(instant_operators))
    )


inside_events = opaque(
    st.recursive(
        st.builds(
            p.Test,
            feature=properties | fields,
            operators=operators(stored_operators),
            user_zone=st.booleans(),
        ),
        lambda inner: st.builds(p.All, items=tuples(inner, 1)) | st.builds(p.Not, item=inner),
        max_leaves=3,
    )
)
steps = st.builds(
    p.Step,
    events=event_names,
    where=maybe(inside_events),
    max_gap=maybe(durations),
    in_last=maybe(durations),
)
absent_steps = st.builds(
    p.Step, events=event_names, absent=st.just(True), where=maybe(inside_events), for_=durations
)
sequences = opaque(
    st.builds(
        p.Sequence,
        steps=st.tuples(steps, absent_steps, steps)
        | st.tuples(absent_steps, steps)
        | st.tuples(steps),
        span=maybe(durations),
        window=maybe(windows),
        by=st.just(()) | st.just((("a", "x"), ("b", "y"))),
        user_zone=st.booleans(),
    )
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
        last=st.just(60),
        holds=counts,
        skip_current=st.booleans(),
    )


leaves = opaque(
    st.just(p.Everyone())
    | tests(inside_events)
    | periods()
    | st.builds(
        p.EventHas,
        which=st.sampled_from(["first", "last"]),
        aggregate=st.builds(
            p.Aggregate,
            kind=st.shared(st.sampled_from(["first", "last"]), key="which"),
            events=event_names,
            where=maybe(inside_events),
            window=maybe(windows),
        ),
        has=inside_events,
    ).map(
        lambda node: p.EventHas(which=node.aggregate.kind, aggregate=node.aggregate, has=node.has)
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

# --- catalog ---------------------------------------------------------------------------------

urls = st.sampled_from(["warehouse.duckdb", "postgresql://host:5432/db"]) | st.builds(
    SecretRef, name=st.sampled_from(["WAREHOUSE_URL", "OTHER_URL"])
)
sources = st.builds(
    c.Source,
    name=names,
    engine=st.sampled_from(["duckdb", "sqlite", "postgres", "elasticsearch"]),
    url=urls,
    replica=maybe(
        st.builds(
            c.Replica,
            url=urls,
            max_lag=maybe(durations),
            fallback=st.sampled_from(["refuse", "primary"]),
        )
    ),
    limits=maybe(
        st.builds(
            c.Limits,
            concurrency=st.integers(1, 9),
            timeout=maybe(durations),
            rows=maybe(st.integers(1, 10**6)),
            windows=tuples(st.sampled_from(["01:00-06:00", "22:00-23:30"]), most=1),
        )
    ),
) | st.builds(
    c.Source,
    name=names,
    engine=st.just("duckdb"),
    tables=tuples(
        st.tuples(names, st.sampled_from(["data/purchases.parquet", "x/y z.parquet"])),
        1,
        unique_by=lambda pair: pair[0],
    ),
)
value_types = st.sampled_from(
    [STRING, INTEGER, decimal_type(18, 2), parse_type("list<string>"), parse_type("timestamp")]
)
locations = st.builds(
    c.Location,
    source=names,
    table=names,
    key=columns,
    column=columns,
    path=tuples(words.filter(bool), 1, 2) | st.just(()),
)
catalog_fields = opaque(
    st.builds(
        c.Field,
        name=names,
        type=value_types,
        at=tuples(locations, 1, 2, unique_by=lambda place: place.source),
        history=maybe(
            st.builds(
                c.History, source=names, table=names, key=columns, time=columns, column=columns
            )
        ),
        pii=st.booleans(),
    )
    | st.builds(
        c.Field,
        name=names,
        type=st.just(ValueType(name="decimal", precision=18, scale=2)),
        derived=aggregates(inside_events, ("count", "sum", "last_time")),
    )
)
entities = st.builds(
    c.Entity,
    name=names,
    key_type=st.just("integer"),
    population=st.builds(
        c.Population,
        source=names,
        table=names,
        key=columns,
        since=maybe(columns),
        where=maybe(tests(inside_events)),
    ),
    timezone_field=maybe(names),
    timezone_default=maybe(st.sampled_from(["UTC", "Asia/Shanghai"])),
    fields=tuples(catalog_fields, unique_by=lambda field: field.name),
)
events = st.builds(
    c.Event,
    name=names,
    entities=tuples(st.tuples(names, columns), 1, 2, unique_by=lambda pair: pair[0]),
    at=st.builds(
        c.EventTable,
        source=names,
        table=names,
        time=columns,
        id=maybe(st.builds(c.EventId, column=columns, type=st.sampled_from(["integer", "string"]))),
        unique=st.booleans(),
        version=maybe(columns),
        arrived=maybe(columns),
        lateness=maybe(durations),
        when=tuples(
            st.builds(c.ColumnTest, column=columns, values=tuples(words, 1))
            | st.builds(c.ColumnTest, column=columns, starts_with=words),
            most=2,
            unique_by=lambda test: test.column,
        ),
    ),
    properties=tuples(
        st.builds(c.Property, name=names, type=value_types, column=columns),
        unique_by=lambda prop: prop.name,
    ),
    stream=maybe(
        st.builds(
            c.Stream, topic=st.just("shop.purchases"), format=st.sampled_from(["canal", "track"])
        )
    ),
)
relations = st.builds(
    c.Relation, name=names, from_entity=names, from_column=columns, to_entity=names
)

# --- segments, channels, offers --------------------------------------------------------------

crons = st.sampled_from(["0 2 * * *", "*/5 * * * 1-5"])
zones = maybe(st.sampled_from(["UTC", "Asia/Shanghai"]))
segments = st.builds(
    Segment,
    name=names,
    entity=names,
    where=predicates,
    description=maybe(words.filter(bool)),
    owner=maybe(words.filter(bool)),
    mode=st.sampled_from(["dynamic", "static"]),
    refresh=st.builds(Every, duration=durations)
    | st.builds(Cron, expression=crons, timezone=zones)
    | st.just(OnStream()),
    protect=st.builds(
        Protect,
        max_change=maybe(percents),
        max_size=maybe(st.integers(1, 10**7)),
        prevent_destroy=st.booleans(),
    ),
)
rates = st.builds(Rate, count=st.integers(1, 1000), per=st.sampled_from(["s", "min", "h", "d"]))
channels = st.builds(
    Channel,
    name=names,
    kind=st.just("webhook"),
    settings=st.sampled_from(
        [
            SettingMap(items=()),
            SettingMap(items=(("url", "https://example.com/hook"),)),
            SettingMap(
                items=(
                    ("url", SecretRef(name="HOOK_URL")),
                    ("headers", SettingMap(items=(("X-Team", "growth"),))),
                )
            ),
        ]
    ),
    rate=maybe(rates),
    idempotency=st.sampled_from(["native", "none"]),
    live_environments=tuples(names, unique_by=lambda name: name),
)
offers = st.builds(
    Offer,
    name=names,
    codes=st.builds(CodesFromFile, path=st.just("codes/five_off.csv"))
    | st.builds(GeneratedCodes, pattern=st.just("FIVE-********"), count=st.integers(1, 10**6)),
    expires=maybe(durations),
    value=maybe(percents),
)

# --- rules -----------------------------------------------------------------------------------

late = {
    "misfire": st.sampled_from(["skip", "latest", "all"]),
    "catch_up": durations,
    "overlap": st.sampled_from(["skip", "buffer_one", "allow_all"]),
}
triggers = (
    st.builds(
        r.CronTrigger,
        cron=crons,
        timezone=zones | st.just("user"),
        gap=st.sampled_from(["shift", "skip"]),
        fold=st.sampled_from(["first", "last", "both"]),
        **late,
    )
    | st.builds(r.RruleTrigger, rrule=st.just("FREQ=DAILY;COUNT=3"), timezone=zones, **late)
    | st.builds(r.EveryTrigger, every=durations, **late)
    | st.builds(r.AtTrigger, at=moments)
    | st.builds(r.TransitionTrigger, kind=st.sampled_from(["entered", "exited"]))
    | st.builds(r.EventTrigger, event=names, where=maybe(inside_events), key=maybe(names))
)
actions = opaque(
    st.builds(
        r.Action,
        channel=names,
        offer=maybe(names),
        template=maybe(st.just("winback.j2")),
    )
)
sends = opaque(tuples(actions, 1, 2))
rule_steps = opaque(
    st.recursive(
        st.builds(r.SendStep, send=sends)
        | st.builds(r.WaitStep, wait=durations)
        | st.builds(r.WaitUntilStep, until=tests(inside_events), at_most=durations),
        lambda inner: st.builds(
            r.IfStep,
            condition=tests(inside_events),
            then=tuples(inner, 1),
            otherwise=tuples(inner),
        ),
        max_leaves=4,
    )
)
variants = st.builds(r.Variant, name=names, send=sends, weight=st.integers(1, 9))
deliveries = (
    sends.map(lambda send: {"send": send})
    | tuples(variants, 2, 3, unique_by=lambda variant: variant.name).map(
        lambda arms: {"variants": arms}
    )
    | tuples(rule_steps, 1).map(lambda found: {"steps": found})
)
rule_parts = st.fixed_dictionaries(
    {"name": names, "segment": names, "trigger": triggers},
    optional={
        "where": tests(inside_events),
        "active_from": st.just(DatePoint(date=date(2026, 1, 1))),
        "active_until": st.just(InstantPoint(instant=Instant(1_790_000_000_000))),
        "kind": st.sampled_from(["marketing", "transactional"]),
        "re_entry": durations | st.sampled_from(["never", "always"]),
        "enrol": st.sampled_from(["new", "existing"]),
        "holdout": percents,
        "consent": names,
        "caps": tuples(
            st.builds(
                r.Cap,
                at_most=st.integers(1, 9),
                per=durations,
                window=st.sampled_from(["rolling", "calendar"]),
                scope=st.sampled_from(["rule", "channel", "all"]),
                when_full=st.sampled_from(["drop", "defer"]),
            ),
            1,
        ),
        "quiet_hours": st.builds(
            r.QuietHours,
            start=st.just("22:00"),
            end=st.just("08:00"),
            timezone=zones | st.just("user"),
            then=st.sampled_from(["defer", "drop"]),
        ),
        "throttle": rates,
        "budget": st.builds(
            r.Budget,
            coupons=st.integers(1, 10**6),
            cost=maybe(percents),
            per=st.sampled_from(["run", "day", "total"]),
        ),
        "max_recipients": st.integers(1, 10**6),
        "priority": st.integers(0, 100),
        "goal": st.builds(r.Goal, event=names, window=durations, value=maybe(names)),
        "description": words.filter(bool),
        "owner": words.filter(bool),
    },
)
rules = st.builds(lambda parts, delivery: r.Rule(**parts, **delivery), rule_parts, deliveries)

KINDS = {
    "source": sources,
    "entity": entities,
    "event": events,
    "relation": relations,
    "segment": segments,
    "channel": channels,
    "offer": offers,
    "rule": rules,
}
objects = st.one_of(*KINDS.values())
