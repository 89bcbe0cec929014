"""Reads segments."""

import re

from segflow.loader.findings import Findings
from segflow.loader.heads import Headed
from segflow.loader.nodes import MapNode
from segflow.loader.predicate import PREDICATE
from segflow.loader.shapes import ByNode, Key, Mapped, Misfit, Record, Shape, Slot, Values
from segflow.loader.slots import BOOLEAN, DURATION, NAME, PERCENT, TEXT, ZONE, choice, integer
from segflow.model.segment import (
    DEFAULT_REFRESH,
    Cron,
    Every,
    OnStream,
    Protect,
    Refresh,
    Segment,
)

# --- cron ------------------------------------------------------------------------------------

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAYS = "sun mon tue wed thu fri sat".split()
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of the month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_PART = re.compile(r"(?:\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]{1,3}))?\Z", re.ASCII)


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != 5:
        help = 'minute, hour, day, month, weekday: "0 9 * * *" is every day at 09:00'
        raise Misfit(f"a cron expression has five fields, this one has {len(fields)}", help=help)
    for given, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        if not all(_is_part(part, low, high, names) for part in given.lower().split(",")):
            raise Misfit(
                f"`{given}` is not a {name} of cron", help=f"*, or numbers from {low} to {high}"
            )
    return " ".join(fields)


def _is_part(part: str, low: int, high: int, names: list[str]) -> bool:
    match = _PART.match(part)
    if match is None or match[3] == "0" or (match[3] or "").strip("0") == "" and match[3]:
        return False
    ends = [_number(end, low, names) for end in match.groups()[:2] if end is not None]
    return all(end is not None and low <= end <= high for end in ends) and ends == sorted(
        ends, key=lambda end: end or 0
    )


def _number(text: str, low: int, names: list[str]) -> int | None:
    if text in names:
        return names.index(text) + low
    return int(text) if text.isdigit() and len(text) < 4 else None


CRON: Slot[str] = Slot(
    'a cron expression such as "0 9 * * *"', lambda node: _cron(node.text), {"type": "string"}
)

# --- refresh ---------------------------------------------------------------------------------

_ON_STREAM: Shape[Refresh] = Mapped(choice("stream"), lambda _: OnStream())
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
    },
    build=_segment,
    refused={"tests": "tests inside a segment are not read by this version"},
)
