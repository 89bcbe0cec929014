"""Sequences: steps in order of time, and what does not happen around them."""

from segflow.loader.features import EVENTS, WHERE
from segflow.loader.findings import Findings
from segflow.loader.heads import Headed
from segflow.loader.nodes import MapNode, Node
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ListOf, MapOf, Shape
from segflow.loader.slots import NAME
from segflow.loader.times import DURATION
from segflow.loader.windows import WINDOW_KEYS, WINDOWS_APART, is_calendar, is_local, window_of
from segflow.model.predicate import Predicate, Sequence, Step


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
    stand_in=Step(events=()),
)


def _sequence(values: Values, node: MapNode, found: Findings) -> Predicate:
    steps: tuple[Step, ...] = values["sequence"]
    items = node.entries["sequence"][1]
    if found.is_sound(items):
        _check_steps(steps, items, found)
    window = window_of(values, node, found)
    local = is_local(window) or any(is_calendar(step.in_last) for step in steps)
    return Sequence(
        steps=steps,
        span=values.get("span"),
        window=window,
        by=values.get("by", ()),
        user_zone="timezone" in values and local,
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


TIED = MapOf("events and their properties", NAME, NAME)
SEQUENCE: Shape[Predicate] = Record(
    what="`sequence`",
    keys={
        "sequence": Key(ListOf("steps", STEP), required=True),
        "span": Key(DURATION, doc="From the first step to the last at most so long"),
        "by": Key(TIED, doc="Ties the steps to one value of these properties"),
        **WINDOW_KEYS,
    },
    build=_sequence,
    apart=WINDOWS_APART,
    hints={"same": "in a sequence write `by`"},
)
