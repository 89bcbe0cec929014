"""Hypothesis strategies for every object that YAML can declare, as the loader builds them."""

from dataclasses import fields, is_dataclass, replace
from datetime import date

from hypothesis import strategies as st

from segflow.model import catalog as c
from segflow.model import rule as r
from segflow.model.channel import Channel, CodesFromFile, GeneratedCodes, Offer, Rate
from segflow.model.contact import (
    ConsentTable,
    ConsentTopic,
    ContactAddress,
    Suppression,
    SuppressionTable,
)
from segflow.model.instant import Instant
from segflow.model.predicate import Aggregate, Test
from segflow.model.scalar import DatePoint, InstantPoint, Text
from segflow.model.segment import Cron, Every, OnStream, Protect, Segment
from segflow.model.settings import SecretRef, SettingMap
from segflow.model.types import INTEGER, STRING, ValueType, decimal_type, parse_type
from tests.model.predicates import (
    aggregates,
    columns,
    durations,
    inside_events,
    maybe,
    moments,
    names,
    opaque,
    percents,
    predicates,
    tests,
    tuples,
    words,
)

said = words.map(str.strip).filter(bool)


def by_name(strategy, name, least=0):
    """What stands in a mapping: each name once, in order of name, as the loader keeps it."""
    found = tuples(strategy, least, unique_by=name)
    return found.map(lambda some: tuple(sorted(some, key=name)))


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
    tables=by_name(
        st.tuples(names, st.sampled_from(["data/purchases.parquet", "x/y z.parquet"])),
        lambda pair: pair[0],
        least=1,
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
    path=tuples(said, 1, 2) | st.just(()),
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
    lambda key, **others: c.Entity(key_type=key[0], ordinals=key[1], **others),
    key=st.sampled_from(
        [("integer", "direct"), ("integer", "dictionary"), ("string", "dictionary")]
    ),
    name=names,
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
    fields=by_name(catalog_fields, lambda field: field.name),
)
events = st.builds(
    c.Event,
    name=names,
    entities=by_name(st.tuples(names, columns), lambda pair: pair[0], least=1),
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
        when=by_name(
            st.builds(c.ColumnTest, column=columns, values=tuples(said, 1))
            | st.builds(c.ColumnTest, column=columns, starts_with=said),
            lambda test: test.column,
        ),
    ),
    properties=by_name(
        st.builds(c.Property, name=names, type=value_types, column=columns),
        lambda prop: prop.name,
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

# --- who may be written to -------------------------------------------------------------------

consents = st.builds(
    ConsentTopic,
    name=names,
    entity=names,
    at=maybe(
        st.builds(
            ConsentTable,
            source=names,
            table=names,
            key=columns,
            granted=columns,
            time=maybe(columns),
            topic=maybe(columns),
        )
    ),
    default=st.sampled_from(["granted", "denied"]),
)
suppression_columns = {name: maybe(columns) for name in ("channel", "reason", "time")}
suppressions = st.builds(
    Suppression,
    name=names,
    entity=names,
    at=maybe(
        st.builds(SuppressionTable, source=names, table=names, key=columns, **suppression_columns)
        | st.builds(
            SuppressionTable, source=names, table=names, address=columns, **suppression_columns
        )
    ),
)
contact_addresses = st.builds(
    ContactAddress, name=names, entity=names, field=maybe(names), topic=maybe(names)
) | st.builds(ContactAddress, name=names, entity=names, at=locations, topic=maybe(names))

# --- segments, channels, offers --------------------------------------------------------------

crons = st.sampled_from(["0 2 * * *", "*/5 * * * 1-5"])
zones = maybe(st.sampled_from(["UTC", "Asia/Shanghai"]))
segments = st.builds(
    Segment,
    name=names,
    entity=names,
    where=predicates,
    description=maybe(said),
    owner=maybe(said),
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
        "description": said,
        "owner": said,
    },
)
rules = st.builds(lambda parts, delivery: r.Rule(**parts, **delivery), rule_parts, deliveries)

KINDS = {
    "source": opaque(sources),
    "entity": opaque(entities),
    "event": opaque(events),
    "relation": opaque(relations),
    "consent": opaque(consents),
    "suppression": opaque(suppressions),
    "address": opaque(contact_addresses),
    "segment": opaque(segments),
    "channel": opaque(channels),
    "offer": opaque(offers),
    "rule": opaque(rules),
}
objects = st.one_of(*KINDS.values())
of_one_kind = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(KINDS[kind], KINDS[kind])
)


def variations(first, second):
    """`first` with one field, at any depth, taken from an object of the same class."""
    for field in fields(first):
        mine, other = getattr(first, field.name), getattr(second, field.name)
        if mine == other:
            continue
        yield replace(first, **{field.name: other})
        if is_dataclass(mine) and type(mine) is type(other) and are_mixed(mine, other):
            for inner in variations(mine, other):
                yield replace(first, **{field.name: inner})


def are_mixed(mine, other):
    """Whether fields may come from both, which takes that each says something of its own. A count
    has no property, one `timezone: user` holds for a test and for its aggregate, and whether a text
    is quoted hangs on the text: there the whole is taken, since no YAML says a mixture."""
    match mine:
        case Aggregate():
            return (mine.kind, mine.user_zone) == (other.kind, other.user_zone)
        case Test():
            alike = type(mine.feature) is type(other.feature) and mine.user_zone == other.user_zone
            return alike and are_mixed(mine.feature, other.feature)
        case Text():
            return False
        case _:
            return True
