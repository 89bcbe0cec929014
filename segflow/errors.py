"""Exceptions for trouble in the world; each says by its class whether trying again can help.

SegflowError
├── RefusedError            not allowed as things stand; doing it again changes nothing
│   ├── InvalidProjectError     the project's text has errors; carries the Report
│   ├── StalePlanError          the state moved since the plan was made
│   ├── PlanAppliedError        this very plan was applied before
│   ├── ForeignPlanError        the plan was made for another project's state
│   ├── BlockedError            a guard (protect, prevent_destroy) forbids it
│   ├── NotDeployedError        the object is not in the deployed state
│   ├── TooLargeError           a query is larger than its engine takes; a part of it may not be
│   └── UnusableDataError       a source holds data that has no meaning here (a negative key, say)
├── RetryableError          the same request may succeed later
│   ├── LockedError             somebody else holds the lease
│   ├── SourceUnavailableError  a source can't be reached or timed out
│   │   ├── SourceClosedError       a source may not be read at this hour
│   │   └── SourceSilentError       a source's server does not even greet
│   ├── StaleSnapshotError      a segment was not refreshed as often as it declares
│   └── StateUnavailableError   the state database or the snapshot store can't be read or written
└── GiveUpError             something is broken for good; a person must look
    ├── LeaseLostError          our fencing token is no longer the newest: stop writing at once
    ├── CorruptStateError       stored bytes do not match what was recorded of them
    └── UnsupportedVersionError a file or database was written by a newer segflow
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy

from segflow.diagnostics import Report


class SegflowError(Exception):
    """The root of every exception that segflow raises on purpose.

    `hint` is one sentence on what the person can do; it is printed under the message.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class RefusedError(SegflowError):
    """Not allowed as things stand; the same request will be refused again."""


class InvalidProjectError(RefusedError):
    """The project's text has errors; `report` holds every diagnostic."""

    def __init__(self, report: Report) -> None:
        super().__init__("the project is not valid")
        self.report = report


class StalePlanError(RefusedError):
    """What the plan was made against has changed since; the message names the objects."""


class PlanAppliedError(RefusedError):
    """The same plan was applied before; a plan is applied once."""


class ForeignPlanError(RefusedError):
    """The plan belongs to another lineage or project."""


class BlockedError(RefusedError):
    """A guard forbids the change; the message says which, and what would lift it."""


class NotDeployedError(RefusedError):
    """The named object is not part of the deployed state."""


class TooLargeError(RefusedError):
    """A query has more parts than its engine takes; one that asks for less may have fewer."""


class UnusableDataError(RefusedError):
    """A source's data has no meaning here: a negative key, two rows for one key, a wrong type."""


class RetryableError(SegflowError):
    """The same request may succeed later."""


class LockedError(RetryableError):
    """Another process holds the lease; the message says who, since when and until when."""


class SourceUnavailableError(RetryableError):
    """A source can't be reached, or did not answer in time."""


class SourceClosedError(SourceUnavailableError):
    """A source may not be read at this hour; `opens` is the next instant at which it may, in
    milliseconds since the Unix epoch."""

    def __init__(self, message: str, *, hint: str | None = None, opens: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.opens = opens


class SourceSilentError(SourceUnavailableError):
    """A source's server says nothing at all, which takes time to find out: whoever asks for much
    asks it no further."""


class StaleSnapshotError(RetryableError):
    """A segment's last snapshot is older than its refresh allows; the next refresh mends it."""


class StateUnavailableError(RetryableError):
    """The state database or the snapshot store can't be read or written."""


class GiveUpError(SegflowError):
    """Something is broken in a way that no retry mends."""


class LeaseLostError(GiveUpError):
    """A newer holder has the lease; this process must not write any more."""


class CorruptStateError(GiveUpError):
    """Stored bytes do not have the digest, or records the shape, that was recorded for them."""


class UnsupportedVersionError(GiveUpError):
    """Written by a newer version of segflow than this one."""


def told_as(error: SegflowError, message: str, hint: str | None) -> SegflowError:
    """The same error in other words."""
    told = copy(error)
    told.message, told.args, told.hint = message, (message,), hint
    return told


@contextmanager
def asking_for(what: object) -> Iterator[None]:
    """What a source refuses or fails to answer inside names the object that it was asked for."""
    try:
        yield
    except (SourceUnavailableError, RefusedError) as error:
        raise told_as(error, f"{what}: {error.message}", error.hint) from error


def reason_to_keep(error: BaseException) -> str:
    """What may be kept for ever, and logged, of an error: its message, but only the error's name
    and its hint, which is ours, where the message may quote a source's data."""
    if isinstance(error, UnusableDataError):
        return ": ".join(filter(None, (type(error).__name__, error.hint)))
    return str(error) if isinstance(error, SegflowError) else type(error).__name__
