"""Predicates about one document as queries: a test of a field, and the boolean algebra above."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from segflow.compiler.storage import Storage
from segflow.compiler.targets.elastic_mapping import mapped_as
from segflow.compiler.targets.elastic_queries import (
    ANYTHING,
    NOTHING,
    Query,
    Range,
    all_of,
    any_of,
    exists,
    in_nested,
    like,
    one_of,
    one_of_folded,
    opposite,
    starts_with,
    within,
)
from segflow.compiler.targets.elastic_values import GREATEST, Passing, is_opposite
from segflow.model.instant import Instant
from segflow.model.operator import Among, Exists, ListMatch, TextMatch
from segflow.model.predicate import (
    All,
    AnyOf,
    Compare,
    Everyone,
    NoneOf,
    Not,
    Operator,
    Predicate,
    Test,
)
from segflow.model.scalar import Const
from segflow.model.types import ValueType
from segflow.ports.documents import ReadField


class Where(NamedTuple):
    """Which documents pass, and whether one that is not there would, since all its values are
    missing."""

    query: Query
    of_none: bool = False


ALWAYS = Where(ANYTHING, of_none=True)
NEVER = Where(NOTHING)


def every(items: Iterable[Where]) -> Where:
    """All of them pass."""
    found = tuple(items)
    return Where(all_of(one.query for one in found), all(one.of_none for one in found))


def either(items: Iterable[Where]) -> Where:
    """At least one of them passes."""
    found = tuple(items)
    return Where(any_of(one.query for one in found), any(one.of_none for one in found))


def negated(one: Where) -> Where:
    """It does not pass."""
    return Where(opposite(one.query), not one.of_none)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentField:
    """A field as documents have it, and the path of the nested documents that it is in, if it is.
    `digits` is as in Passing; whole numbers beyond `limits` are none of the type: missing."""

    name: str
    type: ValueType
    digits: int = 0
    nested: str | None = None
    limits: Range | None = None

    @property
    def present(self) -> Query:
        """There is a value."""
        return self.asked(exists(self.name) if self.limits is None else ANYTHING)

    def read_from(self, table: str) -> ReadField:
        """That the field is read in an index."""
        words = mapped_as(self.type, nested=self.nested is not None)
        return ReadField(table, self.name, words, self.type.is_list)

    def asked(self, query: Query) -> Query:
        """The query about the field, put to the documents that have a value of the type in it."""
        if self.limits is not None:
            query = all_of([query, within(self.name, self.limits)])
        return query if self.nested is None else in_nested(self.nested, query)


def document_field(storage: Storage) -> DocumentField:
    """How what the catalog says of a column is said of documents. What is unnested is a list of
    nested documents, unless its items are the elements themselves."""
    name = ".".join((storage.column, *storage.path))
    inner = ".".join(storage.items or ())
    return DocumentField(
        name=f"{name}.{inner}" if inner else name,
        type=storage.type,
        digits=storage.minor_digits,
        nested=name if inner else None,
        limits=_limits(storage),
    )


def _limits(storage: Storage) -> Range | None:
    """The least and the greatest number of units that the type holds; None where these are beyond
    64 bits."""
    if storage.form != "minor":
        return None
    type_ = storage.type
    digits = (type_.precision or 0) - (type_.scale or 0) + storage.minor_digits
    most = 10**digits - 1
    return None if most >= GREATEST else Range(low=-most, high=most)


def document_condition(predicate: Predicate, leaf: Callable[[Test], Where]) -> Where:
    """Which documents pass a predicate over their own fields; `leaf` says it of a test."""

    def of(node: Predicate) -> Where:
        match node:
            case All(items=items):
                return every(map(of, items))
            case AnyOf(items=items):
                return either(map(of, items))
            case NoneOf(items=items):
                return negated(either(map(of, items)))
            case Not(item=item):
                return negated(of(item))
            case Everyone():
                return ALWAYS
            case Test():
                return leaf(node)
            case _:
                raise AssertionError(f"{type(node).__name__} is refused before")

    return of(predicate)


def field_test(test: Test, field: DocumentField, as_of: Instant, zone: ZoneInfo) -> Where:
    """Which documents pass a test of one of their fields."""
    passing = Passing(field.type, field.digits, as_of, zone)
    return every(_operator(one, test, field, passing) for one in test.operators)


def _operator(operator: Operator, test: Test, field: DocumentField, passing: Passing) -> Where:
    match operator:
        case Exists(expected=expected):
            present = Where(field.present)
            return present if expected else negated(present)
        case TextMatch():
            return Where(field.asked(_text(operator, field.name, fold=test.ignore_case)))
        case ListMatch():
            return _list(operator, test, field)
        case Compare() | Among() if test.ignore_case:
            found = Where(one_of_folded(field.name, map(str, _constants(_operands(operator)))))
            return negated(found) if is_opposite(operator) else found
        case _:
            ranges = passing.of(operator)
            if ranges is None:
                raise AssertionError(f"{type(operator).__name__} is refused before")
            points = [one.low for one in ranges if one.is_point]
            queries = [within(field.name, one) for one in ranges if not one.is_point]
            found = Where(field.asked(any_of([one_of(field.name, points), *queries])))
            return negated(found) if is_opposite(operator) else found


def _text(operator: TextMatch, field: str, *, fold: bool) -> Query:
    match operator.op:
        case "starts_with":
            return starts_with(field, operator.text, fold=fold)
        case "contains":
            return like(field, "*", operator.text, "*", fold=fold)
        case "ends_with":
            return like(field, "*", operator.text, "", fold=fold)
        case _:
            raise AssertionError(f"{operator.op} is refused before")


def _list(operator: ListMatch, test: Test, field: DocumentField) -> Where:
    values = _constants(operator.values)

    def has(some: list[object]) -> Query:
        if test.ignore_case:
            return field.asked(one_of_folded(field.name, map(str, some)))
        return field.asked(one_of(field.name, some))

    match operator.op:
        case "has_all":
            return Where(all_of(has([value]) for value in values))
        case "has_any":
            return Where(has(values))
        case _:
            return negated(Where(has(values)))


def _operands(operator: Compare | Among) -> Iterable[object]:
    return operator.values if isinstance(operator, Among) else (operator.right,)


def _constants(operands: Iterable[object]) -> list[object]:
    return [operand.value for operand in operands if isinstance(operand, Const)]
