"""Reads segments."""

from segflow.loader.cron import CRON
from segflow.loader.findings import Findings
from segflow.loader.heads import Headed
from segflow.loader.nodes import MapNode, Scalar, shorten
from segflow.loader.operators import COMPARE_OPS, COUNT_OPS
from segflow.loader.predicate import HEADS, PREDICATE
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ByNode, MapOf, Misfit, Shape, Slot
from segflow.loader.slots import BOOLEAN, NAME, PERCENT, TEXT, choice, integer
from segflow.loader.times import DURATION, ZONE
from segflow.loader.trial import TESTS
from segflow.loader.windows import WINDOW_KEYS
from segflow.model.segment import (
    DEFAULT_REFRESH,
    Cron,
    Every,
    OnStream,
    Protect,
    Refresh,
    Segment,
)

# --- refresh ---------------------------------------------------------------------------------


def _on_stream(node: Scalar) -> Refresh:
    if node.text == "stream":
        return OnStream()
    raise Misfit(f"`{shorten(node.text)}` is not a refresh", help="write {every: 1h} or stream")


_ON_STREAM: Slot[Refresh] = Slot("stream, or a mapping", _on_stream, {"const": "stream"})
REFRESH: Shape[Refresh] = ByNode(
    "{every: 1h}, {cron: …} or stream",
    scalar=_ON_STREAM,
    mapping=Headed(
        what="a refresh",
        heads={
            "every": Record(
                what="a refresh",
                keys={"every": Key(DURATION, required=True)},
                build=lambda values, node, found: Every(duration=values["every"]),
            ),
            "cron": Record(
                what="a refresh",
                keys={"cron": Key(CRON, required=True), "timezone": Key(ZONE)},
                build=lambda values, node, found: Cron(
                    expression=values["cron"], timezone=values.get("timezone")
                ),
            ),
        },
        example="{every: 1h}",
    ),
    help="write {every: 1h}",
)

# --- segments --------------------------------------------------------------------------------


def _protect(values: Values, node: MapNode, found: Findings) -> Protect:
    return Protect(
        max_change=values.get("max_change"),
        max_size=values.get("max_size"),
        prevent_destroy=values.get("prevent_destroy", False),
    )


PROTECT = Record(
    what="protect",
    keys={
        "max_change": Key(PERCENT, doc="Of the size before; a larger change is refused"),
        "max_size": Key(integer(), doc="Members after the change"),
        "prevent_destroy": Key(BOOLEAN, doc="The segment can't be deleted"),
    },
    build=_protect,
    some_of=(("max_change", "max_size", "prevent_destroy"),),
)


def _segment(values: Values, node: MapNode, found: Findings) -> Segment:
    return Segment(
        name=values["segment"],
        entity=values["entity"],
        where=values["where"],
        description=values.get("description"),
        owner=values.get("owner"),
        mode=values.get("mode", "dynamic"),
        refresh=values.get("refresh", DEFAULT_REFRESH),
        protect=values.get("protect", Protect()),
        read_from=values.get("read_from", ()),
        tests=values.get("tests", ()),
    )


SEGMENT: Shape[Segment] = Record(
    what="a segment",
    keys={
        "segment": Key(NAME, required=True, doc="The name"),
        "description": Key(TEXT, doc="For people"),
        "entity": Key(NAME, required=True, doc="Whom it selects: an entity of the catalog"),
        "owner": Key(TEXT, doc="Who answers for it"),
        "mode": Key(choice("dynamic", "static"), doc="static: frozen at the first apply"),
        "refresh": Key(REFRESH, doc="How often; every hour when left out"),
        "where": Key(PREDICATE, required=True, doc="Who is a member"),
        "protect": Key(PROTECT, doc="Limits beyond which a change is refused"),
        "read_from": Key(
            MapOf("fields or events, and sources", NAME, NAME),
            doc="Where fields and events are read that lie in several sources",
        ),
        "tests": Key(TESTS, doc="Made-up users, and whether each is a member"),
    },
    build=_segment,
    hints=dict.fromkeys(
        {*HEADS, *WINDOW_KEYS, *COUNT_OPS, *COMPARE_OPS, "in", "between"} - {"segment", "timezone"},
        "it belongs into `where`: indent it below that key",
    ),
    example="{segment: lapsed_7d, entity: customer, where: {did_not: purchase, within: 7d}}",
)
