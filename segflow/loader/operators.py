"""Operators: the tests that a leaf makes of one value, of a count, or of an instant."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from segflow.loader.findings import Findings
from segflow.loader.heads import Named
from segflow.loader.nodes import MapNode, Node
from segflow.loader.records import Key, Record, Values
from segflow.loader.shapes import ByNode, Checked, ListOf, Mapped, Misfit, Shape, Slot
from segflow.loader.slots import BOOLEAN, LITERAL, PATTERN, integer
from segflow.loader.times import DURATION, MOMENT
from segflow.loader.windows import AHEAD, SPAN
from segflow.model.operator import (
    Among,
    Anniversary,
    Between,
    CountOp,
    CountTest,
    Exists,
    InLast,
    InNext,
    ListMatch,
    ListOp,
    MomentOp,
    MomentTest,
    OlderThan,
    OnCalendar,
    TextMatch,
    TextOp,
)
from segflow.model.predicate import Compare, CompareOp, Operand, Operator, Size
from segflow.model.scalar import Const, Text

COMPARE_OPS: tuple[CompareOp, ...] = ("eq", "ne", "gt", "gte", "lt", "lte")
COUNT_OPS: tuple[CountOp, ...] = ("at_least", "at_most", "exactly", "more_than", "fewer_than")
_TEXT_OPS: tuple[TextOp, ...] = ("contains", "starts_with", "ends_with", "matches")
_LIST_OPS: tuple[ListOp, ...] = ("has_any", "has_all", "has_none")
_MOMENT_OPS: tuple[MomentOp, ...] = ("before", "after")
_WINDOW_LIKE_OPS: tuple[MomentOp, ...] = ("since", "until")

# --- values ----------------------------------------------------------------------------------

Literals = tuple[Text | Const, ...]
LITERALS: Shape[Literals] = Named("literals", lambda: ListOf("values", LITERAL))
PAIR: Shape[Literals] = ListOf("values, low and high", LITERAL, least=2, most=2)
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?\Z", re.ASCII)


def _between(pair: Literals, node: Node, found: Findings) -> Between | None:
    numbers = [number for value in pair if (number := _number(value)) is not None]
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        low, high = numbers
        summary = f"between {low} and {high} lies nothing"
        found.error("VAL002", summary, node, help=f"write the lower bound first: [{high}, {low}]")
        return None
    return Between(low=pair[0], high=pair[1])


def _number(value: Text | Const) -> Decimal | None:
    if isinstance(value, Text) and not value.quoted and _NUMBER.match(value.text):
        return Decimal(value.text)
    return None


def _compare(op: CompareOp, right: Shape[Operand]) -> Shape[Operator]:
    return Mapped(right, lambda operand: Compare(op=op, right=operand))


_PATTERN: Shape[str] = ByNode(
    "text to look for",
    scalar=PATTERN,
    help="one text stands here: for several write any: [{…}, {…}]",
)


def _text_match(op: TextOp) -> Shape[Operator]:
    return Mapped(_PATTERN, lambda text: TextMatch(op=op, text=text))


def _list_match(op: ListOp) -> Shape[Operator]:
    return Mapped(LITERALS, lambda values: ListMatch(op=op, values=values))


def _size(values: Values, node: MapNode, found: Findings) -> Size:
    return Size(tests=tuple(values[op] for op in COMPARE_OPS if op in values))


def _size_test(op: CompareOp) -> Shape[Compare]:
    # The number stays text, as every operand does until the compiler types it.
    return Mapped(integer(), lambda number: Compare(op=op, right=Text(text=str(number))))


SIZE = Record(
    name="size",
    what="size",
    keys={op: Key(_size_test(op)) for op in COMPARE_OPS},
    build=_size,
    some_of=(COMPARE_OPS,),
    example="{gte: 2}",
)


def value_keys(right: Shape[Operand]) -> Mapping[str, Key]:
    """The value operators in the order in which tests are kept; `right` is the other side."""
    return {
        **{op: Key(_compare(op, right)) for op in COMPARE_OPS},
        "in": Key(Mapped(LITERALS, lambda values: Among(values=values))),
        "not_in": Key(Mapped(LITERALS, lambda values: Among(values=values, negated=True))),
        "between": Key(Checked(PAIR, _between), doc="[low, high], both inclusive"),
        "exists": Key(Mapped(BOOLEAN, lambda expected: Exists(expected=expected))),
        **{op: Key(_text_match(op)) for op in _TEXT_OPS},
        **{op: Key(_list_match(op)) for op in _LIST_OPS},
        "size": Key(SIZE),
    }


def literal_or(feature: Shape[Operand], expected: str) -> Shape[Operand]:
    """The right side of a comparison: a value, or a mapping that gives another feature."""
    help = "to compare with several values write in: […]"
    literal: Shape[Operand] = Mapped(LITERAL, lambda text: text)
    return ByNode(expected, scalar=literal, mapping=feature, help=help)


# --- instants --------------------------------------------------------------------------------


def _moment_test(op: MomentOp) -> Shape[Operator]:
    return Mapped(MOMENT, lambda moment: MomentTest(op=op, moment=moment))


_DAYS = re.compile(r"([-+]?)([0-9]{1,3})d\Z", re.ASCII)
_MONTH_DAY = re.compile(r"([0-9]{2})-([0-9]{2})\Z", re.ASCII)
_MONTH_DAY_PATTERN = "^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


def _days(text: str) -> int:
    match = _DAYS.match(text)
    if match is None or int(match[2]) > 366:
        raise Misfit(f"`{text}` is not a number of whole days", help="for example -7d, 0d or 7d")
    return int(match[1] + match[2])


def _anniversary_text(text: str) -> Anniversary:
    if text == "today":
        return Anniversary()
    if match := _MONTH_DAY.match(text):
        try:
            date(2000, int(match[1]), int(match[2]))  # a leap year: 02-29 is a day
        except ValueError as error:
            raise Misfit(f"`{text}` is not a day of the year") from error
        return Anniversary(month=int(match[1]), day=int(match[2]))
    raise Misfit(
        f"`{text}` is not an anniversary", help='write today, "12-24" or {from: -7d, to: 7d}'
    )


def _anniversary_range(values: Values, node: MapNode, found: Findings) -> Anniversary | None:
    start, end = values.get("from", 0), values.get("to", 0)
    if start > end:
        help = f"write {{from: {end}d, to: {start}d}}"
        found.error("VAL003", f"from {start}d to {end}d is no day at all", node, help=help)
        return None
    return Anniversary(start_days=start, end_days=end)


_DAYS_SLOT: Slot[int] = Slot(
    "whole days such as -7d",
    lambda node: _days(node.text),
    {"type": "string", "pattern": "^[-+]?([0-9]{1,2}|[0-2][0-9]{2}|3[0-5][0-9]|36[0-6])d$"},
)
_ANNIVERSARY = ByNode(
    'an anniversary: today, "12-24" or {from: -7d, to: 7d}',
    scalar=Slot(
        "an anniversary",
        lambda node: _anniversary_text(node.text),
        {"anyOf": [{"const": "today"}, {"type": "string", "pattern": _MONTH_DAY_PATTERN}]},
    ),
    mapping=Record(
        what="anniversary",
        keys={"from": Key(_DAYS_SLOT), "to": Key(_DAYS_SLOT)},
        build=_anniversary_range,
        some_of=(("from", "to"),),
        example="{from: -7d, to: 7d}",
    ),
)

ANNIVERSARY = Named("anniversary", lambda: _ANNIVERSARY)

INSTANT_KEYS: Mapping[str, Key] = {
    **{op: Key(_moment_test(op)) for op in _MOMENT_OPS},
    "in_last": Key(Mapped(DURATION, lambda d: InLast(duration=d)), doc="(T - d, T]"),
    "older_than": Key(Mapped(DURATION, lambda d: OlderThan(duration=d)), doc="at or before T - d"),
    "in_next": Key(Mapped(DURATION, lambda d: InNext(duration=d)), doc="(T, T + d]"),
    "ahead": Key(AHEAD, doc="(T + from, T + to]"),
    "anniversary": Key(ANNIVERSARY, doc="Local month and day, whole days"),
}
"""Tests of an instant that may stand on every leaf that has one."""

STORED_INSTANT_KEYS: Mapping[str, Key] = {
    **INSTANT_KEYS,
    **{op: Key(_moment_test(op)) for op in _WINDOW_LIKE_OPS},
    "calendar": Key(Mapped(SPAN, lambda span: OnCalendar(span=span)), doc="Whole local units"),
}
"""On fields and properties also the words that are windows in event forms."""

# --- counts ----------------------------------------------------------------------------------


def _count_test(op: CountOp) -> Shape[CountTest]:
    """A test of a count; refused where it holds for every count or for none."""

    def check(count: int, node: Node, found: Findings) -> CountTest | None:
        if count == 0 and op == "at_least":
            help = "write at_least: 1, or remove the key"
            found.error("VAL006", "`at_least: 0` is always true", node, help=help)
            return None
        if count == 0 and op == "fewer_than":
            found.error("VAL006", "`fewer_than: 0` is never true", node, help="write exactly: 0")
            return None
        return CountTest(op=op, count=count)

    return Checked(_COUNT, check)


_COUNT: Shape[int] = ByNode(
    "a whole number",
    scalar=integer(),
    help="to compare two counts make one a derived field: {field: …, gt: {count: …}}",
)
COUNT_KEYS: Mapping[str, Key] = {op: Key(_count_test(op)) for op in COUNT_OPS}
AT_LEAST_ONE = (CountTest(op="at_least", count=1),)
NONE_AT_ALL = (CountTest(op="exactly", count=0),)


def counts_of(values: Values) -> tuple[CountTest, ...]:
    """The count tests among the keys, in the order of the language."""
    return tuple(values[op] for op in COUNT_OPS if op in values)


def operators_of(values: Values, keys: Mapping[str, Key]) -> tuple[Operator, ...]:
    """The tests among the keys, in the order of the language, so that equal tests are equal."""
    return tuple(values[op] for op in keys if op in values)


_COUNT_FOR = {
    "eq": "exactly",
    "gte": "at_least",
    "lte": "at_most",
    "gt": "more_than",
    "lt": "fewer_than",
}
_SIGNS = {
    "=": "eq",
    "==": "eq",
    "equals": "eq",
    "is": "eq",
    "value": "eq",
    "equal_to": "eq",
    "!=": "ne",
    "<>": "ne",
    "not_equals": "ne",
    "neq": "ne",
    "is_not": "ne",
    ">": "gt",
    "greater_than": "gt",
    "above": "gt",
    ">=": "gte",
    "at_or_above": "gte",
    "<": "lt",
    "less_than": "lt",
    "below": "lt",
    "<=": "lte",
    "at_or_below": "lte",
}
"""How operators are called elsewhere."""
COUNT_HINTS = {
    **{sign: f"write `{_COUNT_FOR[op]}`" for sign, op in _SIGNS.items() if op in _COUNT_FOR},
    **{
        value: f"a number of things takes `{count}`: write it instead of `{value}`"
        for value, count in _COUNT_FOR.items()
    },
    "times": "write `at_least`, `at_most` or `exactly`",
}
"""What to write for a value operator where things are counted."""
VALUE_HINTS = {
    **{sign: f"write `{op}`" for sign, op in _SIGNS.items()},
    **{
        count: f"a value takes `{value}`: write it instead of `{count}`"
        for value, count in _COUNT_FOR.items()
    },
    "missing": "write exists: false",
    "next": "write `in_next`",
    **dict.fromkeys(("regex", "regexp"), "write `matches`"),
    **dict.fromkeys(("is_null", "is_not_set"), "write exists: false"),
    **dict.fromkeys(("is_not_null", "is_set"), "write exists: true"),
    "has": "write `has_any` or `has_all`, each with a list",
    "like": "write `starts_with`, `ends_with`, `contains` or `matches`",
}
"""What to write for a count operator where a value is compared."""
WINDOW_HINTS = {
    **dict.fromkeys(("in_last", "in_the_last"), "to choose events write `within`"),
    "older_than": "to choose events write ago: {to: …}",
    "in_next": "events later than now do not exist",
    "before": "to choose events write `until`, which does not take the moment itself",
    "after": "to choose events write `since`, which takes the moment itself too",
}
"""What to write for a test of an instant where only windows stand."""
INSTANT_HINTS = {
    **dict.fromkeys(("within", "in_the_last"), "to test a point in time write `in_last`"),
    "ago": "to test a point in time write `in_last` and `older_than`",
}
"""What to write for a window where no events are chosen."""
