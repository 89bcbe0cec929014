"""What a commit does to the state, all of it in one transaction of the caller's."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from segflow.errors import CorruptStateError, NotDeployedError
from segflow.model.instant import Instant
from segflow.model.state import Membership, StateVersion
from segflow.ports import StateCommit
from segflow.store import applies, costs, histories, identity, inventory, objects


def deploy(
    connection: Connection, apply_id: str, commit: StateCommit, now: Instant
) -> StateVersion:
    """The whole of an apply: objects, histories, codes, the next serial, the end of the apply.

    Raises RefusedError where the apply is not underway or a snapshot is too old, and
    CorruptStateError where objects and histories would not agree afterwards.
    """
    applies.require_unfinished(connection, apply_id)
    objects.remove(connection, commit.delete)
    objects.put(connection, commit.put, now)
    histories.extend(connection, commit.dropped, commit.memberships)
    costs.note(connection, commit.memberships)
    _check_agreement(connection, commit.memberships)
    _restock(connection, commit)
    version = identity.next_version(connection, commit.timezone)
    applies.finish(connection, apply_id, now, version.serial)
    return version


def refresh(connection: Connection, memberships: Sequence[Membership]) -> StateVersion:
    """New snapshots of deployed segments, and the next serial. Raises as deploy() does."""
    histories.extend(connection, (), memberships)
    costs.note(connection, memberships)
    _check_agreement(connection, memberships)
    return identity.next_version(connection)


def _restock(connection: Connection, commit: StateCommit) -> None:
    for address in commit.delete:
        if address.kind == "offer":
            inventory.withdraw(connection, address.name)
    for offer, codes in commit.withdrawn:
        inventory.withdraw(connection, offer, codes)
    for offer, codes in commit.codes:
        inventory.add(connection, offer, codes)


def _check_agreement(connection: Connection, memberships: Sequence[Membership]) -> None:
    definitions = objects.definitions(connection)
    for membership in memberships:
        _check_definition(definitions, membership)
    for segment in histories.segments_with_members(connection):
        if segment not in definitions:
            raise CorruptStateError(
                f"segment.{segment} would be deleted while it has members on record",
                hint="nothing was recorded; this is a fault in segflow, please report it",
            )


def _check_definition(definitions: Mapping[str, str | None], membership: Membership) -> None:
    snapshot = membership.snapshot
    if snapshot.segment not in definitions:
        raise NotDeployedError(
            f"segment.{snapshot.segment} is not deployed, so it can have no members on record",
            hint="run: segflow apply",
        )
    if definitions[snapshot.segment] != snapshot.definition:
        raise CorruptStateError(
            f"the snapshot of segment.{snapshot.segment} was made with another definition than "
            "the deployed one",
            hint="nothing was recorded; this is a fault in segflow, please report it",
        )
