"""Secrets: taken from the environment at the moment of use, and masked in whatever goes wrong."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from segflow.engines.around import AroundEngine
from segflow.errors import RefusedError, SegflowError, told_as
from segflow.model.settings import SecretRef
from segflow.ports import Engine


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
        message = error.message.replace(value, str(secret))
        hint = error.hint and error.hint.replace(value, str(secret))
        # The chain of causes would show the value in a traceback.
        raise told_as(error, message, hint) from None


class MaskedEngine(AroundEngine):
    """An engine that was opened with a secret; its errors do not show it."""

    def __init__(self, engine: Engine, secret: SecretRef, value: str) -> None:
        super().__init__(engine)
        self._secret = secret
        self._value = value

    @contextmanager
    def _asking(self) -> Iterator[Engine]:
        """See AroundEngine."""
        with masking(self._secret, self._value):
            yield self._engine
