"""A process that writes the state over and over, for tests that race it or kill it.

`python -m tests.store.writer URL SNAPSHOTS OWNER COUNT` applies COUNT changes, each under a lease
of its own, and says the serial of each once it is committed.
"""

import sys

from pyroaring import BitMap64

from segflow.errors import LockedError
from segflow.membership.bitmaps import from_bytes
from segflow.membership.changes import Previous
from segflow.membership.draft import draft_membership
from segflow.model.codec import canonical, digest
from segflow.model.state import ApplyRecord, JournalEntry
from segflow.ports import StateCommit
from segflow.store.snapshots import FsspecSnapshotStore
from segflow.store.state import SqlStateStore
from tests.store.records import MINUTE, segment

DEFINITION = "d1"


def write_once(store, snapshots, owner):
    """One whole apply: a segment with the members of the serial, journaled and committed."""
    lease = taken(store, owner)
    try:
        if (left := store.unfinished_apply()) is not None:
            store.abandon_apply(lease, left.id, "its process was killed", 0)
        serial = store.version().serial
        name = digest(f"{owner}:{lease.token}")
        made = drafted(store, snapshots, serial + 1)
        store.begin_apply(lease, ApplyRecord(id=name, plan_id=name, plan=b"", started_at=serial))
        for phase, result in (("begin", None), ("end", canonical(made))):
            store.append_journal(
                lease, JournalEntry(apply_id=name, step=0, phase=phase, at=serial, result=result)
            )
        put = segment("vip", DEFINITION, canonical=f"of {serial + 1}")
        commit = StateCommit(put=(put,), memberships=(made,))
        return store.commit_apply(lease, name, commit, serial).serial
    finally:
        store.release(lease)


def taken(store, owner, now=0):
    """The lease, as soon as nobody else has it."""
    while True:
        try:
            return store.acquire(owner, "apply", now, MINUTE)
        except LockedError:
            continue


def drafted(store, snapshots, serial):
    """Members that change with every serial; their bytes are stored."""
    current = store.snapshots().get("vip")
    previous = None
    if current is not None:
        before = from_bytes(snapshots.get(current.digest))
        previous = Previous(definition=DEFINITION, members=before)
    made = draft_membership(
        segment="vip",
        as_of=serial,
        definition=DEFINITION,
        members=members_of(serial),
        previous=previous,
    )
    for content in made.contents:
        snapshots.put(content)
    return made.membership


def members_of(serial):
    """Who is in the segment after the write of that serial."""
    return BitMap64(range(serial % 7, serial + 3, 2))


if __name__ == "__main__":
    url, folder, owner, count = sys.argv[1:]
    opened = SqlStateStore(url)
    opened.create("lineage", "shop")
    for _ in range(int(count)):
        sys.stdout.write(f"{write_once(opened, FsspecSnapshotStore(folder), owner)}\n")
        sys.stdout.flush()
