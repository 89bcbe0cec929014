"""Predicates: every head of the language, each read into its node of the model."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal

from segflow.loader.event_predicate import algebra, value_test
from segflow.loader.features import RANKED, RIGHT
from segflow.loader.findings import Findings
from segflow.loader.heads import Headed, Named
from segflow.loader.leaves import EVENT_LEAVES
from segflow.loader.nodes import MapNode, Node, Scalar
from segflow.loader.operators import AT_LEAST_ONE, COUNT_HINTS, COUNT_KEYS, COUNT_OPS, counts_of
from segflow.loader.ranges import BOUNDS, PERCENT_RANGE
from segflow.loader.records import Key, Record, Values
from segflow.loader.sequences import SEQUENCE, TIED
from segflow.loader.shapes import Checked, Shape
from segflow.loader.slots import LITERAL, NAME, PROJECT_PATH, TEXT, TRUE, choice
from segflow.loader.times import DURATION
from segflow.loader.windows import WINDOW_KEYS
from segflow.model.predicate import (
    Changed,
    Consent,
    Everyone,
    FieldFeature,
    Held,
    InFile,
    InSegment,
    Members,
    Predicate,
    Rank,
    Reachable,
    Same,
    Sample,
    Sql,
    Transition,
    Via,
)

PREDICATE: Shape[Predicate] = Named("predicate", lambda: _predicate())

FIELD_TEST = value_test(
    "field",
    lambda name: FieldFeature(field=name),
    RIGHT,
    hints={"for": "what lasts is `held`: {held: {field: plan, eq: trial}, for: 14d}"},
)

# --- over other predicates -------------------------------------------------------------------


def _same(values: Values, node: MapNode, found: Findings) -> Predicate:
    counts = counts_of(values) or AT_LEAST_ONE
    return Same(by=values["same"], where=values["where"], counts=counts)


SAME: Shape[Predicate] = Record(
    what="`same`",
    keys={
        "same": Key(TIED, required=True),
        "where": Key(PREDICATE, required=True, doc="What holds on the events of one value"),
        **COUNT_KEYS,
    },
    build=_same,
    hints=COUNT_HINTS,
    example="{same: {view: sku, purchase: sku}, where: {…}}",
)

# --- history ---------------------------------------------------------------------------------


def _in_segment(values: Values, node: MapNode, found: Findings) -> Predicate:
    return InSegment(segment=values["segment"], snapshot="as" in values)


IN_SEGMENT: Shape[Predicate] = Record(
    what="`segment`",
    keys={
        "segment": Key(NAME, required=True),
        "as": Key(choice("snapshot"), doc="Its last snapshot instead of its members now"),
    },
    build=_in_segment,
    hints={
        **dict.fromkeys(
            ("within", "in_last"), "to ask who came or went write `entered` or `exited`"
        ),
        "for": "what lasts is `held`: {held: {segment: vip}, for: 30d}",
    },
)


def _held(values: Values, node: MapNode, found: Findings) -> Predicate:
    return Held(item=values["held"], for_=values["for"])


HELD: Shape[Predicate] = Record(
    what="`held`",
    keys={
        "held": Key(
            Headed(
                what="what is held",
                heads={"field": FIELD_TEST, "segment": IN_SEGMENT},
                example="{field: plan, eq: trial}",
                stand_in=Everyone(),
            ),
            required=True,
        ),
        "for": Key(DURATION, required=True),
    },
    build=_held,
    example="{held: {field: plan, eq: trial}, for: 14d}",
)


def _changed(values: Values, node: MapNode, found: Findings) -> Predicate:
    return Changed(
        field=values["changed"],
        old=values.get("from"),
        new=values.get("to"),
        in_last=values.get("in_last"),
    )


CHANGED: Shape[Predicate] = Record(
    what="`changed`",
    keys={
        "changed": Key(NAME, required=True),
        "from": Key(LITERAL),
        "to": Key(LITERAL),
        "in_last": Key(DURATION),
    },
    build=_changed,
    hints={"within": "to test when it changed write `in_last`"},
)


def _transition(kind: Literal["entered", "exited"]) -> Shape[Predicate]:
    return Record(
        what=f"`{kind}`",
        keys={kind: Key(NAME, required=True), "in_last": Key(DURATION)},
        build=lambda values, node, found: Transition(
            kind=kind, segment=values[kind], in_last=values.get("in_last")
        ),
        hints={"within": "to test when it happened write `in_last`"},
    )


# --- rank and sample -------------------------------------------------------------------------


def _rank(values: Values, node: MapNode, found: Findings) -> Predicate:
    side: Literal["top", "bottom"] = "top" if "top" in values else "bottom"
    unit, low, high = values.get(side, ("percent", Decimal(0), Decimal(0)))
    return Rank(
        feature=values["rank"],
        side=side,
        unit=unit,
        low=low,
        high=high,
        among=values.get("among"),
    )


RANK: Shape[Predicate] = Record(
    what="`rank`",
    keys={
        "rank": Key(RANKED, required=True),
        "top": Key(BOUNDS),
        "bottom": Key(BOUNDS),
        "among": Key(PREDICATE, doc="Who is ranked; everyone who has the value otherwise"),
    },
    build=_rank,
    one_of=(("top", "bottom"),),
    hints=dict.fromkeys(WINDOW_KEYS, "a window belongs to what is ranked: put it into `rank`"),
    example="{rank: {sum: purchase.amount}, top: 10%}",
)


def _sample(values: Values, node: MapNode, found: Findings) -> Predicate:
    low, high = values["sample"]
    return Sample(low=low, high=high, salt=values.get("salt"))


SAMPLE: Shape[Predicate] = Record(
    what="`sample`",
    keys={"sample": Key(PERCENT_RANGE, required=True), "salt": Key(TEXT)},
    build=_sample,
)

# --- related entities, files and the rest ----------------------------------------------------


def _members(values: Values, node: MapNode, found: Findings) -> Predicate:
    every = values.get("every", False)
    return Members(
        entity=values["members"],
        where=values["where"],
        counts=() if every else counts_of(values) or AT_LEAST_ONE,
        every=every,
    )


MEMBERS: Shape[Predicate] = Record(
    what="`members`",
    keys={
        "members": Key(NAME, required=True),
        "where": Key(PREDICATE, required=True),
        "every": Key(TRUE, doc="All of them, and there is one"),
        **COUNT_KEYS,
    },
    build=_members,
    apart=tuple(("every", op) for op in COUNT_OPS),
    hints=COUNT_HINTS,
)


def _remembered(path: str, node: Node, found: Findings) -> str:
    """Note the list: its file is read once all objects are known."""
    if isinstance(node, Scalar):
        found.lists.append((path, node))
    return path


def _simple(
    head: str,
    shape: Shape[object],
    make: Callable[[Values], Predicate],
    others: Mapping[str, Key] | None = None,
) -> Shape[Predicate]:
    """A leaf that is its head and keys that must stand."""
    return Record(
        what=f"`{head}`",
        keys={head: Key(shape, required=True), **(others or {})},
        build=lambda values, node, found: make(values),
    )


def _predicate() -> Shape[Predicate]:
    return Headed(
        what="a predicate",
        heads=HEADS,
        example="{did: purchase, within: 7d} or {field: country, eq: US}",
        instead=INSTEAD,
        beside="to count write at_least, at_most or exactly; to choose events by time write within",
        plain="to test a field write {{field: {}, …}}",
        name="predicate",
        stand_in=Everyone(),
    )


HEADS: Mapping[str, Shape[Predicate]] = {
    **algebra(PREDICATE),
    "everyone": _simple("everyone", TRUE, lambda values: Everyone()),
    "field": FIELD_TEST,
    **EVENT_LEAVES,
    "sequence": SEQUENCE,
    "same": SAME,
    "held": HELD,
    "changed": CHANGED,
    "rank": RANK,
    "segment": IN_SEGMENT,
    "entered": _transition("entered"),
    "exited": _transition("exited"),
    "in_file": _simple(
        "in_file", Checked(PROJECT_PATH, _remembered), lambda values: InFile(path=values["in_file"])
    ),
    "sample": SAMPLE,
    "via": _simple(
        "via",
        NAME,
        lambda values: Via(relation=values["via"], where=values["where"]),
        {"where": Key(PREDICATE, required=True)},
    ),
    "members": MEMBERS,
    "consent": _simple("consent", NAME, lambda values: Consent(topic=values["consent"])),
    "reachable": _simple("reachable", NAME, lambda values: Reachable(address=values["reachable"])),
    "sql": _simple(
        "sql",
        TEXT,
        lambda values: Sql(query=values["sql"], source=values["source"]),
        {"source": Key(NAME, required=True)},
    ),
}
"""Every head key of a predicate."""

INSTEAD: Mapping[str, str] = {
    "and": "all",
    "or": "any",
    "event": "did",
    "property": "`property` stands only in the `where` of an event; a user's value is a `field`",
    "context": "values of a request exist only in placements",
    "everybody": "everyone",
    "list": "in_file",
    "in_list": "in_file",
    "rule": "write `segment` or `did`",
}
