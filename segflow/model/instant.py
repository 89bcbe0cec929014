"""Instants: whole milliseconds since 1970-01-01T00:00:00Z, and their text."""

from datetime import UTC, datetime, timedelta
from typing import NewType

Instant = NewType("Instant", int)
"""Milliseconds since the Unix epoch, UTC; floored, so that every store can hold it exactly."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(moment: datetime) -> Instant:
    """The instant of an aware datetime, floored to milliseconds. A naive one raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone is not an instant")
    return Instant((moment - _EPOCH) // timedelta(milliseconds=1))


def datetime_of(instant: Instant) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(milliseconds=instant)


def parse_instant(text: str) -> Instant:
    """Read ISO 8601 with an offset or Z ("2026-01-31T00:00:00Z"); else ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset: end it with Z or +hh:mm")
    return instant_of(moment)


def format_instant(instant: Instant) -> str:
    """ISO 8601 in UTC with Z; milliseconds only where they are not zero."""
    moment = datetime_of(instant)
    spec = "milliseconds" if instant % 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"
