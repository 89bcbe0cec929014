"""A process whose children are killed before each SQL statement of what they do to a state.

`python -m tests.store.killed FILE ACT` (one of ACTS) writes a line of JSON per child: the statement
that was next, and what was to be read before, after, and after another try.
"""

import json
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

from segflow.model.address import Address
from segflow.ports import StateCommit
from segflow.store.ledger import SqlLedger
from segflow.store.state import SqlStateStore
from tests.store.records import MINUTE, apply, begun, channel, exit_of, membership, segment
from tests.store.run_records import (
    bucket,
    decided,
    decision,
    of_offer,
    run,
    runner,
    sends,
    settlement,
    stocked,
)
from tests.store.story import seen

COMMIT = StateCommit(
    put=(segment("vip"), channel("mail", "2")),
    delete=(Address("segment", "gone"),),
    memberships=(membership("vip", 2, [7]),),
    dropped=(exit_of("gone", 2, [1, 2]),),
    timezone="Asia/Tokyo",
)


def prepared(store):
    """Makes a state with an apply underway, to be committed, and gives the lease."""
    store.create("lineage", "shop")
    lease = store.acquire("ann", "apply", 0, MINUTE)
    apply(
        store,
        lease,
        1,
        put=(segment("gone"), channel("mail", "1")),
        memberships=(membership("gone", 1, [1, 2]),),
    )
    store.begin_apply(lease, begun(2))
    store.close()
    return lease


def create(store, lease):
    """Makes the state."""
    store.create("lineage", "shop")


def commit(store, lease):
    """Commits the apply that is underway, unless it is committed."""
    if store.unfinished_apply() is not None:
        store.commit_apply(lease, "apply-2", COMMIT, 3)


def running(store):
    """Makes a state with three codes and a run that is decided, and gives the runner's lease."""
    store.create("lineage", "shop")
    stocked(store, "AAA", "BBB", "CCC")
    lease = runner(store)
    decided(SqlLedger(store.database), lease)
    store.close()
    return lease


def begun_only(store):
    """As running(), with another run that is not decided."""
    lease = running(store)
    SqlLedger(store.database).begin_run(lease, run(1))
    store.close()
    return lease


def sending(store):
    """As running(), with four claimed sends, for one of which there was no code."""
    lease = running(store)
    claim(store, lease)
    store.close()
    return lease


def decide(store, lease):
    """Decides the second run, unless it is decided."""
    ledger = SqlLedger(store.database)
    if ledger.run(run(1).id).digest is None:
        ledger.decide_run(lease, decision(run(1)))


def claim(store, lease):
    """Claims four sends, each with a code."""
    made = sends(run(), [1, 2, 3, 4])
    SqlLedger(store.database).claim(lease, made, of_offer(made))


def settle_all(store, lease):
    """Settles the three sends in their three ways."""
    ways = zip(sends(run(), [1, 2, 3]), ("delivered", "failed", "unknown"), strict=True)
    SqlLedger(store.database).settle(lease, [settlement(made, status) for made, status in ways])


def finish(store, lease):
    """Finishes the run, unless it is finished."""
    ledger = SqlLedger(store.database)
    if (made := ledger.run(run().id)).status == "running":
        done = replace(made, status="done", finished_at=9)
        ledger.finish_run(lease, done, [bucket("delivered", 2), bucket("unknown")])


ACTS = {
    "create": (None, create),
    "commit": (prepared, commit),
    "decide": (begun_only, decide),
    "claim": (running, claim),
    "settle": (sending, settle_all),
    "finish": (sending, finish),
}
"""What must be there first, and what is done then; done twice it is as done once."""


def act_and_die(store, lease, act, number, report):
    """Runs in a child: acts, and is killed before the statement of that number."""
    left = [number]

    def count(statement):
        left[0] -= 1
        if left[0] == 0:
            report.write_text(statement.split()[0])
            os.kill(os.getpid(), signal.SIGKILL)

    connect = store.database.sqlite._connect

    def traced(uri):
        connection = connect(uri)
        connection.set_trace_callback(count)
        return connection

    store.database.sqlite._connect = traced
    act(store, lease)
    report.write_text("-")
    os._exit(0)


def main(path, name):
    prepare, act = ACTS[name]
    lease = None if prepare is None else prepare(SqlStateStore(f"sqlite:///{path}"))
    before = seen(SqlStateStore(f"sqlite:///{path}"))
    number, status = 0, signal.SIGKILL
    while status == signal.SIGKILL:
        number += 1
        copy = Path(f"{path}.{number}")
        if prepare is not None:
            shutil.copy(path, copy)
        store = SqlStateStore(f"sqlite:///{copy}")
        child = os.fork()
        if child == 0:
            act_and_die(store, lease, act, number, Path(f"{copy}.next"))
        status = os.waitpid(child, 0)[1]
        found = [Path(f"{copy}.next").read_text(), before, seen(store)]
        act(store, lease)
        sys.stdout.write(json.dumps([*found, seen(store)]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
