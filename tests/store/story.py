"""One story that uses every table and every column of the state, and all that a reader sees of it.

`python -m tests.store.story tests/store/stored/state-vN` keeps it as the current version writes it:
the database as .db and what a reader sees as .json.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from pyroaring import BitMap64

from segflow.membership.changes import Previous
from segflow.model.address import Address
from segflow.model.codec import canonical, digest
from segflow.model.cost import Cost
from segflow.model.state import FailedRefresh, JournalEntry
from segflow.ports import StateCommit
from segflow.store.state import SqlStateStore
from tests.store.records import (
    MINUTE,
    apply,
    begun,
    channel,
    exit_of,
    membership,
    question,
    segment,
)
from tests.store.run_story import CODES, NOON, seen_of_runs, tell_of_runs

LIST = b"7\n8\n"
ASKED = (
    Cost(question=question("customers", "orders", segments=3, microseconds=7_000, rows=9), ids=2),
    Cost(question=question(source="“crm”", microseconds=1), ids=0),
)
SEGMENTS = ("vip", "lapsed", "gone")


def tell(store):
    """Three applies, a refresh, an abandoned apply, one that was interrupted, a held lease, and the
    runs of rules."""
    store.create("0123456789abcdef", "shop")
    lease = store.acquire("ann@laptop:1", "apply", NOON, MINUTE)
    store.put_blob(lease, digest(LIST), LIST)
    _deploy(store, lease)
    _refresh_and_edit(store, lease)
    apply(
        store,
        lease,
        3,
        delete=(Address("segment", "gone"), Address("channel", "sms")),
        dropped=(exit_of("gone", NOON + 3, [2**64 - 1]),),
    )
    why = FailedRefresh(segment="lapsed", as_of=NOON + 3, reason="the source “warehouse” is gone")
    store.note_failures(lease, [why])
    store.begin_apply(lease, begun(4))
    store.abandon_apply(lease, "apply-4", "the source “warehouse” is gone", NOON + 4)
    store.release(lease)
    lease = store.acquire("bob@server:2", "apply", NOON + 5, MINUTE)
    store.begin_apply(lease, begun(5, plan=b"\x00\xffplan"))
    for step, phase, result in ((0, "begin", None), (0, "end", '{"é":1}'), (1, "begin", None)):
        store.append_journal(lease, _line("apply-5", step, phase, result))
    store.renew(lease, NOON + 6, MINUTE)
    tell_of_runs(store)
    store.close()


def seen(store):
    """Everything that a reader sees, as canonical texts."""
    applies, deployed, snapshots = store.applies(), store.deployed(), store.snapshots()
    failed, costs = store.failed_refreshes(), store.costs()
    records = {
        "version": store.version(),
        "lease": store.lease(),
        # Apart, since the first versions did not write all of it.
        "deployed": tuple(
            replace(deployed[address], files=(), deployed_at=None) for address in sorted(deployed)
        ),
        "files": tuple(deployed[address].files for address in sorted(deployed)),
        "deployed at": tuple(deployed[address].deployed_at for address in sorted(deployed)),
        "snapshots": tuple(snapshots[name] for name in sorted(snapshots)),
        "costs": tuple((name, tuple(costs[name])) for name in sorted(costs)),
        "costs of tables": tuple(store.scan_costs()),
        "failed refreshes": tuple(failed[name] for name in sorted(failed)),
        "applies": tuple(applies),
        "unfinished": store.unfinished_apply(),
        "blob": store.blob(digest(LIST)),
        "is_applied": tuple(store.is_applied(f"plan-{number}") for number in range(1, 6)),
    }
    records |= {f"log of {name}": tuple(store.log(name)) for name in SEGMENTS}
    records |= {f"journal of {made.id}": tuple(store.journal(made.id)) for made in applies}
    records |= {f"{name} at T": store.snapshot_at(name, NOON + 1) for name in SEGMENTS}
    told = {name: canonical(record) for name, record in records.items()}
    return told | seen_of_runs(store)


def _deploy(store, lease):
    objects = (
        segment("vip", files=(("lists/vips.csv", digest(LIST)),)),
        segment("lapsed", files=(("lists/vips.csv", digest(LIST)),)),
        segment("gone"),
        channel("mail", '{"name":"mail"}'),
        channel("sms", '{"name":"sms"}'),
    )
    memberships = (
        membership("vip", NOON, [7, 8]),
        membership("lapsed", NOON, []),
        membership("gone", NOON, [2**64 - 1]),
    )
    store.begin_apply(lease, begun(1))
    for step, made in enumerate(memberships):
        store.append_journal(lease, _line("apply-1", step, "begin"))
        store.append_journal(lease, _line("apply-1", step, "end", canonical(made)))
    commit = StateCommit(
        put=objects, memberships=memberships, codes=CODES, timezone="Europe/Berlin"
    )
    store.commit_apply(lease, "apply-1", commit, NOON)


def _refresh_and_edit(store, lease):
    previous = Previous(definition="d1", members=BitMap64([7, 8]))
    store.commit_refresh(
        lease, (membership("vip", NOON + 1, [8, 9], previous=previous, costs=ASKED),)
    )
    edited = replace(previous, members=BitMap64([8, 9]), now=BitMap64([9]))
    apply(
        store,
        lease,
        2,
        put=(segment("vip", "d2"),),
        memberships=(membership("vip", NOON + 2, [9, 10], "d2", edited, costs=ASKED),),
    )


def _line(apply_id, step, phase, result=None):
    return JournalEntry(apply_id=apply_id, step=step, phase=phase, at=NOON + step, result=result)


if __name__ == "__main__":
    with SqlStateStore(f"sqlite:///{sys.argv[1]}.db") as opened:
        tell(opened)
        text = json.dumps(seen(opened), indent=2, ensure_ascii=False, sort_keys=True)
        Path(f"{sys.argv[1]}.json").write_text(text + "\n", encoding="utf-8")
