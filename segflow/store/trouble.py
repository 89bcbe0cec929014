"""Trouble of the database and the file system in segflow's words: retry, or a person must look."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from segflow.errors import CorruptStateError, SegflowError, StateUnavailableError

RESTORE = "restore it from a backup; nothing was changed"

_AGAIN = "another process is writing; try again"
_RIGHTS = "let this user read and write the file and its folder: SQLite writes there to read, too"
_DISK = "look at the disk's free space and health, then try again"
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: ("is busy", _AGAIN),
    sqlite3.SQLITE_LOCKED: ("is busy", _AGAIN),
    sqlite3.SQLITE_READONLY: ("can't be written", _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: ("can't be opened", _RIGHTS),
    sqlite3.SQLITE_PERM: ("can't be opened", _RIGHTS),
    sqlite3.SQLITE_FULL: ("can't grow: the disk is full", _DISK),
    sqlite3.SQLITE_IOERR: ("can't be read or written: the disk failed or is full", _DISK),
}
_CORRUPT = {
    sqlite3.SQLITE_NOTADB: "is no SQLite database",
    sqlite3.SQLITE_CORRUPT: "is damaged",
}


@contextmanager
def database_trouble(place: str) -> Iterator[None]:
    """Turns what goes wrong with the database at `place` into StateUnavailableError where trying
    again may help, and into CorruptStateError where it does not."""
    try:
        yield
    except DBAPIError as error:
        raise _explained(error.orig or error, place) from error
    except sqlite3.Error as error:
        raise _explained(error, place) from error
    except OSError as error:
        raise unreachable(f"the state database {place}", error) from error


def unreachable(what: str, error: Exception) -> StateUnavailableError:
    """`what` can't be read or written, for the operating system's reason where it gave one. An
    error's own text is left out: it may hold a url with its password."""
    reason = getattr(error, "strerror", None) or type(error).__name__
    return StateUnavailableError(
        f"{what} can't be read or written: {reason}",
        hint="look at the path, the rights on it and the disk's free space, then try again",
    )


def _explained(error: BaseException, place: str) -> SegflowError:
    # The low byte is the kind of trouble; the rest says more than a person needs.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _UNAVAILABLE:
        reason, hint = _UNAVAILABLE[code]
        return StateUnavailableError(f"the state database {place} {reason}", hint=hint)
    reason = _CORRUPT.get(code, f"does not hold what its version should: {error}")
    return CorruptStateError(f"the state database {place} {reason}", hint=RESTORE)
