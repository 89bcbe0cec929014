"""Reading what is deployed: all of one serial, and the same objects that were applied."""

from dataclasses import replace

import pytest

from segflow.errors import CorruptStateError, UnsupportedVersionError
from segflow.executor.deployed import Deployed, compile_deployed, decoded, read_deployed
from segflow.model.address import Address
from segflow.model.codec import canonical, digest
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.predicate import InFile, InSegment
from segflow.model.state import ApplyRecord, DeployedObject, StateVersion
from segflow.ports import StateCommit
from segflow.store.state import SqlStateStore
from tests.executor.test_evaluate import ENTITY, FROZEN, SOURCE, VIPS, segment
from tests.executor.worlds import effects

VERSION = StateVersion(lineage="lineage", serial=1, project="shop")


def row(thing, *lists: tuple[str, str]) -> DeployedObject:
    text = canonical(thing)
    return DeployedObject(
        address=thing.address, canonical=text, fingerprint=digest(text), lists=lists
    )


def deployed(*rows: DeployedObject) -> Deployed:
    return Deployed(version=VERSION, objects={found.address: found for found in rows})


class Busy:
    """A state in which somebody commits between the first reads."""

    def __init__(self, state: SqlStateStore, commit) -> None:
        self._state = state
        self._commit = commit

    def __getattr__(self, name: str):
        return getattr(self._state, name)

    def deployed(self):
        found = self._state.deployed()
        if self._commit is not None:
            self._commit, commit = None, self._commit
            commit()
        return found


def test_reading_is_of_one_serial():
    """Objects of one serial never stand beside snapshots or a version of another."""
    world = effects()
    state = world.state

    def commit() -> None:
        lease = state.acquire("other", "apply", Instant(0), Duration(count=1, unit="h"))
        state.begin_apply(lease, ApplyRecord(id="a", plan_id="p", plan=b"", started_at=Instant(0)))
        state.commit_apply(lease, "a", StateCommit(put=(row(SOURCE),)), Instant(0))

    found = read_deployed(Busy(state, commit))
    assert found.version is not None
    assert (found.version.serial, set(found.objects)) == (1, {SOURCE.address})


def test_no_state_is_nothing_deployed():
    """Where no state was made there is nothing, and nothing is made."""
    state = SqlStateStore("sqlite://")
    assert read_deployed(state) == Deployed()
    assert state.version() is None


def test_lists_come_from_what_was_kept():
    """A deployed segment sees the list as it was when it was applied."""
    world = effects()
    kept = digest(VIPS.content)
    lease = world.state.acquire("tester", "apply", Instant(0), Duration(count=1, unit="h"))
    world.state.put_blob(lease, kept, VIPS.content)
    invited = segment("invited", InFile(path=VIPS.path))
    found = deployed(row(SOURCE), row(ENTITY), row(invited, (VIPS.path, kept)))
    compiled = compile_deployed(found, world.state)
    assert compiled.project.lists[VIPS.path].keys == VIPS.keys


def test_lost_copy_of_a_list_is_corruption():
    """A list that was kept and is not there any more is no empty list."""
    invited = segment("invited", InFile(path=VIPS.path))
    found = deployed(row(SOURCE), row(ENTITY), row(invited, (VIPS.path, digest(b"lost"))))
    with pytest.raises(CorruptStateError, match=r"lists/vips\.csv"):
        compile_deployed(found, effects().state)


def test_what_can_not_be_compiled_needs_another_version():
    """Deployed objects that this version refuses are told as such, not as the user's mistake."""
    found = deployed(row(SOURCE), row(ENTITY), row(segment("odd", InSegment(segment="nobody"))))
    with pytest.raises(UnsupportedVersionError, match="nobody"):
        compile_deployed(found, effects().state)


def test_unreadable_object_is_corruption():
    """Canonical JSON that nobody can have written is told with its address."""
    with pytest.raises(CorruptStateError, match=r"segment\.x"):
        decoded(Address("segment", "x"), '{"$":"Nothing"}')


def test_static_is_told_by_what_is_deployed():
    """Whether a set is frozen is a matter of the deployed object."""
    found = deployed(row(FROZEN), row(replace(FROZEN, name="moving", mode="dynamic")))
    assert found.is_static("frozen")
    assert not found.is_static("moving")
    assert not found.is_static("unknown")
