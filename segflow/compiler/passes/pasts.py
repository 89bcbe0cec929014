"""Leaves about the past against the catalog: what nobody records can't be asked."""

from dataclasses import replace

from segflow.compiler.codes import LITERAL, MISFIT, MISPLACED
from segflow.compiler.passes.literals import LiteralError, constant
from segflow.compiler.passes.operators import operator_key
from segflow.compiler.passes.slots import Scope
from segflow.model.catalog import Field
from segflow.model.operator import (
    Ahead,
    Anniversary,
    InLast,
    InNext,
    OlderThan,
    OnCalendar,
)
from segflow.model.predicate import (
    Changed,
    Compare,
    FieldFeature,
    Held,
    InSegment,
    Operator,
    Scaled,
    Test,
)
from segflow.model.project import KeyPath
from segflow.model.scalar import Const, Text
from segflow.model.types import UNREAD


def typed_changed(leaf: Changed, path: KeyPath, scope: Scope) -> Changed:
    """The leaf with typed constants; a field whose changes nobody records is reported."""
    field = scope.draft.index.fields.get(scope.entity, {}).get(leaf.field)
    if field is None or field.type == UNREAD:
        return leaf
    _recorded(field, (*path, "changed"), scope)
    return replace(
        leaf,
        old=_literal(leaf.old, field, (*path, "from"), scope),
        new=_literal(leaf.new, field, (*path, "to"), scope),
    )


def _literal(
    operand: Text | Const | None, field: Field, path: KeyPath, scope: Scope
) -> Text | Const | None:
    if not isinstance(operand, Text):
        return operand
    if field.type.is_list:
        summary = f"`{path[-1]}` does not fit field {field.name} of type {field.type}"
        help = "remove it: without `from` and `to` every change of the list is one"
        scope.complain(MISFIT, path, summary, help, key=True)
        return operand
    try:
        return constant(operand, field.type, scope.zone)
    except LiteralError as error:
        what = f"field {field.name} is of type {field.type}"
        scope.complain(LITERAL, path, f"{error}, and {what}", error.fix)
        return operand


def check_held(leaf: Held, path: KeyPath, scope: Scope) -> None:
    """Report what was not recorded, and tests that look at another instant than the value's own."""
    here = (*path, "held")
    match leaf.item:
        case InSegment(snapshot=True):
            summary = "`held` asks what was recorded of a segment all along, not its last snapshot"
            scope.complain(MISPLACED, (*here, "as"), summary, "remove `as: snapshot`")
        case Test(feature=FieldFeature(field=name), operators=operators):
            field = scope.draft.index.fields.get(scope.entity, {}).get(name)
            if field is not None and field.type != UNREAD:
                _recorded(field, (*here, "field"), scope)
            for operator in filter(_moves, operators):
                scope.complain(
                    MISPLACED,
                    (*here, operator_key(operator)),
                    "what is held is compared with constants only, which are the same at all times",
                    "compare with a value, or with a date by `since` or `until`",
                    key=True,
                )
        case _:
            pass


def _recorded(field: Field, path: KeyPath, scope: Scope) -> None:
    if field.history is None:
        scope.complain(
            MISPLACED,
            path,
            f"field {field.name} has no `history`, so what it was before is not known",
            "the aggregate has windows: compare two of them"
            if field.derived is not None
            else f"declare under `history:` of field {field.name} the table of its changes",
        )


def _moves(operator: Operator) -> bool:
    """Whether what passes changes with T, or with another feature."""
    match operator:
        case InLast() | OlderThan() | InNext() | Ahead() | OnCalendar():
            return True
        case Anniversary(month=month):
            return month is None
        case Compare(right=right):
            return isinstance(right, Scaled)
        case _:
            return False
