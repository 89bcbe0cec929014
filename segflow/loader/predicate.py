"""Predicates: every head of the language, each read into its node of the model."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal

from segflow.loader.events import EVENTS, RANKED, RIGHT, WHERE, algebra, value_test
from segflow.loader.findings import Findings
from segflow.loader.heads import Headed, Named
from segflow.loader.leaves import EVENT_LEAVES
from segflow.loader.nodes import MapNode, Node, Scalar
from segflow.loader.operators import AT_LEAST_ONE, COUNT_HINTS, COUNT_KEYS, COUNT_OPS, counts_of
from segflow.loader.shapes import ByNode, Key, ListOf, MapOf, Mapped, Record, Shape, Slot, Values
from segflow.loader.slots import (
    DURATION,
    LITERAL,
    NAME,
    PERCENT,
    PROJECT_PATH,
    TEXT,
    TRUE,
    choice,
    integer,
)
from segflow.loader.windows import WINDOW_KEYS, WINDOWS_APART, is_local, window_of
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
    Sequence,
    Sql,
    Step,
    Transition,
    Via,
)

PREDICATE: Shape[Predicate] = Named("predicate", lambda: _predicate())

FIELD_TEST = value_test("field", lambda name: FieldFeature(field=name), RIGHT)

# --- sequences -------------------------------------------------------------------------------


def _step(values: Values, node: MapNode, found: Findings) -> Step:
    return Step(
        events=values["did"],
        where=values.get("where"),
        max_gap=values.get("max_gap"),
        in_last=values.get("in_last"),
    )


def _absence(values: Values, node: MapNode, found: Findings) -> Step:
    return Step(
        events=values["did_not"],
        absent=True,
        where=values.get("where"),
        for_=values.get("for"),
    )


STEP: Shape[Step] = Headed(
    what="a step",
    heads={
        "did": Record(
            what="a step",
            keys={
                "did": Key(EVENTS, required=True),
                "where": WHERE,
                "max_gap": Key(DURATION, doc="At most so long after the step before"),
                "in_last": Key(DURATION, doc="The step's own instant is so recent"),
            },
            build=_step,
            hints={
                "within": "write `in_last` for this step alone, or `within` beside `sequence`",
                "for": "`for` belongs to did_not; a longest distance is `max_gap`",
            },
        ),
        "did_not": Record(
            what="a step of absence",
            keys={
                "did_not": Key(EVENTS, required=True),
                "where": WHERE,
                "for": Key(DURATION, doc="How long nothing happens before or after a step"),
            },
            build=_absence,
            hints=dict.fromkeys(("within", "max_gap", "in_last"), "write `for`"),
        ),
    },
    example="{did: cart_add}",
)


def _sequence(values: Values, node: MapNode, found: Findings) -> Predicate:
    steps: tuple[Step, ...] = values["sequence"]
    items = node.entries["sequence"][1]
    _check_steps(steps, items, found)
    window = window_of(values, node, found)
    return Sequence(
        steps=steps,
        span=values.get("span"),
        window=window,
        by=values.get("by", ()),
        user_zone="timezone" in values and is_local(window),
    )


def _check_steps(steps: tuple[Step, ...], node: Node, found: Findings) -> None:
    positive = [index for index, step in enumerate(steps) if not step.absent]
    if not positive:
        help = "begin from a step that happens: {did: …}"
        found.error("VAL007", "a sequence needs a step that happens", node, help=help)
        return
    first, last = positive[0], positive[-1]
    items = getattr(node, "items", [])
    for index, step in enumerate(steps):
        if step.absent and step.for_ is None and not first < index < last:
            summary = "an absence at the beginning or the end of a sequence needs `for`"
            help = "for: 1d says how long nothing happens before the next or after the last step"
            found.error("VAL007", summary, items[index], help=help)
    if steps[first].max_gap is not None:
        gap = items[first].entries["max_gap"][0]
        found.error("VAL007", "the first step has no step before it", gap, help="remove max_gap")


_TIED = MapOf("events and their properties", NAME, NAME)
SEQUENCE: Shape[Predicate] = Record(
    what="`sequence`",
    keys={
        "sequence": Key(ListOf("steps", STEP), required=True),
        "span": Key(DURATION, doc="From the first step to the last at most so long"),
        "by": Key(_TIED, doc="Ties the steps to one value of these properties"),
        **WINDOW_KEYS,
    },
    build=_sequence,
    apart=WINDOWS_APART,
    hints={"same": "in a sequence write `by`"},
)


def _same(values: Values, node: MapNode, found: Findings) -> Predicate:
    counts = counts_of(values) or AT_LEAST_ONE
    return Same(by=values["same"], where=values["where"], counts=counts)


SAME: Shape[Predicate] = Record(
    what="`same`",
    keys={
        "same": Key(_TIED, required=True),
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

Bounds = tuple[Literal["percent", "count"], Decimal, Decimal]
"""Unit, low and high."""


def _bound(node: Scalar) -> Bounds:
    if node.text.endswith("%"):
        return "percent", Decimal(0), PERCENT.parse(node)
    return "count", Decimal(0), Decimal(_POSITIONS.parse(node))


_POSITIONS = integer(least=0)
_BOUND: Slot[Bounds] = Slot(
    "10%, or a number of users", _bound, {"anyOf": [PERCENT.json, _POSITIONS.json]}
)


class _BoundsShape(Shape[Bounds]):
    """One bound, or [low, high] of one unit."""

    pair = ListOf("bounds, low and high", _BOUND, least=2, most=2)

    def read(self, node: Node, found: Findings) -> Bounds | None:
        if isinstance(node, Scalar):
            single = _BOUND.read(node, found)
            pair = None if single is None else ((single[0], Decimal(0), Decimal(0)), single)
        else:
            pair = self.pair.read(node, found)  # type: ignore[assignment]
        if pair is None:
            return None
        (unit, _, low), (other, _, high) = pair
        if unit != other:
            found.error("VAL008", "one bound is in percent, the other is not", node)
        elif low >= high:
            help = "write [low, high], high the greater one"
            found.error("VAL002", "nobody stands between these bounds", node, help=help)
        else:
            return unit, low, high
        return None

    def schema(self, defs: dict[str, object]) -> dict[str, object]:
        by_node = ByNode("bounds", scalar=_BOUND, items=self.pair)  # type: ignore[arg-type]
        return by_node.schema(defs)


def _rank(values: Values, node: MapNode, found: Findings) -> Predicate:
    side: Literal["top", "bottom"] = "top" if "top" in values else "bottom"
    unit, low, high = values[side]
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
        "top": Key(_BoundsShape()),
        "bottom": Key(_BoundsShape()),
        "among": Key(PREDICATE, doc="Who is ranked; everyone who has the value otherwise"),
    },
    build=_rank,
    one_of=(("top", "bottom"),),
    example="{rank: {sum: purchase.amount}, top: 10%}",
)


class _PercentRange(Shape[tuple[Decimal, Decimal]]):
    """10%, or [10%, 20%]."""

    pair = ListOf("percentages, low and high", PERCENT, least=2, most=2)

    def read(self, node: Node, found: Findings) -> tuple[Decimal, Decimal] | None:
        if isinstance(node, Scalar):
            high = PERCENT.read(node, found)
            pair = None if high is None else (Decimal(0), high)
        else:
            pair = self.pair.read(node, found)  # type: ignore[assignment]
        if pair is not None and pair[0] >= pair[1]:
            help = "write [low, high], high the greater one"
            found.error("VAL002", "nobody falls between these bounds", node, help=help)
            return None
        return pair

    def schema(self, defs: dict[str, object]) -> dict[str, object]:
        by_node = ByNode("percentages", scalar=PERCENT, items=self.pair)  # type: ignore[arg-type]
        return by_node.schema(defs)


def _sample(values: Values, node: MapNode, found: Findings) -> Predicate:
    low, high = values["sample"]
    return Sample(low=low, high=high, salt=values.get("salt"))


SAMPLE: Shape[Predicate] = Record(
    what="`sample`",
    keys={"sample": Key(_PercentRange(), required=True), "salt": Key(TEXT)},
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


class _ListPath(Shape[str]):
    """The path of a list; remembered, so that the file is read once all objects are known."""

    def read(self, node: Node, found: Findings) -> str | None:
        path = PROJECT_PATH.read(node, found)
        if path is not None and isinstance(node, Scalar):
            found.lists.append((path, node))
        return path

    def schema(self, defs: dict[str, object]) -> dict[str, object]:
        return PROJECT_PATH.schema(defs)


def _simple(
    head: str,
    shape: Shape[str],
    make: Callable[[Values], Predicate],
    others: Mapping[str, Key] | None = None,
) -> Shape[Predicate]:
    """A leaf that is its head and keys that must stand."""
    return Record(
        what=f"`{head}`",
        keys={head: Key(shape, required=True), **(others or {})},
        build=lambda values, node, found: make(values),
    )


def _everyone() -> Shape[Predicate]:
    return Mapped(
        Record(
            what="`everyone`",
            keys={"everyone": Key(TRUE, required=True)},
            build=lambda values, node, found: True,
        ),
        lambda _: Everyone(),
    )


def _predicate() -> Shape[Predicate]:
    return Headed(what="a predicate", heads=HEADS, example="{did: purchase}", instead=INSTEAD)


HEADS: Mapping[str, Shape[Predicate]] = {
    **algebra(PREDICATE),
    "everyone": _everyone(),
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
    "in_file": _simple("in_file", _ListPath(), lambda values: InFile(path=values["in_file"])),
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
    "and": "write `all`",
    "or": "write `any`",
    "event": "write `did`",
    "property": "`property` stands only in the `where` of an event; a user's value is a `field`",
    "context": "values of a request exist only in placements",
    "list": "write `in_file`",
    "rule": "write `segment` or `did`",
}
