"""The only file that asks what time it is; everything else takes a Clock or an instant."""

import time


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """The present instant in milliseconds since 1970-01-01T00:00:00Z, floored."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never go backwards, for measuring how long something took."""
        return time.monotonic()


class VirtualClock:
    """A clock that stands at an instant until it is set: time as a replay lets it pass."""

    def __init__(self, instant: int) -> None:
        self._instant = instant

    def set(self, instant: int) -> None:
        """It is that instant now: milliseconds since the Unix epoch, UTC."""
        self._instant = instant

    def now(self) -> int:
        """The instant that was set."""
        return self._instant

    def monotonic(self) -> float:
        """The same in seconds."""
        return self._instant / 1000
