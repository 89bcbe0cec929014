"""The lease: one row that says who may write, with a token that only grows."""

from typing import Any

from sqlalchemy import Connection, Row, select, update

from segflow.errors import LeaseLostError, LockedError
from segflow.model.duration import Duration
from segflow.model.instant import Instant, format_instant
from segflow.model.state import Lease
from segflow.store.tables import LEASE

# The row is locked until the transaction's end, where the database can lock rows; SQLite lets only
# one transaction write at all.
_ROW = select(LEASE).with_for_update()


def read_lease(connection: Connection) -> Lease | None:
    """The lease as recorded, expired or not."""
    return _lease(connection.execute(select(LEASE)).one())


def acquire(connection: Connection, owner: str, purpose: str, now: Instant, ttl: Duration) -> Lease:
    """Takes the lease under the next token. Raises LockedError where a living holder has it."""
    row = connection.execute(_ROW).one()
    held = _lease(row)
    if held is not None and held.expires_at > now:
        raise _locked(held, now)
    lease = Lease(
        owner=owner,
        token=row.token + 1,
        purpose=purpose,
        acquired_at=now,
        heartbeat_at=now,
        expires_at=_end(now, ttl),
    )
    _write(connection, lease)
    return lease


def renew(connection: Connection, lease: Lease, now: Instant, ttl: Duration) -> Lease:
    """Prolongs the lease, also an expired one that nobody took. Raises LeaseLostError."""
    held = require(connection, lease)
    renewed = Lease(
        owner=held.owner,
        token=held.token,
        purpose=held.purpose,
        acquired_at=held.acquired_at,
        heartbeat_at=now,
        expires_at=_end(now, ttl),
    )
    _write(connection, renewed)
    return renewed


def require(connection: Connection, lease: Lease) -> Lease:
    """The lease as recorded. Raises LeaseLostError where its token is not the newest, or it was
    given back or broken."""
    row = connection.execute(_ROW).one()
    held = _lease(row)
    if held is None or row.token != lease.token:
        raise LeaseLostError(
            f"{lease.owner} ({lease.purpose}) lost the right to write the state: {_taken(held)}",
            hint="nothing more was written; run the command again",
        )
    return held


def release(connection: Connection, lease: Lease) -> None:
    """Gives the lease back; harmless when it is lost."""
    if connection.execute(_ROW).one().token == lease.token:
        _clear(connection, lease.token)


def break_lease(connection: Connection) -> Lease | None:
    """Takes the lease from its holder, whose token is refused from then on."""
    held = _lease(connection.execute(_ROW).one())
    if held is not None:
        _clear(connection, held.token + 1)
    return held


def _lease(row: Row[Any]) -> Lease | None:
    if row.owner is None:
        return None
    return Lease(
        owner=row.owner,
        token=row.token,
        purpose=row.purpose,
        acquired_at=row.acquired_at,
        heartbeat_at=row.heartbeat_at,
        expires_at=row.expires_at,
    )


def _write(connection: Connection, lease: Lease) -> None:
    connection.execute(
        update(LEASE).values(
            owner=lease.owner,
            token=lease.token,
            purpose=lease.purpose,
            acquired_at=lease.acquired_at,
            heartbeat_at=lease.heartbeat_at,
            expires_at=lease.expires_at,
        )
    )


def _clear(connection: Connection, token: int) -> None:
    connection.execute(
        update(LEASE).values(
            owner=None,
            token=token,
            purpose=None,
            acquired_at=None,
            heartbeat_at=None,
            expires_at=None,
        )
    )


def _end(now: Instant, ttl: Duration) -> Instant:
    if ttl.milliseconds is None:
        raise ValueError(f"a lease can't last {ttl}: a month has no exact length")
    return Instant(now + ttl.milliseconds)


def _locked(held: Lease, now: Instant) -> LockedError:
    return LockedError(
        f"the state is locked by {held.owner} ({held.purpose}) "
        f"since {format_instant(held.acquired_at)}; its last heartbeat was "
        f"{_seconds(now - held.heartbeat_at)} ago and its lease ends in "
        f"{_seconds(held.expires_at - now)}, at {format_instant(held.expires_at)}",
        hint="wait for it to end; if that process is surely dead, run: segflow state unlock",
    )


def _taken(held: Lease | None) -> str:
    return (
        "it was given back or broken" if held is None else f"{held.owner} ({held.purpose}) has it"
    )


def _seconds(milliseconds: int) -> str:
    return f"{max(milliseconds, 0) // 1000} s"
