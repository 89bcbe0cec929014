"""Secrets: taken from the environment at the moment of use, and masked in whatever goes wrong."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.sql import Select

from segflow.errors import RefusedError, SegflowError
from segflow.model.settings import SecretRef
from segflow.ports import Engine, Keys, Selection, Statement


def filled(secret: SecretRef) -> str:
    """The value of a secret. Raises RefusedError where the environment does not have it."""
    value = os.environ.get(secret.name)
    if not value:
        raise RefusedError(
            f"the secret {secret.name} is not set", hint=f"export {secret.name}=… and try again"
        )
    return value


@contextmanager
def masking(secret: SecretRef, value: str) -> Iterator[None]:
    """Errors raised inside show `${NAME}` where they held the secret's value."""
    try:
        yield
    except SegflowError as error:
        if value not in error.message and value not in (error.hint or ""):
            raise
        hint = None if error.hint is None else error.hint.replace(value, str(secret))
        # The chain of causes would show the value in a traceback.
        raise type(error)(error.message.replace(value, str(secret)), hint=hint) from None


class MaskedEngine:
    """An engine that was opened with a secret; its errors do not show it."""

    def __init__(self, engine: Engine, secret: SecretRef, value: str) -> None:
        self._engine = engine
        self._secret = secret
        self._value = value

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine."""
        with masking(self._secret, self._value):
            return self._engine.columns(table)

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        with masking(self._secret, self._value):
            return self._engine.members(selection, sets)

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine."""
        with masking(self._secret, self._value):
            return self._engine.memberships(selection, sets, count)

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with masking(self._secret, self._value):
            return self._engine.rows(statement)

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        with masking(self._secret, self._value):
            return self._engine.values(selection, sets)

    def render(self, statement: Statement) -> str:
        """See Engine."""
        return self._engine.render(statement)

    def close(self) -> None:
        """See Engine."""
        self._engine.close()
