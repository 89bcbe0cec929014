"""Aggregates of events as sets of keys: who has so many documents, or one of them in a range.

The last instant lies in [a, b) of whoever has an event from a on and none from b on; so with the
first one, and with the least and the greatest value. No number leaves the server but counts.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from segflow.compiler.storage import storage_of_property
from segflow.compiler.targets.elastic_conditions import (
    DocumentField,
    Where,
    document_condition,
    document_field,
    field_test,
)
from segflow.compiler.targets.elastic_mapping import mapped_as
from segflow.compiler.targets.elastic_queries import (
    NOTHING,
    Query,
    Range,
    all_of,
    exists,
    one_of,
    starts_with,
    within,
    written,
)
from segflow.compiler.targets.elastic_values import COUNTS, Passing, Ranges, instants, is_opposite
from segflow.compiler.timeline import window_bounds
from segflow.model.catalog import ColumnTest, Entity, Event
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.keys import value_type
from segflow.model.operator import Exists
from segflow.model.predicate import Aggregate, Operator, PropertyFeature, Test
from segflow.model.types import STRING, TIMESTAMP
from segflow.ports.documents import (
    Counted,
    Difference,
    Found,
    Intersection,
    Joined,
    KeySet,
    ReadField,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSets:
    """Tests of aggregates of the users of an entity, as of an instant. `everyone` gives the
    population, `fields` gathers those that are read."""

    compiled: Compiled
    entity: Entity
    as_of: Instant
    zone: ZoneInfo
    everyone: Callable[[], KeySet]
    fields: dict[ReadField, None]

    def passing(self, aggregate: Aggregate, operator: Operator) -> KeySet:
        """The users whose aggregate passes the operator; perhaps some outside of the population."""
        if isinstance(operator, Exists):
            present = self._present(aggregate)
            return present if operator.expected else Difference(self.everyone(), present)
        ranges = self._values(aggregate).of(operator)
        if ranges is None:
            raise AssertionError(f"{type(operator).__name__} is refused before")
        if aggregate.kind in ("count", "count_distinct"):
            found = self._counted(aggregate, ranges)
        else:
            found = self._ends(aggregate, ranges)
        return Difference(self.everyone(), found) if is_opposite(operator) else found

    # --- counts ---

    def _counted(self, aggregate: Aggregate, ranges: Ranges) -> KeySet:
        scans, distinct = self._scans(aggregate, ()), None
        if aggregate.kind == "count_distinct":
            field = self._field(aggregate)
            scans, distinct = self._scans(aggregate, (), field.present), field.name
        return in_any(self._numbered(scans, one, distinct) for one in ranges)

    def _numbered(self, scans: tuple[Found, ...], range_: Range, distinct: str | None) -> KeySet:
        least = range_.low if isinstance(range_.low, int) else 0
        most = range_.high if isinstance(range_.high, int) else None
        if least > 0:
            return Counted(scans=scans, least=least, most=most, distinct=distinct)
        if most is None:
            return self.everyone()
        if most < 0:
            return _NOBODY
        more = Counted(scans=scans, least=most + 1, distinct=distinct)
        return Difference(self.everyone(), more)

    # --- the least, the greatest, the first and the last ---

    def _present(self, aggregate: Aggregate) -> KeySet:
        if aggregate.kind in ("count", "count_distinct"):
            return self.everyone()
        return self._any(aggregate, Range())

    def _ends(self, aggregate: Aggregate, ranges: Ranges) -> KeySet:
        is_least = aggregate.kind in ("min", "first_time")
        return in_any(self._end_in(aggregate, one, is_least) for one in ranges)

    def _end_in(self, aggregate: Aggregate, range_: Range, is_least: bool) -> KeySet:
        reached = range_.to_high() if is_least else range_.from_low()
        beyond = range_.below() if is_least else range_.above()
        found = self._any(aggregate, reached)
        return found if beyond is None else Difference(found, self._any(aggregate, beyond))

    def _any(self, aggregate: Aggregate, range_: Range) -> KeySet:
        """The users with an event whose value, or instant, is of the range."""
        if aggregate.property is None:
            return Counted(scans=self._scans(aggregate, (range_,)))
        field = self._field(aggregate)
        query = field.asked(within(field.name, range_))
        return Counted(scans=self._scans(aggregate, (), query))

    def _values(self, aggregate: Aggregate) -> Passing:
        """What passes operators of what an aggregate gives."""
        if aggregate.kind in ("min", "max"):
            field = self._field(aggregate)
            return Passing(field.type, field.digits, self.as_of, self.zone)
        type_ = COUNTS if aggregate.kind in ("count", "count_distinct") else TIMESTAMP
        return Passing(type_, 0, self.as_of, self.zone)

    def _field(self, aggregate: Aggregate) -> DocumentField:
        """The property that an aggregate of one event is over."""
        (event,) = self._events(aggregate)
        return self._property(event, aggregate.property or "")

    # --- documents ---

    def _events(self, aggregate: Aggregate) -> Iterator[Event]:
        for name in aggregate.events:
            event = self.compiled.project.event(name)
            assert event is not None, "the pass `resolve` has seen to it that there is one"
            yield event.in_source(self.entity.population.source)

    def _scans(
        self, aggregate: Aggregate, times: Sequence[Range], also: Query | None = None
    ) -> tuple[Found, ...]:
        """The documents of each event of an aggregate, in its window, at `times` and with what is
        asked `also`."""
        bounds = window_bounds(aggregate.window, self.as_of, self.zone)
        window = instants(bounds)
        return tuple(
            self._scan(event, aggregate, [*window, *times] if window else None, also)
            for event in self._events(aggregate)
        )

    def _scan(
        self,
        event: Event,
        aggregate: Aggregate,
        times: Sequence[Range] | None,
        also: Query | None,
    ) -> Found:
        at, key = event.at, dict(event.entities)[self.entity.name]
        queries = [_of_event(test) for test in at.when]
        queries += [NOTHING] if times is None else [within(at.time, one) for one in times]
        if aggregate.where is not None:
            queries.append(document_condition(aggregate.where, self._leaf_of(event)).query)
        if also is not None:
            queries.append(also)
        key_type = value_type(self.entity.key_type)
        columns = {at.time: TIMESTAMP, key: key_type, **{one.column: STRING for one in at.when}}
        for column, type_ in columns.items():
            self.fields[ReadField(at.table, column, mapped_as(type_))] = None
        return Found(at.table, key, written(all_of(queries)))

    def _leaf_of(self, event: Event) -> Callable[[Test], Where]:
        def leaf(test: Test) -> Where:
            assert isinstance(test.feature, PropertyFeature), "others are refused before"
            field = self._property(event, test.feature.property)
            return field_test(test, field, self.as_of, self.zone)

        return leaf

    def _property(self, event: Event, name: str) -> DocumentField:
        declared = event.property_named(name)
        assert declared is not None, "the pass `resolve` has seen to it that there is one"
        field = document_field(storage_of_property(declared))
        self.fields[field.read_from(event.at.table)] = None
        return field


def _of_event(test: ColumnTest) -> Query:
    """The documents that are of the event, as its `when` says."""
    if test.starts_with is not None:
        return all_of([exists(test.column), starts_with(test.column, test.starts_with, fold=False)])
    return one_of(test.column, test.values)


_NOBODY = Joined(())


def _put_together(how: Callable[[tuple[KeySet, ...]], KeySet], sets: Iterable[KeySet]) -> KeySet:
    """The sets, each once; one alone is itself."""
    unlike = tuple(dict.fromkeys(sets))
    return unlike[0] if len(unlike) == 1 else how(unlike)


in_all = partial(_put_together, Intersection)
in_any = partial(_put_together, Joined)
