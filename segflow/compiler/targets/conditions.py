"""Predicates as SQL conditions over the values of features: true exactly where the predicate holds.

Elsewhere a condition may be false or unknown; whoever negates one makes unknown false first.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial, reduce
from operator import add
from typing import assert_never

from sqlalchemy import (
    FromClause,
    String,
    and_,
    case,
    column,
    false,
    literal,
    or_,
    select,
    table,
    true,
)

from segflow.compiler.clocks import Offsets, anniversary_offsets, offsets_text
from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.periods import period_counts
from segflow.compiler.targets.anniversaries import shown_on
from segflow.compiler.targets.lists import list_condition
from segflow.compiler.targets.local import by_zone, text_by_zone
from segflow.compiler.targets.needs import (
    Fact,
    Judgement,
    Suppressed,
    UserZone,
    asks_whether,
    in_columns,
)
from segflow.compiler.targets.queries import KeyQuery
from segflow.compiler.targets.values import (
    Value,
    bounds_of,
    compared,
    compared_values,
    opposite,
    within_bounds,
    within_dates,
)
from segflow.compiler.timeline import (
    InstantOperator,
    anniversary_days,
    midnight,
    operator_bounds,
    operator_dates,
)
from segflow.compiler.values import fold
from segflow.compiler.zones import Resolved, Ways, Zones
from segflow.model.compiled import list_set, log_set, query_set, segment_set
from segflow.model.hashing import threshold
from segflow.model.instant import Instant
from segflow.model.keys import KeyType
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
from segflow.model.predicate import (
    All,
    AnyOf,
    Compare,
    CompareOp,
    Everyone,
    Held,
    InFile,
    InSegment,
    NoneOf,
    Not,
    Operator,
    Periods,
    Predicate,
    Reachable,
    Sample,
    Scaled,
    Size,
    Sql,
    Test,
    Transition,
)
from segflow.model.scalar import Const


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Compiles predicates about one row, a user's or an event's.

    `value` gives the worth of a fact in that row, `key` is the user's key, of the type `key_type`,
    and `inlined` the predicate that a nested segment stands for at T, or None where its kept set is
    meant, `reached` what `reachable` takes beside not being suppressed. `sets` gathers the names of
    the id sets that are referred to, and of one that a query makes, the query; `split` names the
    set of a feature's values that pass a test the engine can't make; `clocks` is the table of zones
    with their offsets as text. `known` are predicates whose conditions are already made.
    """

    as_of: Instant
    zones: Zones
    dialect: Dialect
    value: Callable[[Fact], Value]
    key: Expression
    key_type: KeyType
    inlined: Callable[[InSegment], Predicate | None]
    reached: Callable[[Reachable], Predicate]
    sets: dict[str, KeyQuery | None]
    split: Callable[[Fact, TextMatch], str]
    clocks: Callable[[Ways[Offsets]], FromClause]
    known: Mapping[Predicate, Condition] = field(default_factory=dict)

    def of(self, node: Predicate) -> Condition:  # noqa: C901 - one arm per form
        """The condition that is true exactly where the predicate holds."""
        if self.known and node in self.known:
            return self.known[node]
        match node:
            case All(items=items):
                return and_(*(self.of(item) for item in items))
            case AnyOf(items=items):
                return or_(*(self.of(item) for item in items))
            case NoneOf(items=items):
                return opposite(or_(*(self.of(item) for item in items)))
            case Not(item=item):
                return opposite(self.of(item))
            case Everyone():
                return true()
            case Test() if (asked := asks_whether(node)) is not None:
                happened: Condition = self.value(asked.fact).expression
                return happened if asked.expected else opposite(happened)
            case Test():
                return and_(*(self._operator(operator, node) for operator in node.operators))
            case InSegment():
                inlined = self.inlined(node)
                return (
                    self._in_set(segment_set(node.segment)) if inlined is None else self.of(inlined)
                )
            case InFile(path=path):
                return self._in_set(list_set(path))
            case Sample():
                return self._sampled(node)
            case Sql():
                name = query_set(node.source, node.query, self.key_type)
                return self._in_set(name, KeyQuery(node, self.key_type))
            case Transition() | Held(item=InSegment()):
                return self._in_set(log_set(node))
            case Periods() if in_columns(node):
                return self._in_periods(node)
            case Reachable(address=name):
                suppressed: Condition = self.value(Suppressed(name)).expression
                return and_(self.of(self.reached(node)), opposite(suppressed))
            case _ if isinstance(node, Judgement):
                return self.value(node).expression
            case _:
                raise unsupported(node)

    # --- whole leaves ---

    def _in_set(self, name: str, made_by: KeyQuery | None = None) -> Condition:
        self.sets[name] = made_by
        keys = table(name, column("key"))
        return self.key.in_(select(keys.c.key))

    def _sampled(self, sample: Sample) -> Condition:
        """Hexadecimal digits are in the order of the numbers that they write, so text compares."""
        if sample.low >= 100:
            return false()
        text = self.dialect.key_text(self.key, self.key_type)
        hashed = self.dialect.hash_text(literal(sample.salt or "", String), text)
        tests: list[Condition] = []
        if sample.low > 0:
            tests.append(hashed >= literal(_digits(sample.low), String))
        if sample.high < 100:
            tests.append(hashed < literal(_digits(sample.high), String))
        return and_(true(), *tests)

    def _in_periods(self, leaf: Periods) -> Condition:
        """How many of the counts pass, as a sum of ones."""
        counts = [self.value(one).expression for one in period_counts(leaf)]
        passing = [case((passes(leaf.counts, count), 1), else_=0) for count in counts]
        return passes(leaf.holds, reduce(add, passing))

    # --- operators ---

    def _operator(self, operator: Operator, test: Test) -> Condition:
        value = self.value(test.feature)
        match operator:
            case Compare() | Among() | Between():
                return self._comparison(operator, value, test)
            case Exists(expected=expected):
                present = value.expression.is_not(None)
                return present if expected else value.expression.is_(None)
            case TextMatch():
                return self._text(operator, value, test)
            case ListMatch() | Size():
                return list_condition(operator, value, test.ignore_case, self.dialect)
            case CountTest():
                return counted(operator, value.expression)
            case Anniversary():
                return self._anniversary(operator, value, test)
            case MomentTest() | InLast() | OlderThan() | InNext() | Ahead() | OnCalendar():
                return self._timed(operator, value, test)
            case _:
                raise unsupported(operator)

    def _comparison(
        self, operator: Compare | Among | Between, value: Value, test: Test
    ) -> Condition:
        folded = self.dialect.folded if test.ignore_case else None
        match operator:
            case Compare(op=op, right=Scaled(feature=feature, times=times)):
                other = self.value(feature)
                return compared_values(op, value, other, times, self.dialect, folded)
            case Compare(op=op, right=Const() as right):
                return self._compared(op, value, right, test)
            case Among(values=values, negated=negated):
                found = self._among(value, _constants(values), test)
                return opposite(found) if negated else found
            case Between(low=Const() as low, high=Const() as high):
                return and_(
                    self._compared("gte", value, low, test),
                    self._compared("lte", value, high, test),
                )
            case _:
                raise unsupported(operator)

    def _compared(self, op: CompareOp, value: Value, right: Const, test: Test) -> Condition:
        day = right.value
        if isinstance(day, date) and value.type.name == "timestamp":
            if op == "ne":
                return opposite(self._compared("eq", value, right, test))
            ways = self.zones.ways(test.user_zone, midnight, day)
            return self._local(
                ways, lambda start: within_bounds(value.expression, bounds_of(op, start))
            )
        folded = self.dialect.folded if test.ignore_case else None
        return compared(op, value, right, self.dialect, folded)

    def _among(self, value: Value, constants: tuple[Const, ...], test: Test) -> Condition:
        listed = value.type.name in self.dialect.traits.listed and value.divisor is None
        if not listed or any(one.type != value.type for one in constants):
            return or_(false(), *(self._compared("eq", value, one, test) for one in constants))
        if not test.ignore_case:
            wanted = [one.value for one in constants]
            return self.dialect.one_of(value.expression, wanted, value.type)
        folded = [fold(str(one.value)) for one in constants]
        return self.dialect.one_of(self.dialect.folded(value.expression), folded, value.type)

    def _text(self, operator: TextMatch, value: Value, test: Test) -> Condition:
        text: Expression = value.expression
        part: Expression = literal(operator.text, String)
        if operator.op == "matches" and self.dialect.traits.re2:
            return self.dialect.matches(text, part)
        if operator.op == "matches":
            passing = table(self.split(test.feature, operator), column("value"))
            return text.in_(select(passing.c.value))
        if test.ignore_case:
            text, part = self.dialect.folded(text), self.dialect.folded(part)
        match operator.op:
            case "contains":
                return self.dialect.contains(text, part)
            case "starts_with":
                return self.dialect.starts_with(text, part)
            case "ends_with":
                return self.dialect.ends_with(text, part)
            case _:
                assert_never(operator.op)

    # --- time ---

    def _local(self, ways: Ways[Resolved], made: Callable[[Resolved], Condition]) -> Condition:
        """The condition of the way that is the user's."""
        return by_zone(ways, self._zone, made, self.dialect)

    def _zone(self) -> Expression:
        return self.value(UserZone()).expression

    def _anniversary(self, operator: Anniversary, value: Value, test: Test) -> Condition:
        asked = (operator, self.as_of)
        ways = self.zones.ways(test.user_zone, anniversary_days, *asked)
        if value.type.name == "date":
            return self._local(ways, partial(self.dialect.month_and_day, value.expression))
        offsets = self.zones.ways(test.user_zone, anniversary_offsets, *asked)
        text = text_by_zone(
            offsets, self._zone, offsets_text, lambda: self.clocks(offsets), self.dialect
        )
        time, dialect = value.expression, self.dialect
        return self._local(ways, lambda days: shown_on(time, text, days, dialect))

    def _timed(self, operator: InstantOperator, value: Value, test: Test) -> Condition:
        time, asked = value.expression, (operator, self.as_of)
        if value.type.name == "date":
            dates = self.zones.ways(test.user_zone, operator_dates, *asked)
            return self._local(dates, lambda found: within_dates(time, found))
        instants = self.zones.ways(test.user_zone, operator_bounds, *asked)
        return self._local(instants, lambda found: within_bounds(time, found))


def unsupported(node: object) -> AssertionError:
    """For forms that the pass `supported` refuses, so that none comes this far."""
    return AssertionError(f"{type(node).__name__} can't be compiled to SQL")


def _constants(values: Iterable[object]) -> tuple[Const, ...]:
    return tuple(value for value in values if isinstance(value, Const))


def passes(tests: Iterable[CountTest], count: Expression) -> Condition:
    """The number passes all the tests."""
    return and_(true(), *(counted(test, count) for test in tests))


def counted(test: CountTest, count: Expression) -> Condition:
    """The test of a number of things."""
    match test.op:
        case "at_least":
            return count >= test.count
        case "at_most":
            return count <= test.count
        case "exactly":
            return count == test.count
        case "more_than":
            return count > test.count
        case "fewer_than":
            return count < test.count
        case _:
            assert_never(test.op)


def _digits(percent: Decimal) -> str:
    """The threshold as 16 hexadecimal digits."""
    return f"{threshold(percent):016x}"
