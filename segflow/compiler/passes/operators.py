"""Operators against the types of values: which fit, and what their literals become."""

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import assert_never

import re2

from segflow.compiler.codes import LITERAL, MISFIT, PATTERN
from segflow.compiler.passes.literals import LiteralError, constant
from segflow.compiler.passes.slots import Scope, Slot
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
from segflow.model.predicate import Compare, Operator, Scaled, Size
from segflow.model.project import KeyPath
from segflow.model.scalar import Const, Scalar, Text
from segflow.model.types import INTEGER

INEXACT = "products with longer numbers would not be exact"

_RE2 = re2.Options()
_RE2.log_errors = False


def typed_operator(operator: Operator, slot: Slot, path: KeyPath, scope: Scope) -> Operator:
    """The operator with typed literals; what does not fit the slot is reported."""
    if isinstance(operator, CountTest | Exists):
        return operator  # the grammar lets counts be tested only where things are counted
    key = operator_key(operator)
    match operator:
        case Compare() | Among() | Between():
            return _comparison(operator, slot, (*path, key), scope)
        case TextMatch():
            _text(operator, slot, (*path, key), scope)
        case ListMatch() | Size():
            return _list(operator, slot, (*path, key), scope)
        case _:
            if not slot.type.is_time:
                _misfit(key, slot, (*path, key), scope, "it is for dates and timestamps")
    return operator


def operator_key(operator: Operator) -> str:  # noqa: C901 - one arm per operator
    """The YAML key of an operator."""
    match operator:
        case Compare(op=op) | TextMatch(op=op) | ListMatch(op=op) | CountTest(op=op):
            return op
        case MomentTest(op=op):
            return op
        case Among(negated=negated):
            return "not_in" if negated else "in"
        case Between():
            return "between"
        case Exists():
            return "exists"
        case Size():
            return "size"
        case InLast():
            return "in_last"
        case OlderThan():
            return "older_than"
        case InNext():
            return "in_next"
        case Ahead():
            return "ahead"
        case Anniversary():
            return "anniversary"
        case OnCalendar():
            return "calendar"
        case _:
            assert_never(operator)


# --- comparisons -----------------------------------------------------------------------------


def _comparison(
    operator: Compare | Among | Between, slot: Slot, path: KeyPath, scope: Scope
) -> Operator:
    key = str(path[-1])
    if slot.type.name == "boolean" and key not in ("eq", "ne", "in", "not_in"):
        _misfit(key, slot, path, scope, "write `eq: true` or `eq: false`")
        return operator
    if slot.type.is_list:
        _misfit(key, slot, path, scope, "write `has_any`, `has_all`, `has_none` or `size`")
        return operator
    match operator:
        case Compare(right=Scaled()):
            return operator
        case Compare(right=right):
            return replace(operator, right=_literal(right, slot, path, scope))
        case Among(values=values):
            typed = tuple(
                _literal(value, slot, (*path, number), scope) for number, value in enumerate(values)
            )
            return replace(operator, values=typed)
        case Between(low=low, high=high):
            return Between(
                low=_literal(low, slot, (*path, 0), scope),
                high=_literal(high, slot, (*path, 1), scope),
            )


def _literal(
    operand: Text | Const | Scaled, slot: Slot, path: KeyPath, scope: Scope
) -> Text | Const:
    if not isinstance(operand, Text):
        assert isinstance(operand, Const)
        return operand
    try:
        typed = constant(operand, slot.type, scope.zone)
    except LiteralError as error:
        scope.complain(LITERAL, path, f"{error}, and {slot.name} is of type {slot.type}", error.fix)
        return operand
    if slot.digits is not None and digits_of(typed.value) > slot.digits:
        scope.complain(LITERAL, path, f"{operand.text} has more than {slot.digits} digits", INEXACT)
    return typed


def digits_of(value: Scalar) -> int:
    """How many digits an exact number is written with; 0 for anything else."""
    return len(value.as_tuple().digits) if isinstance(value, Decimal) else 0


# --- text ------------------------------------------------------------------------------------


def _text(operator: TextMatch, slot: Slot, path: KeyPath, scope: Scope) -> None:
    if slot.type.name != "string" or slot.type.is_list:
        _misfit(operator.op, slot, path, scope, "it is for strings")
    elif operator.op == "matches" and (reason := _pattern_error(operator.text)) is not None:
        scope.complain(
            PATTERN,
            path,
            f"{operator.text!r} is no regular expression: {reason}",
            "the syntax is RE2's: no look-around and no back-references",
        )


@cache
def _pattern_error(pattern: str) -> str | None:
    """Why RE2 refuses the expression, or None."""
    try:
        re2.compile(pattern, _RE2)
    except re2.error as error:
        reason = error.args[0] if error.args else "refused"
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return None


# --- lists -----------------------------------------------------------------------------------


def _list(operator: ListMatch | Size, slot: Slot, path: KeyPath, scope: Scope) -> Operator:
    if not slot.type.is_list:
        _misfit(str(path[-1]), slot, path, scope, "it is for lists")
        return operator
    if isinstance(operator, Size):
        size = Slot(INTEGER, "`size`")
        tests = (
            replace(test, right=_literal(test.right, size, (*path, test.op), scope))
            for test in operator.tests
        )
        return Size(tests=tuple(tests))
    element = Slot(slot.type.element, f"an element of {slot.name}")
    values = tuple(
        _literal(value, element, (*path, number), scope)
        for number, value in enumerate(operator.values)
    )
    return replace(operator, values=values)


# --- misfits ---------------------------------------------------------------------------------


def _misfit(key: str, slot: Slot, path: KeyPath, scope: Scope, reason: str) -> None:
    scope.complain(
        MISFIT, path, f"`{key}` does not fit {slot.name} of type {slot.type}", reason, key=True
    )
