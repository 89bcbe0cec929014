"""Leases: a row per name that says who may write, with a token that only grows."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from segflow.errors import LeaseLostError, LockedError
from segflow.model.duration import Duration
from segflow.model.instant import Instant, format_instant
from segflow.model.state import Lease, LeaseName
from segflow.store.tables import LEASES

_RIGHTS: Mapping[LeaseName, str] = {"state": "write the state", "runner": "run rules"}
_REFUSALS: Mapping[LeaseName, tuple[str, str]] = {
    "state": (
        "the state is locked by",
        "wait for it to end; if that process is surely dead, run: segflow state unlock",
    ),
    "runner": (
        "the rules of this state are run by",
        "one process at a time does: stop that one; if it is surely dead, "
        "run: segflow state unlock --runner",
    ),
}


def read_lease(connection: Connection, name: LeaseName) -> Lease | None:
    """The lease as recorded, expired or not."""
    return _lease(connection.execute(_of(name)).one())


def acquire(
    connection: Connection,
    name: LeaseName,
    owner: str,
    purpose: str,
    now: Instant,
    ttl: Duration,
) -> Lease:
    """Takes the lease under the next token. Raises LockedError where a living holder has it."""
    row = _locked_row(connection, name)
    held = _lease(row)
    if held is not None and held.expires_at > now:
        raise _refusal(held, now)
    lease = Lease(
        name=name,
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
    held = require(connection, lease, lease.name)
    renewed = replace(held, heartbeat_at=now, expires_at=_end(now, ttl))
    _write(connection, renewed)
    return renewed


def require(connection: Connection, lease: Lease, name: LeaseName) -> Lease:
    """The lease as recorded. Raises LeaseLostError where its token is not the newest, or it was
    given back or broken, and ValueError where it gives another right than `name`."""
    if lease.name != name:
        raise ValueError(f"a lease to {_RIGHTS[lease.name]} gives no right to {_RIGHTS[name]}")
    row = _locked_row(connection, name)
    held = _lease(row)
    if held is None or row.token != lease.token:
        raise LeaseLostError(
            f"{lease.owner} ({lease.purpose}) lost the right to {_RIGHTS[name]}: {_taken(held)}",
            hint="nothing more was written; run the command again",
        )
    return held


def release(connection: Connection, lease: Lease) -> None:
    """Gives the lease back; harmless when it is lost."""
    if _locked_row(connection, lease.name).token == lease.token:
        _clear(connection, lease.name, lease.token)


def break_lease(connection: Connection, name: LeaseName) -> Lease | None:
    """Takes the lease from its holder, whose token is refused from then on."""
    held = _lease(_locked_row(connection, name))
    if held is not None:
        _clear(connection, name, held.token + 1)
    return held


def _of(name: LeaseName) -> Select[Any]:
    return select(LEASES).where(LEASES.c.name == name)


def _locked_row(connection: Connection, name: LeaseName) -> Row[Any]:
    # Locked until the transaction's end, where the database can lock rows; SQLite lets only one
    # transaction write at all.
    return connection.execute(_of(name).with_for_update()).one()


def _lease(row: Row[Any]) -> Lease | None:
    if row.owner is None:
        return None
    return Lease(**row._mapping)


def _write(connection: Connection, lease: Lease) -> None:
    connection.execute(update(LEASES).where(LEASES.c.name == lease.name).values(asdict(lease)))


def _clear(connection: Connection, name: LeaseName, token: int) -> None:
    connection.execute(
        update(LEASES)
        .where(LEASES.c.name == name)
        .values(
            token=token,
            owner=None,
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


def _refusal(held: Lease, now: Instant) -> LockedError:
    what, hint = _REFUSALS[held.name]
    return LockedError(
        f"{what} {held.owner} ({held.purpose}) "
        f"since {format_instant(held.acquired_at)}; its last heartbeat was "
        f"{_seconds(now - held.heartbeat_at)} ago and its lease ends in "
        f"{_seconds(held.expires_at - now)}, at {format_instant(held.expires_at)}",
        hint=hint,
    )


def _taken(held: Lease | None) -> str:
    return (
        "it was given back or broken" if held is None else f"{held.owner} ({held.purpose}) has it"
    )


def _seconds(milliseconds: int) -> str:
    return f"{max(milliseconds, 0) // 1000} s"
