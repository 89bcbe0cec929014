"""Applies that fail underway: abandoned with nothing deployed, and free to be done again."""

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segflow.app.apply import apply
from segflow.app.state import interrupted
from segflow.errors import (
    BlockedError,
    SourceUnavailableError,
    StalePlanError,
    StateUnavailableError,
    UnusableDataError,
)
from segflow.planner.planfile import to_bytes
from segflow.ports import SnapshotStore
from tests.faults import shop
from tests.faults.conftest import Stages, deploy_first
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, world_at

NOBODY: frozenset[int] = frozenset()
LATEST = frozenset(7 * number % shop.CUSTOMERS for number in range(112, 122))
"""Customers whose purchases, of the last six days too, the source holds at one time only."""


@dataclass(frozen=True, slots=True)
class FullDisk:
    """A snapshot store that can be read and takes nothing more after so many writes."""

    store: SnapshotStore
    left: list[None]

    def put(self, content: bytes) -> str:
        """Keep the bytes, as long as there is room."""
        if not self.left:
            raise StateUnavailableError("the disk is full")
        self.left.pop()
        return self.store.put(content)

    write = put

    def sync(self) -> None:
        """Nothing is left to do."""

    def get(self, digest: str) -> bytes:
        """The bytes under a digest."""
        return self.store.get(digest)


def test_something_new_on_what_the_plan_deletes_makes_it_stale(stages: Stages, tmp_path: Path):
    """Where a segment was deployed meanwhile that rests on a deleted one, nothing is deployed and
    the reason names what would be missing."""
    root = stages.copy(tmp_path)
    shop.write(root, shop.DELIVERY_BEFORE)
    (root / "segments" / "shop.yaml").write_text(
        shop.SEGMENTS_BEFORE + "---\nsegment: heir\nentity: customer\nwhere: {segment: gone}\n"
    )
    apply_at(root, shop.SECOND, to_bytes(plan_at(root, shop.SECOND)))
    shop.write(root, shop.DELIVERY_AFTER)
    before = ledger(root).snapshots
    with world_at(root, shop.SECOND) as world:
        with pytest.raises(StalePlanError, match="no segment 'gone'"):
            apply(world, stages.plan)
        assert not interrupted(world)
    assert ledger(root).snapshots == before


def test_drift_within_protect_is_told(stages: Stages, tmp_path: Path):
    """Where the source changed its past after the plan, the apply says by how many, and goes on."""
    root = stages.copy(tmp_path)
    shop.write_purchases(root, until=shop.SECOND, missing=LATEST)
    with world_at(root, shop.SECOND) as world:
        outcome = apply(world, stages.plan)
        drifted = {drift.segment: drift for drift in outcome.drift}
        assert set(drifted) == {"recent", "quiet", "big"}
        found, planned = drifted["recent"], stages.impact("recent")
        assert (found.planned_size, found.planned_left) == (planned.size_after, planned.left)
        assert found.size < found.planned_size
        assert str(found).startswith(f"recent: planned size {found.planned_size} (+")
        assert f", found {found.size} (+" in str(found)
    assert plan_at(root, shop.LATER).is_empty
    assert len(ledger(root).members["recent"]) == found.size


@pytest.mark.parametrize(
    ("limit", "at_plan", "at_apply"),
    [("{max_change: 60%}", NOBODY, LATEST), ("{max_size: 10}", LATEST, NOBODY)],
)
def test_drift_beyond_protect_is_refused(
    tmp_path: Path, limit: str, at_plan: frozenset[int], at_apply: frozenset[int]
):
    """What the plan saw was within the limit, what the apply finds is not: nothing is deployed."""
    root = tmp_path / "shop"
    deploy_first(root)
    shop.write_after(root)
    segments = root / "segments" / "shop.yaml"
    protected = f"within: 6d}}\nprotect: {limit}\n"
    segments.write_text(segments.read_text().replace("within: 6d}\n", protected))
    shop.write_purchases(root, until=shop.SECOND, missing=at_plan)
    plan = plan_at(root, shop.SECOND)
    assert not plan.blocked
    before = ledger(root)
    shop.write_purchases(root, until=shop.SECOND, missing=at_apply)
    with world_at(root, shop.SECOND) as world:
        with pytest.raises(BlockedError, match="segment.recent"):
            apply(world, plan)
        assert not interrupted(world)
        assert "segment.recent" in (world.state.applies()[0].abandoned or "")
    assert ledger(root) == before


def test_source_that_fails_underway_abandons_the_apply(stages: Stages, tmp_path: Path):
    """Where a source is gone nothing is deployed; once it is back the same plan is applied."""
    root = stages.copy(tmp_path)
    purchases = root / "data" / "purchases.parquet"
    purchases.rename(root / "purchases.parquet")
    with world_at(root, shop.SECOND) as world:
        with pytest.raises(SourceUnavailableError, match=r"^segment\.\w+: source "):
            apply(world, stages.plan)
        assert not interrupted(world)
        assert "purchases.parquet" in (world.state.applies()[0].abandoned or "")
    assert ledger(root) == stages.before
    (root / "purchases.parquet").rename(purchases)
    apply_at(root, shop.SECOND, to_bytes(stages.plan))
    assert ledger(root) == stages.after


def test_the_state_keeps_nothing_of_data_that_has_no_meaning(stages: Stages, tmp_path: Path):
    """The error quotes the value for the person who is there; the record of the apply does not."""
    root = stages.copy(tmp_path)
    file = root / "data" / "purchases.parquet"
    rows = pq.read_table(file)
    position = rows.schema.get_field_index("amount")
    amounts = pa.array(["ann@example.org"] * len(rows))
    pq.write_table(rows.set_column(position, "amount", amounts), file)
    with world_at(root, shop.SECOND) as world:
        with pytest.raises(
            UnusableDataError, match=r"^segment\.\w+: source \w+: .*ann@example\.org"
        ):
            apply(world, stages.plan)
        abandoned = world.state.applies()[0].abandoned
        assert abandoned is not None
        assert abandoned.startswith("UnusableDataError: a value does not fit the type")
        assert "ann" not in abandoned


@pytest.mark.parametrize("puts", [0, 1, 5])
def test_full_disk_abandons_the_apply(stages: Stages, tmp_path: Path, puts: int):
    """Where members can't be kept nothing is deployed; with room again the same plan is applied."""
    root = stages.copy(tmp_path)
    with world_at(root, shop.SECOND) as world:
        full = replace(world, snapshots=FullDisk(world.snapshots, [None] * puts))
        with pytest.raises(StateUnavailableError):
            apply(full, stages.plan)
        assert not interrupted(world)
    assert ledger(root) == stages.before
    apply_at(root, shop.SECOND, to_bytes(stages.plan))
    assert ledger(root) == stages.after
