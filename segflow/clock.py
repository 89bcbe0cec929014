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
