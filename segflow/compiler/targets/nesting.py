"""Windows that lie in each other share an aggregate: the last time of the widest tells all.

An event happened in (a, b] where the last one before b is after a. So whether something happened,
its last time and the last value need one aggregate for all windows with one end, however many
segments ask; windows up to T are most of them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import case, false

from segflow.compiler.dialects.base import Condition
from segflow.compiler.targets.needs import Happened
from segflow.compiler.targets.values import Value, within_bounds
from segflow.compiler.timeline import Bounds, window_bounds
from segflow.model.instant import Instant
from segflow.model.predicate import Aggregate
from segflow.model.types import BOOLEAN

Asked = Aggregate | Happened

Values = Mapping[Aggregate, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What a fact is worth by the aggregates that it reads."""

    reads: tuple[Aggregate, ...]
    value: Callable[[Values], Value]


def nested(asked: Iterable[Asked], as_of: Instant, zone: ZoneInfo) -> Mapping[Asked, Derived]:
    """How each fact is told by the fewest aggregates, as of an instant."""
    derived: dict[Asked, Derived] = {}
    together: dict[object, list[_Member]] = defaultdict(list)
    for one in asked:
        over = _aggregate(one)
        if over.user_zone or not _nests(one):
            derived[one] = _alone(one)
            continue
        bounds = window_bounds(over.window, as_of, zone)
        if bounds.start is not None and bounds.end is not None and bounds.start >= bounds.end:
            derived[one] = _never(one)
        else:
            together[over.events, over.where, bounds.end].append(_Member(one, bounds.start))
    for members in together.values():
        derived.update(_shared(members))
    return derived


class _Member(NamedTuple):
    fact: Asked
    start: Instant | None


def _aggregate(one: Asked) -> Aggregate:
    return one.events if isinstance(one, Happened) else one


def _nests(one: Asked) -> bool:
    return isinstance(one, Happened) or one.kind in ("last", "last_time")


def _alone(one: Asked) -> Derived:
    over = _aggregate(one)
    if isinstance(one, Happened):
        return Derived(
            reads=(over,), value=lambda values: Value(values[over].expression >= 1, BOOLEAN)
        )
    return Derived(reads=(over,), value=lambda values: values[over])


def _never(one: Asked) -> Derived:
    """Over a window in which nothing lies."""
    if isinstance(one, Happened):
        return Derived(reads=(), value=lambda _: Value(false(), BOOLEAN))
    return _alone(one)


def _shared(members: Sequence[_Member]) -> Iterator[tuple[Asked, Derived]]:
    widest = min(members, key=lambda one: (one.start is not None, one.start or 0))
    over = _aggregate(widest.fact)
    last_time = replace(over, kind="last_time", property=None)
    for fact, start in members:
        # Of the widest window itself every value that there is counts.
        start = None if start == widest.start else start
        if isinstance(fact, Happened):
            yield fact, _happened(last_time, start)
        elif fact.kind == "last_time":
            yield fact, _later(last_time, last_time, start)
        else:
            yield fact, _later(replace(fact, window=over.window), last_time, start)


def _happened(last_time: Aggregate, start: Instant | None) -> Derived:
    def value(values: Values) -> Value:
        return Value(_since(values[last_time], start), BOOLEAN)

    return Derived(reads=(last_time,), value=value)


def _later(last: Aggregate, last_time: Aggregate, start: Instant | None) -> Derived:
    """The value of the last event, unless that was before the window."""
    if start is None:
        return Derived(reads=(last,), value=lambda values: values[last])

    def value(values: Values) -> Value:
        found = values[last]
        return found._replace(expression=case((_since(values[last_time], start), found.expression)))

    return Derived(reads=(last, last_time), value=value)


def _since(last_time: Value, start: Instant | None) -> Condition:
    return within_bounds(last_time.expression, Bounds(start=start))
