"""Durations: exact ones in milliseconds, and calendar steps in months."""

import re
from dataclasses import dataclass

_EXACT = {"s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_CALENDAR = {"mo": 1, "y": 12}
_SHAPE = re.compile(r"(?P<count>[0-9]+)(?P<unit>s|min|h|d|w|mo|y)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A length of time: `count` of one `unit`.

    s, min, h, d (24 h) and w (7 d) are exact; mo and y are steps in the calendar of a zone that
    clip to the month's end, so their length depends on where they start.
    """

    count: int
    unit: str

    def __post_init__(self) -> None:
        if self.unit not in _EXACT and self.unit not in _CALENDAR:
            raise ValueError(f"unknown unit of time {self.unit!r}")
        if self.count < 0:
            raise ValueError("a duration is not negative")

    @property
    def milliseconds(self) -> int | None:
        """The exact length, or None for a calendar step."""
        factor = _EXACT.get(self.unit)
        return None if factor is None else factor * self.count

    @property
    def months(self) -> int | None:
        """The number of calendar months, or None for an exact duration."""
        factor = _CALENDAR.get(self.unit)
        return None if factor is None else factor * self.count

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


def parse_duration(text: str) -> Duration:
    """Read "7d", "30min", "3mo"; raises ValueError with the reason (a bare m is ambiguous)."""
    match = _SHAPE.match(text)
    if match:
        return Duration(count=int(match["count"]), unit=match["unit"])
    if re.match(r"[0-9]+m\Z", text):
        raise ValueError(f"{text!r} is ambiguous: write {text}in for minutes or {text}o for months")
    raise ValueError(f"{text!r} is not a duration: a whole number and s, min, h, d, w, mo or y")
