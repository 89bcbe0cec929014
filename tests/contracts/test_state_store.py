"""What every state store promises, asked of each of them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.errors import (
    CorruptStateError,
    LeaseLostError,
    LockedError,
    NotDeployedError,
    PlanAppliedError,
    RefusedError,
    StateUnavailableError,
)
from segflow.membership.changes import Previous
from segflow.model.address import Address
from segflow.model.codec import digest
from segflow.model.cost import Cost
from segflow.model.duration import Duration
from segflow.model.state import (
    ApplyRecord,
    DeployedObject,
    FailedRefresh,
    JournalEntry,
    Snapshot,
    StateVersion,
)
from segflow.ports import StateCommit, StateStore
from segflow.store.state import SqlStateStore
from tests.store.records import (
    MINUTE,
    MINUTE_MS,
    apply,
    begun,
    channel,
    exit_of,
    instants,
    membership,
    question,
    segment,
    texts,
)

PREVIOUS = Previous(definition="d1", members=BitMap64([1, 2]))


@pytest.fixture(params=["file", "memory"])
def empty(request, tmp_path):
    """A store where no state was made yet."""
    url = f"sqlite:///{tmp_path}/deep/state.db" if request.param == "file" else "sqlite://"
    with SqlStateStore(url) as store:
        yield store


@pytest.fixture
def store(empty) -> StateStore:
    """A store with a state of its own."""
    empty.create("lineage-1", "shop")
    return empty


@pytest.fixture
def lease(store):
    return store.acquire("ann@laptop:1", "apply", 0, MINUTE)


def contents(store):
    """Everything that a reader sees."""
    segments = ["vip", "lapsed"]
    return (
        store.version(),
        store.deployed(),
        store.snapshots(),
        store.failed_refreshes(),
        {name: store.log(name) for name in segments},
        store.applies(),
        store.unfinished_apply(),
        {made.id: store.journal(made.id) for made in store.applies()},
    )


# --- a state that was not made yet -----------------------------------------------------------


def test_where_no_state_was_made_there_is_nothing(empty):
    """Every question has the answer of an empty state."""
    assert empty.version() is None
    assert empty.fingerprints() == {}
    assert empty.deployed() == {}
    assert empty.costs() == {}
    assert empty.scan_costs() == ()
    assert empty.snapshots() == {}
    assert empty.snapshot_at("vip", 0) is None
    assert list(empty.log("vip")) == []
    assert list(empty.applies()) == []
    assert empty.unfinished_apply() is None
    assert not empty.is_applied("plan-1")
    assert list(empty.journal("apply-1")) == []
    assert empty.blob(digest("x")) is None
    assert empty.lease() is None
    assert empty.break_lease() is None


def test_without_a_state_nobody_gets_the_lease(empty):
    """A state is made first."""
    with pytest.raises(StateUnavailableError):
        empty.acquire("ann", "apply", 0, MINUTE)


def test_a_new_state_has_an_identity(empty):
    """It is what its maker says, with no writes so far."""
    made = empty.create("lineage-1", "shop")
    assert made == StateVersion(lineage="lineage-1", serial=0, project="shop")
    assert empty.version() == made


def test_a_state_is_made_once(store, lease):
    """Making it again changes neither identity nor content."""
    apply(store, lease, put=(channel("mail"),))
    before = contents(store)

    assert store.create("lineage-2", "other") == before[0]
    assert contents(store) == before


# --- the lease -------------------------------------------------------------------------------


def test_a_lease_says_who_holds_it(store):
    """Whoever takes it is on record with the purpose and the times."""
    lease = store.acquire("ann", "apply", 5, MINUTE)

    assert (lease.owner, lease.purpose) == ("ann", "apply")
    assert (lease.acquired_at, lease.heartbeat_at, lease.expires_at) == (5, 5, 5 + MINUTE_MS)
    assert store.lease() == lease


def test_a_held_lease_is_refused_with_what_to_do(store):
    """The message names owner, purpose, times and the one command that ends it by force."""
    lease = store.acquire("ann", "apply", 0, MINUTE)
    store.renew(lease, 10_000, MINUTE)

    with pytest.raises(LockedError) as caught:
        store.acquire("bob", "refresh", 25_000, MINUTE)

    assert caught.value.message == (
        "the state is locked by ann (apply) since 1970-01-01T00:00:00Z; its last heartbeat was "
        "15 s ago and its lease ends in 45 s, at 1970-01-01T00:01:10Z"
    )
    assert "segflow state unlock" in caught.value.hint


def test_the_same_owner_is_refused_too(store, lease):
    """A name is no proof: two processes may have the same."""
    with pytest.raises(LockedError):
        store.acquire(lease.owner, "apply", 1, MINUTE)


def test_a_lease_ends_at_its_expiry(store, lease):
    """One millisecond earlier it is held, then anybody can take it."""
    with pytest.raises(LockedError):
        store.acquire("bob", "apply", MINUTE_MS - 1, MINUTE)
    taken = store.acquire("bob", "apply", MINUTE_MS, MINUTE)
    assert taken.token > lease.token


def test_heartbeats_prolong_a_lease(store, lease):
    """The end moves with each one; token and beginning stay."""
    renewed = store.renew(lease, 30_000, MINUTE)

    assert renewed == replace(lease, heartbeat_at=30_000, expires_at=30_000 + MINUTE_MS)
    assert store.lease() == renewed
    with pytest.raises(LockedError):
        store.acquire("bob", "apply", MINUTE_MS, MINUTE)


def test_an_expired_lease_that_nobody_took_goes_on(store, lease):
    """A holder that was suspended may renew while it is still the newest."""
    renewed = store.renew(lease, 10 * MINUTE_MS, MINUTE)
    assert renewed.expires_at == 11 * MINUTE_MS


def test_a_lease_that_was_given_back_is_free(store, lease):
    """The next one gets a newer token."""
    store.release(lease)
    assert store.lease() is None
    assert store.acquire("bob", "apply", 0, MINUTE).token > lease.token


def test_giving_back_a_lost_lease_is_harmless(store, lease):
    """The new holder keeps what it has."""
    taken = store.acquire("bob", "apply", MINUTE_MS, MINUTE)
    store.release(lease)
    assert store.lease() == taken


def test_breaking_a_lease_returns_it(store, lease):
    """The person who breaks it sees whose it was; it is free then."""
    assert store.break_lease() == lease
    assert store.lease() is None
    assert store.break_lease() is None
    assert store.acquire("bob", "apply", 0, MINUTE).token > lease.token


def test_a_lease_has_an_exact_length(store):
    """A month is none."""
    with pytest.raises(ValueError, match="1mo"):
        store.acquire("ann", "apply", 0, Duration(count=1, unit="mo"))


WRITES = {
    "renew": lambda store, lease: store.renew(lease, 1, MINUTE),
    "put_blob": lambda store, lease: store.put_blob(lease, digest("x"), b"x"),
    "begin_apply": lambda store, lease: store.begin_apply(lease, begun(2)),
    "append_journal": lambda store, lease: store.append_journal(
        lease, JournalEntry(apply_id="apply-1", step=0, phase="begin", at=1)
    ),
    "commit_apply": lambda store, lease: store.commit_apply(lease, "apply-1", StateCommit(), 1),
    "abandon_apply": lambda store, lease: store.abandon_apply(lease, "apply-1", "why", 1),
    "commit_refresh": lambda store, lease: store.commit_refresh(lease, ()),
    "note_failures": lambda store, lease: store.note_failures(
        lease, [FailedRefresh(segment="vip", as_of=1, reason="down")]
    ),
}
LOSSES = {
    "taken": lambda store, lease: store.acquire("bob", "apply", MINUTE_MS, MINUTE),
    "given back": lambda store, lease: store.release(lease),
    "broken": lambda store, lease: store.break_lease(),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("write", WRITES)
def test_without_the_lease_nothing_is_written(store, lease, write, loss):
    """Every write is refused once the lease is lost, however it was lost, and changes nothing."""
    store.begin_apply(lease, begun(1))
    LOSSES[loss](store, lease)
    before = (contents(store), store.lease(), store.blob(digest("x")))

    with pytest.raises(LeaseLostError):
        WRITES[write](store, lease)

    assert (contents(store), store.lease(), store.blob(digest("x"))) == before


def test_every_writing_method_is_tried_without_its_lease():
    """The list above has each method of the port that takes a lease."""
    taking = {
        name
        for name, method in vars(StateStore).items()
        if "lease" in getattr(method, "__annotations__", {})
    }
    assert taking == {*WRITES, "release"}


# --- objects ---------------------------------------------------------------------------------


def test_what_is_put_is_deployed(store, lease):
    """Objects come back whole, all of them or those asked for; absent ones are left out."""
    put = (channel("mail"), segment("vip", files=(("lists/a.csv", digest("a")),)))
    apply(store, lease, number=7, put=put)

    made = [replace(found, deployed_at=7) for found in put]
    assert store.deployed() == {found.address: found for found in made}
    assert store.deployed([made[1].address, Address("segment", "gone")]) == {
        made[1].address: made[1]
    }
    assert store.deployed([]) == {}
    assert store.fingerprints() == {found.address: found.fingerprint for found in made}


def test_many_addresses_can_be_asked_for(store, lease):
    """There may be more of them than a statement takes parameters."""
    made = tuple(channel(f"c{number}") for number in range(1_234))
    apply(store, lease, put=made)
    assert len(store.deployed(found.address for found in made)) == 1_234


def test_an_object_is_replaced_and_deleted(store, lease):
    """The last one put at an address counts, until it is deleted."""
    apply(store, lease, 1, put=(channel("mail", "1"), channel("sms")))
    apply(store, lease, 2, put=(channel("mail", "2"),))
    assert store.deployed()[Address("channel", "mail")].canonical == "2"

    apply(store, lease, 3, delete=(Address("channel", "mail"),))
    assert list(store.deployed()) == [Address("channel", "sms")]


def test_what_is_deployed_says_since_when(store, lease):
    """It is the instant of the commit that put it there last; others leave it alone."""
    apply(store, lease, 1, put=(channel("mail"), channel("sms")))
    apply(store, lease, 2, put=(replace(channel("sms"), deployed_at=9),))
    found = {address.name: made.deployed_at for address, made in store.deployed().items()}
    assert found == {"mail": 1, "sms": 2}


def test_what_is_not_deployed_is_not_deleted(store, lease):
    """A plan that deletes it was made for another state."""
    with pytest.raises(NotDeployedError, match="channel.mail"):
        apply(store, lease, delete=(Address("channel", "mail"),))


# --- memberships -----------------------------------------------------------------------------


def test_a_first_membership_is_current_and_logged(store, lease):
    """Its snapshot is the segment's, its entry the first of the log."""
    made = membership("vip", 10, [1, 2])
    apply(store, lease, put=(segment("vip"),), memberships=(made,))

    assert store.snapshots() == {"vip": made.snapshot}
    assert list(store.log("vip")) == [replace(made.entries[0], sequence=1)]


def test_a_refresh_goes_on(store, lease):
    """Each refresh makes its snapshot current and its entries the next of the log."""
    first = membership("vip", 10, [1, 2])
    second = membership("vip", 20, [2, 3], previous=PREVIOUS)
    apply(store, lease, put=(segment("vip"),), memberships=(first,))

    version = store.commit_refresh(lease, (second,))

    assert version.serial == 2
    assert store.version() == version
    assert store.snapshots() == {"vip": second.snapshot}
    assert [(entry.sequence, entry.cause) for entry in store.log("vip")] == [
        (1, "definition"),
        (2, "data"),
    ]


def test_a_segment_is_stale_until_its_next_snapshot(store, lease):
    """A refresh in vain is noted beside what is recorded; the next good one, or a drop, ends it."""
    names = ("vip", "new", "old")
    made = [membership(name, 10, [1, 2]) for name in names]
    apply(store, lease, 1, put=tuple(map(segment, names)), memberships=tuple(made))
    version, snapshots = store.version(), store.snapshots()
    first, last = (
        [FailedRefresh(segment=name, as_of=as_of, reason=f"down at {as_of}") for name in names]
        for as_of in (15, 20)
    )

    store.note_failures(lease, first)
    store.note_failures(lease, last)

    assert store.failed_refreshes() == dict(zip(names, last, strict=True))
    assert (store.version(), store.snapshots()) == (version, snapshots)
    store.commit_refresh(lease, (membership("vip", 30, [2], previous=PREVIOUS),))
    gone = exit_of("old", 30, [1, 2])
    apply(store, lease, 2, delete=(segment("old").address,), dropped=(gone,))
    assert store.failed_refreshes() == {"new": last[1]}


def test_what_a_segment_cost_is_that_of_its_current_snapshot(store, lease):
    """It is kept with each snapshot; nothing is known of one that was made without, nor of what is
    dropped."""
    first, second = (
        (Cost(question=question("orders", microseconds=took), ids=2),) for took in (100, 200)
    )
    apply(store, lease, put=[segment("vip")], memberships=[membership("vip", 10, [1], costs=first)])
    assert store.costs() == {"vip": first}

    was = Previous(definition="d1", members=BitMap64([1]))
    store.commit_refresh(lease, [membership("vip", 20, [1], previous=was, costs=second)])
    assert store.costs() == {"vip": second}

    store.commit_refresh(lease, [membership("vip", 30, [1], previous=was)])
    assert store.costs() == {}

    store.commit_refresh(lease, [membership("vip", 40, [1], previous=was, costs=first)])
    gone = {"delete": [Address("segment", "vip")], "dropped": [exit_of("vip", 50, [1])]}
    apply(store, lease, number=2, **gone)
    assert store.costs() == {}


def test_what_reading_a_table_costs_is_that_of_the_last_commit_that_read_it(store, lease):
    """Others keep theirs, also where a commit asked nothing."""
    both, one = question("a", "b", microseconds=1_000), question("b", microseconds=2_000_000)
    put = [segment(name) for name in ("vip", "new")]
    costs = (Cost(question=both, ids=1), Cost(question=both, ids=2))
    apply(store, lease, put=put, memberships=[membership("vip", 10, [1], costs=costs)])
    later = (Cost(question=one, ids=1),)
    store.commit_refresh(lease, [membership("new", 20, [1], costs=later)])
    found = {(one.source, one.table): one.last for one in store.scan_costs()}
    assert found == {("warehouse", "a"): both, ("warehouse", "b"): one}

    was = Previous(definition="d1", members=BitMap64([1]))
    store.commit_refresh(lease, [membership("vip", 30, [1], previous=was)])
    assert {(one.source, one.table): one.last for one in store.scan_costs()} == found


def test_what_is_not_deployed_is_not_stale(store, lease):
    """Nothing is noted of a name that has no snapshot."""
    store.note_failures(lease, [FailedRefresh(segment="vip", as_of=1, reason="down")])
    assert store.failed_refreshes() == {}


def test_an_edit_is_logged_by_cause(store, lease):
    """Data first, then definition, both at the instant of the apply."""
    apply(store, lease, 1, put=(segment("vip"),), memberships=(membership("vip", 10, [1, 2]),))
    previous = replace(PREVIOUS, now=BitMap64([2, 3]))
    edited = membership("vip", 20, [3, 4], "d2", previous)

    apply(store, lease, 2, put=(segment("vip", "d2"),), memberships=(edited,))

    told = [(entry.sequence, entry.as_of, entry.cause) for entry in store.log("vip")]
    assert told == [(1, 10, "definition"), (2, 20, "data"), (3, 20, "definition")]


def test_a_snapshot_is_found_by_its_instant(store, lease):
    """The newest at or before the instant; of two at one instant the later made."""
    first = membership("vip", 10, [1, 2])
    second = membership("vip", 20, [2], previous=PREVIOUS)
    edited = membership(
        "vip", 20, [7], "d2", replace(PREVIOUS, members=BitMap64([2]), now=BitMap64([2]))
    )
    apply(store, lease, 1, put=(segment("vip"),), memberships=(first,))
    store.commit_refresh(lease, (second,))
    apply(store, lease, 2, put=(segment("vip", "d2"),), memberships=(edited,))

    found = [store.snapshot_at("vip", at) for at in (9, 10, 19, 20, 99)]

    assert found == [None, first.snapshot, first.snapshot, edited.snapshot, edited.snapshot]
    assert store.snapshot_at("other", 99) is None


def test_the_same_membership_again_is_not_logged(store, lease):
    """Recording what is current already adds no entry and no snapshot."""
    made = membership("vip", 10, [1, 2])
    apply(store, lease, put=(segment("vip"),), memberships=(made,))
    log = store.log("vip")

    store.commit_refresh(lease, (made,))

    assert store.log("vip") == log
    assert store.snapshots() == {"vip": made.snapshot}


@pytest.mark.parametrize(
    ("as_of", "members"), [(9, [1, 2]), (10, [1])], ids=["earlier", "another answer"]
)
def test_a_snapshot_that_can_not_follow_is_refused(store, lease, as_of, members):
    """Nothing of a commit with such a snapshot is written."""
    apply(store, lease, put=(segment("vip"),), memberships=(membership("vip", 10, [1, 2]),))
    before = contents(store)

    with pytest.raises(RefusedError):
        store.commit_refresh(lease, (membership("vip", as_of, members, previous=PREVIOUS),))

    assert contents(store) == before


def test_a_dropped_segment_leaves_its_history(store, lease):
    """It has no current snapshot; its log ends with everyone's exit, its past is still there."""
    made = membership("vip", 10, [1, 2])
    apply(store, lease, 1, put=(segment("vip"),), memberships=(made,))
    gone = exit_of("vip", 20, [1, 2])

    apply(store, lease, 2, delete=(Address("segment", "vip"),), dropped=(gone,))

    assert store.snapshots() == {}
    assert store.log("vip")[-1] == replace(gone, sequence=2)
    assert store.snapshot_at("vip", 15) == made.snapshot


def test_a_segment_that_comes_again_goes_on_in_its_log(store, lease):
    """Its sequence continues after the drop, and it enters everyone anew."""
    made = membership("vip", 10, [1, 2])
    apply(store, lease, 1, put=(segment("vip"),), memberships=(made,))
    apply(
        store,
        lease,
        2,
        delete=(Address("segment", "vip"),),
        dropped=(exit_of("vip", 20, [1, 2]),),
    )

    again = membership("vip", 20, [2], "d3")
    apply(store, lease, 3, put=(segment("vip", "d3"),), memberships=(again,))

    assert [entry.sequence for entry in store.log("vip")] == [1, 2, 3]
    assert store.snapshots() == {"vip": again.snapshot}


def test_a_segment_can_be_dropped_and_made_in_one_commit(store, lease):
    """Everyone exits, then the new ones enter."""
    apply(store, lease, 1, put=(segment("vip"),), memberships=(membership("vip", 10, [1, 2]),))
    again = membership("vip", 20, [2], "d2")
    apply(
        store,
        lease,
        2,
        put=(segment("vip", "d2"),),
        dropped=(exit_of("vip", 20, [1, 2]),),
        memberships=(again,),
    )
    assert [(e.entered, e.exited) for e in store.log("vip")] == [(2, 0), (0, 2), (1, 0)]
    assert store.snapshots() == {"vip": again.snapshot}


def test_a_segment_that_is_not_deployed_gets_no_members(store, lease):
    """Neither by a refresh nor by an apply."""
    made = membership("vip", 10, [1])
    with pytest.raises(NotDeployedError, match="segment.vip"):
        store.commit_refresh(lease, (made,))
    with pytest.raises(NotDeployedError, match="segment.vip"):
        apply(store, lease, memberships=(made,))


def test_members_of_another_definition_are_refused(store, lease):
    """A snapshot is of what is deployed after the commit."""
    with pytest.raises(CorruptStateError, match="another definition"):
        apply(
            store,
            lease,
            put=(segment("vip", "d2"),),
            memberships=(membership("vip", 10, [1], "d1"),),
        )


def test_a_segment_is_not_deleted_with_its_members_in(store, lease):
    """Its exit belongs to the same commit."""
    apply(store, lease, 1, put=(segment("vip"),), memberships=(membership("vip", 1, []),))
    with pytest.raises(CorruptStateError, match="segment.vip would be deleted"):
        apply(store, lease, 2, delete=(Address("segment", "vip"),))


# --- applies ---------------------------------------------------------------------------------


def test_an_apply_is_on_record_from_its_beginning(store, lease):
    """While it is unfinished its plan can be read, so that it can be finished without the file."""
    store.begin_apply(lease, begun(1, plan=b"\0plan"))

    assert store.unfinished_apply() == begun(1, plan=b"\0plan")
    assert not store.is_applied("plan-1")
    assert list(store.applies()) == [begun(1, plan=b"")]


def test_an_apply_ends_with_its_commit(store, lease):
    """The serial, the time zone, the content and the end come at once."""
    version = apply(store, lease, put=(channel("mail"),), timezone="Europe/Berlin")

    assert version == StateVersion(
        lineage="lineage-1", serial=1, project="shop", timezone="Europe/Berlin"
    )
    assert store.version() == version
    assert store.unfinished_apply() is None
    assert store.is_applied("plan-1")
    assert list(store.applies()) == [replace(begun(1, plan=b""), finished_at=1, serial=1)]


def test_the_time_zone_stays_where_none_is_given(store, lease):
    """Neither an apply without one nor a refresh changes it."""
    apply(store, lease, 1, timezone="Asia/Tokyo")
    apply(store, lease, 2)
    assert store.commit_refresh(lease, ()).timezone == "Asia/Tokyo"


def test_applies_are_listed_newest_first(store, lease):
    """In the order begun, whatever their clocks say."""
    for number in (3, 1, 2):
        apply(store, lease, number)
    assert [made.id for made in store.applies()] == ["apply-2", "apply-1", "apply-3"]


def test_only_one_apply_is_unfinished(store, lease):
    """A second can't begin before the first is finished or abandoned."""
    store.begin_apply(lease, begun(1))
    with pytest.raises(RefusedError, match="apply-1 was interrupted"):
        store.begin_apply(lease, begun(2))
    assert store.unfinished_apply() == begun(1)


def test_a_plan_is_applied_once(store, lease):
    """Beginning it again is refused, under another id too."""
    apply(store, lease, 1)
    with pytest.raises(PlanAppliedError):
        store.begin_apply(lease, replace(begun(1), id="apply-9"))


def test_an_abandoned_apply_made_nothing(store, lease):
    """It is finished without a serial and says why; its plan may be applied later."""
    store.begin_apply(lease, begun(1))
    store.abandon_apply(lease, "apply-1", "the source is gone", 7)

    assert store.unfinished_apply() is None
    assert not store.is_applied("plan-1")
    assert store.version().serial == 0
    assert list(store.applies()) == [
        replace(begun(1, plan=b""), finished_at=7, abandoned="the source is gone")
    ]
    store.begin_apply(lease, replace(begun(1), id="apply-9"))
    store.commit_apply(lease, "apply-9", StateCommit(), 8)
    assert store.is_applied("plan-1")


@pytest.mark.parametrize("write", ["append_journal", "commit_apply", "abandon_apply"])
def test_only_an_apply_that_is_underway_goes_on(store, lease, write):
    """An apply that was never begun, and one that is finished, take nothing more."""
    with pytest.raises(RefusedError, match="never begun"):
        WRITES[write](store, lease)
    apply(store, lease, 1)
    before = contents(store)
    with pytest.raises(RefusedError, match="is finished"):
        WRITES[write](store, lease)
    assert contents(store) == before


def test_a_commit_is_whole_or_not_at_all(store, lease):
    """Where its last part is refused, nothing of it is there and the apply is still underway."""
    apply(store, lease, 1, put=(segment("vip"),), memberships=(membership("vip", 10, [1, 2]),))
    store.begin_apply(lease, begun(2))
    before = contents(store)
    commit = StateCommit(
        put=(channel("mail"), segment("lapsed")),
        memberships=(membership("lapsed", 10, [5]), membership("vip", 9, [7])),
    )

    with pytest.raises(RefusedError):
        store.commit_apply(lease, "apply-2", commit, 2)

    assert contents(store) == before


# --- the journal -----------------------------------------------------------------------------


def line(step, phase="begin", result=None, at=1):
    return JournalEntry(apply_id="apply-1", step=step, phase=phase, at=at, result=result)


def test_a_journal_keeps_the_order_written(store, lease):
    """Line after line, with what each step made."""
    lines = [line(1), line(0), line(1, "end", '{"size":1}'), line(0), line(0, "end", "é", at=0)]
    store.begin_apply(lease, begun(1))
    for written in lines:
        store.append_journal(lease, written)
    assert list(store.journal("apply-1")) == lines


def test_a_step_ends_once(store, lease):
    """What a step made is never written over."""
    store.begin_apply(lease, begun(1))
    store.append_journal(lease, line(0, "end", "first"))
    with pytest.raises(RefusedError, match="step 0"):
        store.append_journal(lease, line(0, "end", "second"))
    assert [written.result for written in store.journal("apply-1")] == ["first"]


# --- blobs -----------------------------------------------------------------------------------


def test_blobs_are_kept_under_their_digest(store, lease):
    """The same bytes may be put again; other digests have none."""
    for _ in range(2):
        store.put_blob(lease, digest(b"7\n8\n"), b"7\n8\n")
    assert store.blob(digest(b"7\n8\n")) == b"7\n8\n"
    assert store.blob(digest(b"")) is None


def test_bytes_under_a_wrong_digest_are_refused(store, lease):
    """A list file that changed while it was read is not kept as what it was."""
    with pytest.raises(CorruptStateError):
        store.put_blob(lease, digest(b"old"), b"new")
    assert store.blob(digest(b"old")) is None


# --- round trips -----------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    made=st.builds(
        DeployedObject,
        address=st.builds(Address, st.just("channel"), texts),
        canonical=texts,
        fingerprint=texts,
        definition=st.none() | texts,
        files=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    ),
    owner=texts,
    purpose=texts,
    now=instants,
    plan=st.binary(max_size=20),
    result=st.none() | texts,
    blob=st.binary(max_size=20),
    reason=texts,
)
def test_whatever_is_stored_comes_back(made, owner, purpose, now, plan, result, blob, reason):
    """Any text, any bytes and any instant are read as they were written."""
    store = SqlStateStore("sqlite://")
    store.create(reason, owner)
    lease = store.acquire(owner, purpose, now, MINUTE)
    record = ApplyRecord(id=owner, plan_id=purpose, plan=plan, started_at=now)
    step = JournalEntry(apply_id=owner, step=0, phase="end", at=now, result=result)
    store.put_blob(lease, digest(blob), blob)
    store.begin_apply(lease, record)
    store.append_journal(lease, step)

    assert store.version() == StateVersion(lineage=reason, serial=0, project=owner)
    assert store.lease() == lease
    assert store.unfinished_apply() == record
    assert list(store.journal(owner)) == [step]
    assert store.blob(digest(blob)) == blob
    store.commit_apply(lease, owner, StateCommit(put=(made,), timezone=reason), now)
    assert store.deployed() == {made.address: replace(made, deployed_at=now)}
    assert store.version().timezone == reason
    store.begin_apply(lease, replace(record, id=owner + "2", plan_id=purpose + "2"))
    store.abandon_apply(lease, owner + "2", reason, now)
    assert store.applies()[0].abandoned == reason


@settings(max_examples=40)
@given(name=texts, definition=texts, as_of=instants, size=st.integers(0, 2**62), mark=texts)
def test_whatever_is_recorded_of_members_comes_back(name, definition, as_of, size, mark):
    """Snapshots and log entries are read as they were written, whatever they hold."""
    store = SqlStateStore("sqlite://")
    store.create("lineage", "shop")
    lease = store.acquire("ann", "apply", 0, MINUTE)
    template = membership(name, as_of, [], definition)
    entry = replace(template.entries[0], entered=size, entered_digest=mark)
    made = replace(
        template,
        snapshot=Snapshot(segment=name, as_of=as_of, definition=definition, size=size, digest=mark),
        entries=(entry,),
    )
    apply(store, lease, put=(segment(name, definition),), memberships=(made,))

    assert store.snapshots() == {name: made.snapshot}
    assert store.snapshot_at(name, as_of) == made.snapshot
    assert list(store.log(name)) == [replace(entry, sequence=1)]
