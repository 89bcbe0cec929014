"""A source within its limits: when it may be read, by how many at a time, and how many rows."""

from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.sql import Select

from segflow.compiler.hours import is_within, next_within
from segflow.engines.around import AroundEngine
from segflow.engines.slots import Slots
from segflow.errors import SourceClosedError, TooLargeError
from segflow.model.catalog import Limits, Source
from segflow.model.instant import Instant, format_instant
from segflow.ports import Clock, Engine, Keys, Selection, as_select

_Found = TypeVar("_Found", bound=Sized)


class LimitedEngine(AroundEngine):
    """Raises SourceClosedError outside of the hours of `windows`, and TooLargeError for a question
    that gives more than `rows`, of which the source then sends no more than that. `slots` are those
    of `concurrency`; hours are those of the zone."""

    def __init__(
        self, source: Source, engine: Engine, *, clock: Clock, zone: ZoneInfo, slots: Slots | None
    ) -> None:
        super().__init__(engine)
        self._source = source.name
        self._limits = source.limits or Limits()
        self._clock = clock
        self._zone = zone
        self._slots = slots

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine. What a table looks like may be asked at any hour."""
        with self._slot():
            return self._engine.columns(table)

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        return self._few(super().members(self._cut(selection), sets))

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine."""
        found = super().memberships(self._cut(selection), sets, count)
        if self._limits.rows is not None:
            self._few(reduce(or_, found))
        return found

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        return self._few(super().rows(statement))

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        return self._few(super().values(selection, sets))

    @contextmanager
    def _asking(self) -> Iterator[Engine]:
        """See AroundEngine."""
        self._refuse_closed()
        with self._slot():
            yield self._engine

    def _slot(self) -> AbstractContextManager[None]:
        return nullcontext() if self._slots is None else self._slots.one()

    def _refuse_closed(self) -> None:
        windows, now = self._limits.windows, Instant(self._clock.now())
        if not windows or is_within(windows, now, self._zone):
            return
        opens = next_within(windows, now, self._zone)
        raise SourceClosedError(
            f"source {self._source} may be read from {', '.join(windows)} ({self._zone.key})",
            hint=None if opens is None else f"the next time from {format_instant(opens)} on",
            opens=opens,
        )

    def _cut(self, selection: Selection) -> Selection:
        """The selection with no more than one row beyond those that there may be. Rows of users who
        are in none of its segments are not counted."""
        if self._limits.rows is None:
            return selection
        whole = as_select(selection.statement).subquery("whole")
        key, *masks = whole.c
        cut = select(key, *masks).order_by(key).limit(self._limits.rows + 1)
        if masks:
            cut = cut.where(reduce(or_, (mask != 0 for mask in masks)))
        return replace(selection, statement=cut)

    def _few(self, found: _Found) -> _Found:
        most = self._limits.rows
        if most is not None and len(found) > most:
            raise TooLargeError(
                f"source {self._source}: a question gives more than {most:,} rows",
                hint="`limits.rows` of the source allows no more",
            )
        return found
