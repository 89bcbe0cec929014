"""A process that runs rules over and over, for tests that race it or kill it.

`python -m tests.store.sender URL up|down TIMES` goes through RUNS runs so many times, sends each
user of a run a code of one offer, in ascending or descending order, and says what it got: "run RUN"
where it was the one that began it, "send RUN KEY CODE" once the send is settled. It uses the
runner's lease that is on record: several of these are like the threads of one process.
"""

import sys
from contextlib import suppress

from segflow.errors import RefusedError
from segflow.store.ledger import SqlLedger
from segflow.store.state import SqlStateStore
from tests.store.run_records import decision, of_offer, run, send, settle

RUNS = 4
KEYS = range(24)
FAILING = range(0, 24, 5)
CODES = tuple(f"code-{number:03}" for number in range(RUNS * len(KEYS)))


def go_through(ledger, lease, made, keys):
    """One run: begun and decided by whoever comes first, sent in two portions at a time."""
    if ledger.begin_run(lease, made):
        say("run", made.id)
    with suppress(RefusedError):  # decided by another process meanwhile
        ledger.decide_run(lease, decision(made))
    for start in range(0, len(keys), 2):
        wanted = [send(made, key) for key in keys[start : start + 2]]
        claimed = ledger.claim(lease, wanted, of_offer(wanted))
        for one in claimed:
            settle(ledger, lease, [one], "failed" if one.key in FAILING else "delivered")
            say("send", made.id, one.key, one.code)


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    url, direction, times = sys.argv[1:]
    with SqlStateStore(url) as state:
        order = list(KEYS) if direction == "up" else list(KEYS)[::-1]
        for scheduled in [*range(RUNS)] * int(times):
            go_through(SqlLedger(state.database), state.lease("runner"), run(scheduled), order)
