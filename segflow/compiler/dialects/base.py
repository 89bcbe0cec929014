"""What an SQL engine is asked for where standard SQL does not settle how a thing is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy import (
    CTE,
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    FromClause,
    FunctionElement,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

from segflow.compiler.dialects.storage import StorageDialect
from segflow.model.instant import Instant, datetime_of, instant_of
from segflow.model.keys import KeyType
from segflow.model.scalar import Scalar
from segflow.model.types import ScalarName, ValueType

Expression = ColumnElement[Any]
Condition = ColumnElement[bool]
Aggregation = Callable[[Expression], FunctionElement[Any]]


class InstantType(TypeDecorator[datetime]):
    """An instant as the engine keeps it at work: a timestamp with a zone; on SQLite milliseconds;
    on the engines of MySQL's kind a date and time in UTC."""

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sqlalchemy.Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        match dialect.name:
            case "sqlite":
                return BigInteger()
            case "mysql" | "mariadb":
                from sqlalchemy.dialects.mysql import DATETIME  # with all drivers: slow to import

                return DATETIME(fsp=6)
            case _:
                return TIMESTAMP(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: sqlalchemy.Dialect) -> Any:
        """See TypeDecorator."""
        if value is None:
            return None
        match dialect.name:
            case "sqlite":
                return instant_of(value)
            case "mysql" | "mariadb":
                return value.astimezone(UTC).replace(tzinfo=None)
            case _:
                return value

    def process_result_value(self, value: Any, dialect: sqlalchemy.Dialect) -> datetime | None:
        """See TypeDecorator; always with the zone UTC."""
        match value:
            case None:
                return None
            case int():
                return datetime_of(Instant(value))
            case datetime(tzinfo=None):
                return value.replace(tzinfo=UTC)
            case _:
                found: datetime = value.astimezone(UTC)
                return found


UTC_TIMESTAMP = InstantType()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Facts of an engine that are no code.

    `re2` says whether it runs RE2 expressions itself; else they are tried on the distinct values,
    outside of it. `ordered_aggregates` says whether an aggregate may name the order of its rows, as
    first() needs. `widest` is the most digits that an exact number can have, where there is a most;
    sums with more are an error. `listed` are the types whose values one_of() compares with a list
    at once; values of others are compared one by one. `nearest_joins` says whether it joins rows
    with the nearest of others in time by itself, as NearestJoin does. `marks` says whether it puts
    bits of many tables together sooner by grouping than it joins their columns, `quantiles` whether
    it finds one sooner than it orders all values. `instants_in_order` says whether columns of
    timestamps sort by instant as they are stored, `shares` whether a common table that a
    statement names several times is computed once.
    """

    re2: bool
    ordered_aggregates: bool
    nearest_joins: bool = False
    marks: bool = False
    quantiles: bool = False
    instants_in_order: bool = True
    shares: bool = True
    widest: int | None = None
    listed: frozenset[ScalarName] = frozenset({"string", "integer", "date"})


class Dialect(StorageDialect, Protocol):
    """How an engine writes what standard SQL does not settle. Conditions may be unknown (NULL)
    where an argument is missing, and are true exactly where the meaning is.

    `Standard` in standard.py has what most engines write alike.
    """

    @property
    def traits(self) -> Traits:
        """The facts of the engine."""

    # --- columns as values ---

    def stored(self, column: Expression, type_: ValueType) -> Expression:
        """A column as a value of its declared type, whatever type it has there. NaN is missing,
        text compares by code points, a version sorts as one, and a date is one of the
        calendar's, see floored()."""

    def whole(self, column: Expression) -> Expression:
        """A column of keys or of ids that are integers, as wide as the engine has them; those that
        are texts are stored() strings."""

    def floored(self, timestamp: Expression) -> Expression:
        """The timestamp's whole milliseconds. One beyond the calendar, which no language of ours
        can hold and infinity is, becomes the first or the last that there is."""

    def sought(self, column: Expression, since: Instant) -> Sequence[Condition]:
        """What may be asked of a column of timestamps itself where only those from an instant on
        are wanted, so that an index serves where it can't serve stored()."""

    # --- constants ---

    def text(self, value: str) -> Expression:
        """A constant text that is compared, and sorted, by code points."""

    def key(self, value: int) -> Expression:
        """A constant key that is an integer, up to 64 bits without a sign."""

    def number(self, value: Decimal) -> Expression:
        """A constant exact number with as many digits as it has."""

    # --- exact numbers ---

    def widened(self, value: Expression, scale: int) -> Expression:
        """An exact number ready for products: they are exact, or the engine raises an error."""

    def product(self, left: Expression, right: Expression) -> Expression:
        """The exact product of two exact numbers, one of them widened."""

    def alike(self, left: Expression, right: Expression) -> tuple[Expression, Expression]:
        """Both sides of a comparison, so that exact numbers of any kinds compare by value."""

    def one_of(self, value: Expression, constants: Sequence[Scalar], type_: ValueType) -> Condition:
        """The value is one of the constants, however many; their type is one of traits.listed."""

    def times_in(self, value: Expression, divisor: int) -> Expression:
        """How many times a divisor above zero goes into a whole number that is not negative."""

    # --- texts ---

    def contains(self, text: Expression, part: Expression) -> Condition:
        """The part occurs in the text, compared by code points; likewise the next two."""

    def starts_with(self, text: Expression, part: Expression) -> Condition:
        """See contains()."""

    def ends_with(self, text: Expression, part: Expression) -> Condition:
        """See contains()."""

    def matches(self, text: Expression, pattern: Expression) -> Condition:
        """The RE2 expression matches somewhere; a dot matches no newline. Not asked of an engine
        without traits.re2."""

    def folded(self, text: Expression) -> Expression:
        """The text with A-Z as a-z and nothing else changed."""

    def key_text(self, key: Expression, type_: KeyType) -> Expression:
        """A key as text; an integer in decimal."""

    def hash_text(self, salt: Expression, text: Expression) -> Expression:
        """MD5 over salt, a zero byte and a text, all in UTF-8, as 32 hexadecimal digits."""

    # --- tables ---

    def read_once(self, rows: CTE) -> CTE:
        """The rows such that they are read once, however many rows of others are joined to them."""

    def looked_up(
        self,
        text: Expression,
        pairs: Mapping[str, str],
        table: Callable[[], FromClause],
        usual: Expression,
    ) -> Expression:
        """What the pairs give for a text, or what is usual where they have none; the table, which
        is made when it is asked for, holds the pairs in its two columns."""

    # --- aggregates and order ---

    def aggregated(
        self, function: Aggregation, value: Expression | None, where: Condition | None
    ) -> Expression:
        """An aggregate function of the values in the rows for which the condition is true; of the
        rows themselves where there is no value, which only func.count can be."""

    def total(self, value: Expression, type_: ValueType) -> FunctionElement[Any]:
        """The exact sum of integers or decimals; never wraps."""

    def first(
        self, value: Expression, order: Sequence[Expression], where: Condition | None
    ) -> Expression:
        """The value, missing or not, of the row that is first in that order. Not asked of an engine
        without traits.ordered_aggregates."""

    def quantile(self, value: Expression, share: Fraction) -> Expression:
        """The value, of those in a group, below or at which about so large a share of them lies.
        Not asked of an engine without traits.quantiles."""

    def in_order(
        self, key: Expression, *, descending: bool = False, missing_first: bool = False
    ) -> Sequence[Expression]:
        """What stands in ORDER BY for a key."""

    def quotient(self, value: Expression, scale: int, divisor: Expression) -> Sequence[Expression]:
        """What stands in ORDER BY for an exact number with so many digits behind its point, divided
        by a whole number from 1 to 10^9: equal quotients are equal, others in their order."""

    # --- local time ---

    def milliseconds(self, timestamp: Expression) -> Expression:
        """The timestamp as a whole number: its floored milliseconds since 1970."""

    def month_and_day(self, day: Expression, days: Sequence[tuple[int, int]]) -> Condition:
        """The date falls on one of the (month, day) pairs."""

    def shown_day(self, timestamp: Expression, ahead: Expression) -> Expression:
        """The date that clocks show at the timestamp which are so many milliseconds ahead of UTC,
        as the text of its month and day, such as 03-31; it stays within the calendar. `ahead` is
        never missing, and the SQL has it once."""

    def greatest_below(self, numbers: Expression, end: Expression) -> Expression:
        """The greatest of the whole numbers in a text, where commas separate them, that is below
        `end`. The SQL has both once."""
