"""Tests of lists as SQL conditions: true where the test holds, else false or unknown."""

from typing import assert_never

from sqlalchemy import and_

from segflow.compiler.dialects.base import Condition, Dialect
from segflow.compiler.targets.values import Value, compared, constant, opposite
from segflow.model.operator import ListMatch
from segflow.model.predicate import Size
from segflow.model.scalar import Const
from segflow.model.types import INTEGER


def list_condition(
    operator: ListMatch | Size, value: Value, ignore_case: bool, dialect: Dialect
) -> Condition:
    """The condition for one test of a list; an empty one is missing."""
    if isinstance(operator, Size):
        size = Value(dialect.size(value.expression), INTEGER)
        tests = ((test.op, test.right) for test in operator.tests)
        return and_(
            *(
                compared(op, size, right, dialect, None)
                for op, right in tests
                if isinstance(right, Const)
            )
        )
    found = value.expression
    wanted = [constant(one, dialect) for one in operator.values if isinstance(one, Const)]
    if ignore_case:
        found, wanted = dialect.folded_list(found), [dialect.folded(one) for one in wanted]
    match operator.op:
        case "has_any":
            return dialect.has(found, wanted, every=False)
        case "has_all":
            return dialect.has(found, wanted, every=True)
        case "has_none":
            return opposite(dialect.has(found, wanted, every=False))
        case _:
            assert_never(operator.op)
