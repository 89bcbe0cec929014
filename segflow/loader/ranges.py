"""Ranges of percent and of positions, for rank and sample."""

from decimal import Decimal
from typing import Literal

from segflow.loader.findings import Findings
from segflow.loader.nodes import Node, Scalar
from segflow.loader.shapes import ByNode, Checked, ListOf, Mapped, Shape, Slot
from segflow.loader.slots import PERCENT, integer

Unit = Literal["percent", "count"]
Bound = tuple[Unit, Decimal]
Bounds = tuple[Unit, Decimal, Decimal]
"""Unit, low and high."""


def _bound(node: Scalar) -> Bound:
    if node.text.endswith("%") or "." in node.text:
        return "percent", PERCENT.parse(node)
    return "count", Decimal(_POSITIONS.parse(node))


_POSITIONS = integer()
_BOUND: Slot[Bound] = Slot(
    "10% or a number of users", _bound, {"anyOf": [PERCENT.json, _POSITIONS.json]}
)


def _bounds(pair: tuple[Bound, ...], node: Node, found: Findings) -> Bounds | None:
    (unit, low), (other, high) = pair
    if unit != other:
        help = "write both in percent, or both as positions"
        found.error("VAL008", "one bound is in percent, the other is not", node, help=help)
    elif low >= high:
        help = "write [low, high], high the greater one"
        found.error("VAL002", "nobody stands between these bounds", node, help=help)
    else:
        return unit, low, high
    return None


_BOUND_PAIR: Shape[tuple[Bound, ...]] = ByNode(
    "10%, a number of users, or [low, high]",
    scalar=Mapped(_BOUND, lambda bound: ((bound[0], Decimal(0)), bound)),
    items=ListOf("bounds, low and high", _BOUND, least=2, most=2),
)
BOUNDS: Shape[Bounds] = Checked(_BOUND_PAIR, _bounds)
"""10%, 1000, [20%, 60%] or [100, 200]."""


def _ascending(
    pair: tuple[Decimal, ...], node: Node, found: Findings
) -> tuple[Decimal, ...] | None:
    if pair[0] < pair[1]:
        return pair
    help = "write [low, high], high the greater one"
    found.error("VAL002", "nobody falls between these bounds", node, help=help)
    return None


_PERCENT_PAIR: Shape[tuple[Decimal, ...]] = ByNode(
    "10% or [10%, 20%]",
    scalar=Mapped(PERCENT, lambda high: (Decimal(0), high)),
    items=ListOf("percentages, low and high", PERCENT, least=2, most=2),
)
PERCENT_RANGE: Shape[tuple[Decimal, ...]] = Checked(_PERCENT_PAIR, _ascending)
"""10%, which begins at 0%, or [10%, 20%]."""
