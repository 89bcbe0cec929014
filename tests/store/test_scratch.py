"""A copy to rehearse on: it starts as the state is, and nothing of it comes back."""

import threading

import pytest
from pyroaring import BitMap64

from segflow.errors import StateUnavailableError
from segflow.membership.bitmaps import to_bytes
from segflow.store.ledger import SqlLedger
from segflow.store.scratch import scratch_copy
from segflow.store.snapshots import FsspecSnapshotStore
from segflow.store.state import SqlStateStore
from tests.store.records import MINUTE, apply, channel
from tests.store.run_records import decided, of_offer, runner, sends, settle, stocked
from tests.store.story import seen, tell


@pytest.fixture
def state(tmp_path):
    with SqlStateStore(f"sqlite:///{tmp_path}/state.db") as store:
        yield store


@pytest.fixture
def snapshots(tmp_path):
    return FsspecSnapshotStore(str(tmp_path / "snapshots"))


def files(folder):
    return {found: found.read_bytes() for found in folder.rglob("*") if found.is_file()}


def test_a_copy_says_what_the_state_says(state, snapshots):
    """All of it but the leases: those are free, whoever holds them in the state."""
    tell(state)
    before = seen(state)
    with scratch_copy(state, snapshots) as copy:
        found = seen(copy.state)
        assert copy.state.lease() is None
        assert copy.state.lease("runner") is None
    leases = {"lease", "lease to run rules"}
    assert {name for name in before if before[name] != found[name]} == leases


def test_nothing_comes_back_from_a_copy(state, snapshots, tmp_path):
    """Neither objects nor runs, codes, leases or snapshots; and no file is made."""
    tell(state)
    old = snapshots.put(b"old")
    before = files(tmp_path)
    with scratch_copy(state, snapshots) as copy:
        lease = copy.state.acquire("ann", "replay", 0, MINUTE)
        copy.state.abandon_apply(lease, "apply-5", "not now", 0)
        apply(copy.state, lease, 6, put=(channel("new"),))
        decided(copy.ledger, runner(copy.state), 77)
        new = copy.snapshots.put(to_bytes(BitMap64([1])))
        assert copy.snapshots.get(new) == to_bytes(BitMap64([1]))
        assert copy.snapshots.get(old) == b"old"
        assert files(tmp_path) == before
    assert files(tmp_path) == before


def test_a_span_can_be_run_anew(state, snapshots):
    """Its runs and sends are forgotten and their codes free; what was before it stays."""
    state.create("lineage", "shop")
    stocked(state, "AAA", "BBB", "CCC")
    ledger, lease = SqlLedger(state.database), runner(state)
    for at in (10, 20, 30):
        of = decided(ledger, lease, at)
        made = sends(of, [at])
        settle(ledger, lease, ledger.claim(lease, made, of_offer(made)), "delivered")

    with scratch_copy(state, snapshots, since=20) as copy:
        assert [of.scheduled for of in copy.ledger.runs()] == [10]
        assert copy.ledger.reached(0, 99, rule=None, channel=None) == {10: 1}
        assert list(copy.ledger.exposures("winback@20")) == []
        assert copy.ledger.stock("five").free == 2
        again = runner(copy.state)
        made = sends(decided(copy.ledger, again, 20), [20])
        assert copy.ledger.claim(again, made, of_offer(made))[0].code == "BBB"
    assert [of.scheduled for of in ledger.runs()] == [30, 20, 10]
    assert ledger.stock("five").free == 0


def test_a_copy_serves_several_threads(state, snapshots):
    """A heartbeat beside the work does not disturb it."""
    state.create("lineage", "shop")
    with scratch_copy(state, snapshots) as copy:
        lease = runner(copy.state)
        beats = [
            threading.Thread(target=copy.state.renew, args=(lease, number, MINUTE))
            for number in range(20)
        ]
        for number, beat in enumerate(beats):
            beat.start()
            decided(copy.ledger, lease, number)
        for beat in beats:
            beat.join()
        assert len(copy.ledger.runs()) == 20
        assert copy.state.lease("runner").heartbeat_at in range(20)


def test_a_state_that_was_not_made_has_no_copy(state, snapshots, tmp_path):
    """The message says what makes one."""
    with (
        pytest.raises(StateUnavailableError, match="there is no state database") as caught,
        scratch_copy(state, snapshots),
    ):
        pass
    assert "segflow apply" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
