"""A process whose children are killed before each SQL statement of what they do to a state.

`python -m tests.store.killed FILE create|commit` writes a line of JSON per child: the statement
that was next, and what was to be read before, after, and after another try.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from segflow.model.address import Address
from segflow.ports import StateCommit
from segflow.store.state import SqlStateStore
from tests.store.records import MINUTE, apply, begun, channel, exit_of, membership, segment
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


ACTS = {"create": create, "commit": commit}


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
    act, lease = ACTS[name], None
    if act is commit:
        lease = prepared(SqlStateStore(f"sqlite:///{path}"))
    before = seen(SqlStateStore(f"sqlite:///{path}"))
    number, status = 0, signal.SIGKILL
    while status == signal.SIGKILL:
        number += 1
        copy = Path(f"{path}.{number}")
        if act is commit:
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
