"""What a reader of the state can see, as one value, so that two states can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from segflow.app.wiring import World, open_world
from segflow.membership.bitmaps import from_bytes
from segflow.model.address import Address
from segflow.model.project import Settings
from segflow.model.run import Stock
from segflow.model.state import DeployedObject, LogEntry, Snapshot, StateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Deployed state, current snapshots with their members, every log, and the stock of offers.
    When an object was deployed is left out: it is when the apply was finished."""

    version: StateVersion | None
    objects: Mapping[Address, DeployedObject]
    snapshots: Mapping[str, Snapshot]
    members: Mapping[str, tuple[int, ...]]
    logs: Mapping[str, tuple[LogEntry, ...]]
    files: Mapping[str, bytes | None]
    stock: tuple[Stock, ...]
    applied: tuple[tuple[str, int | None], ...]


def ledger(root: Path) -> Ledger:
    """What a reader sees; every byte that a record points to must be there and be whole."""
    with open_world(Settings(name="shop"), root) as world:
        return _of(world)


def _of(world: World) -> Ledger:
    state = world.state
    objects, snapshots = state.deployed(), state.snapshots()
    names = {address.name for address in objects if address.kind == "segment"} | {"gone"}
    logs = {name: tuple(state.log(name)) for name in sorted(names)}
    for entry in (entry for log in logs.values() for entry in log):
        for digest in (entry.entered_digest, entry.exited_digest):
            if digest is not None:
                from_bytes(world.snapshots.get(digest))
    assert all(found.deployed_at is not None for found in objects.values())
    kept = {digest for found in objects.values() for _, digest in found.files}
    return Ledger(
        version=state.version(),
        objects={name: replace(found, deployed_at=None) for name, found in objects.items()},
        snapshots=snapshots,
        members={
            name: tuple(from_bytes(world.snapshots.get(found.digest)))
            for name, found in snapshots.items()
        },
        logs=logs,
        files={digest: state.blob(digest) for digest in sorted(kept)},
        stock=tuple(world.ledger.stock(offer) for offer in ("five", "ten")),
        applied=tuple(
            (record.plan_id, record.serial)
            for record in state.applies()
            if record.serial is not None
        ),
    )
