"""Nothing is recorded as of an instant that has not come: the log could never go on before it."""

from segflow.errors import RefusedError
from segflow.model.duration import Duration
from segflow.model.instant import Instant, format_instant

SKEW = Duration(count=5, unit="min")
"""How far two machines' clocks may differ: a plan is often applied elsewhere than it was made."""


def refuse_ahead(as_of: Instant, now: Instant, option: str = "--as-of") -> None:
    """Raises RefusedError for an instant, of that option, further ahead than clocks may differ."""
    if as_of > now + (SKEW.milliseconds or 0):
        raise RefusedError(
            f"{format_instant(as_of)} has not come yet; it is {format_instant(now)} here",
            hint=f"nobody's membership is known at an instant to come; take an earlier {option}",
        )
