"""What stands around engines: it says which engine is asked, and what holds while it is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.sql import Select

from segflow.model.instant import Instant
from segflow.ports import Engine, Keys, Reached, Selection, Statement, Volume


class AroundEngine(ABC):
    """An engine that is asked through another. `engine` renders statements."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @abstractmethod
    def _asking(self) -> AbstractContextManager[Engine]:
        """The engine that answers one question, until the answer is there."""

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine."""
        with self._asking() as engine:
            return engine.columns(table)

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        with self._asking() as engine:
            return engine.members(selection, sets)

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine."""
        with self._asking() as engine:
            return engine.memberships(selection, sets, count)

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with self._asking() as engine:
            return engine.rows(statement)

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with self._asking() as engine:
            return engine.values(selection, sets)

    def reached(self) -> Reached:
        """See Engine."""
        with self._asking() as engine:
            return engine.reached()

    def newest(self, table: str, column: str) -> Instant | None:
        """See Engine."""
        with self._asking() as engine:
            return engine.newest(table, column)

    def read_so_far(self) -> Volume:
        """See Engine."""
        return self._engine.read_so_far()

    def render(self, statement: Statement) -> str:
        """See Engine."""
        return self._engine.render(statement)

    def close(self) -> None:
        """See Engine."""
        self._engine.close()
