"""Whatever happens to segments: snapshots and log tell the same members at each instant."""

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.membership.bitmaps import from_bytes
from segflow.membership.changes import Previous
from segflow.membership.draft import draft_exit, draft_membership
from segflow.membership.log import members_at
from segflow.model.address import Address
from segflow.store.snapshots import FsspecSnapshotStore
from segflow.store.state import SqlStateStore
from tests.membership.sets import Dropped, Refreshed, happenings
from tests.store.records import MINUTE, apply, segment

NAMES = ("vip", "lapsed")


class Keeper:
    """Brings what happens into both stores, and remembers what should be read at which instant."""

    def __init__(self):
        self.store = SqlStateStore("sqlite://")
        self.snapshots = FsspecSnapshotStore("memory://histories")
        self.store.create("lineage", "shop")
        self.lease = self.store.acquire("ann", "apply", 0, MINUTE)
        self.now, self.writes = 0, 0
        self.expected = []

    def take(self, name, happening):
        self.now += happening.later
        match happening:
            case Refreshed():
                self._refresh(name, happening)
            case Dropped() if name in self.store.snapshots():
                self._drop(name)

    def read(self, digest):
        return from_bytes(self.snapshots.get(digest))

    def _refresh(self, name, happening):
        current = self.store.snapshots().get(name)
        draft = draft_membership(
            segment=name,
            as_of=self.now,
            definition=happening.definition,
            members=happening.members,
            previous=current
            and Previous(
                definition=current.definition,
                members=self.read(current.digest),
                now=happening.now,
            ),
        )
        self._keep(draft.contents)
        if current is not None and current.definition == happening.definition:
            self.store.commit_refresh(self.lease, (draft.membership,))
        else:
            put = (segment(name, happening.definition),)
            self._apply(put=put, memberships=(draft.membership,))
        self.expected.append((name, self.now, happening.members, draft.membership.snapshot))

    def _drop(self, name):
        current = self.store.snapshots()[name]
        draft = draft_exit(
            segment=name,
            as_of=self.now,
            definition=current.definition,
            members=self.read(current.digest),
        )
        self._keep(draft.contents)
        self._apply(delete=(Address("segment", name),), dropped=(draft.entry,))
        self.expected.append((name, self.now, BitMap64(), None))

    def _apply(self, **content):
        self.writes += 1
        apply(self.store, self.lease, self.writes, **content)

    def _keep(self, contents):
        for content in contents:
            self.snapshots.put(content)


@settings(max_examples=40)
@given(st.lists(happenings(), min_size=2, max_size=2))
def test_snapshots_and_log_tell_the_same_at_each_instant(histories):
    """Folding the log on record gives each recorded snapshot, through edits, drops and returns."""
    keeper = Keeper()
    for name, history in zip(NAMES, histories, strict=True):
        for happening in history:
            keeper.take(name, happening)

    for name, at, members, snapshot in keeper.expected:
        assert members_at(keeper.store.log(name), at, keeper.read) == members
        if snapshot is not None:
            assert keeper.store.snapshot_at(name, at) == snapshot
            assert keeper.read(snapshot.digest) == members


@settings(max_examples=40)
@given(happenings())
def test_what_is_current_is_what_the_log_ends_with(history):
    """A deployed segment's snapshot is the fold of its whole log; a dropped one has none."""
    keeper = Keeper()
    for happening in history:
        keeper.take("vip", happening)

    current = keeper.store.snapshots().get("vip")
    members = members_at(keeper.store.log("vip"), keeper.now, keeper.read)

    assert (current is None) == (Address("segment", "vip") not in keeper.store.deployed())
    assert members == (BitMap64() if current is None else keeper.read(current.digest))
