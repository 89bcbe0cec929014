"""Time, chance, progress, logs and crashes: what surrounds all work."""

from typing import Literal, Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """The present instant: milliseconds since the Unix epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""


class Chance(Protocol):
    """Draws what nobody can foresee, not even from what it drew before."""

    def __call__(self, count: int, /) -> bytes:
        """So many bytes, each value as likely as any other."""


class Progress(Protocol):
    """Is told how far long work has come; shows it or does not."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` parts of `what` are finished. Never raises."""


class Failpoint(Protocol):
    """Is passed at every place where a crash must be harmless; tests make it kill the process."""

    def __call__(self, name: str) -> None:
        """Do nothing, or end the process on the spot."""


class Pause(Protocol):
    """Waits, unless work has to stop."""

    def __call__(self, seconds: float) -> bool:
        """Wait so long and return True; False, and without waiting any longer, once work has to
        stop."""


class Log(Protocol):
    """Is told what happens while nobody looks: a name in words, and facts about it."""

    def __call__(
        self,
        event: str,
        *,
        level: Literal["info", "warning", "alarm"] = "info",
        **facts: str | int | float | bool | None,
    ) -> None:
        """Tell it. An alarm is for a person to act upon. Facts hold no secrets and nothing of
        users but their number. Never raises."""
