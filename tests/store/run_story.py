"""One story that uses every table and every column of the ledger, and all that a reader sees."""

import json
from dataclasses import asdict, replace

from segflow.model.rule import HOLDOUT
from segflow.store.ledger import SqlLedger
from tests.store.records import MINUTE
from tests.store.run_records import (
    bucket,
    decided,
    of_offer,
    run,
    runner,
    send,
    sends,
    settle,
)

NOON = 883_656_000_000
DAY = 86_400_000
CODES = (("five", ("AAA-1", "ÄÄÄ-2", "CCC-3", "DDD-4")), ("ten", ("TEN-1",)))
LARGEST = 2**64 - 1
OFFERS = ("five", "ten", "none")
RULES = ("winback", "digest", "none")


def tell_of_runs(state):
    """A run that is done, one that was missed, one that failed, one that was interrupted in its
    sends, and one that was not decided yet. The codes come with an apply."""
    ledger = SqlLedger(state.database)
    lease = runner(state, now=NOON)
    _finished(ledger, lease)
    ledger.begin_run(
        lease,
        run(NOON + DAY, status="skipped", reason="missed", live=False, finished_at=NOON + DAY),
    )
    ledger.begin_run(
        lease,
        run(NOON, "digest", status="failed", reason="“warehouse” is gone", finished_at=NOON + 9),
    )
    of = decided(ledger, lease, NOON + 2 * DAY)
    made = [*sends(of, [4, LARGEST]), send(of, 4, "push", 1), send(of, 5, variant="größe", step=1)]
    claimed = ledger.claim(lease, made, of_offer(made[:2]))
    settle(ledger, lease, claimed[:1], "unknown", at=NOON + 2 * DAY + 20, detail="timeout")
    settle(ledger, lease, claimed[2:3], "claimed", attempts=3, detail="503")
    ledger.begin_run(lease, run(NOON + 3 * DAY))
    state.renew(lease, NOON + 3 * DAY, MINUTE)


def _finished(ledger, lease):
    of = decided(ledger, lease, NOON)
    made = sends(of, [1, 2, 2**63])
    claimed = ledger.claim(lease, made, of_offer(made))
    settle(ledger, lease, claimed[:1], "delivered", at=NOON + 20)
    settle(ledger, lease, claimed[1:], "failed", at=NOON + 21, attempts=5, detail="410 Gone")
    ended = (
        bucket("delivered"),
        bucket("failed", 2, "410 Gone"),
        bucket("held_out", reason="exposed", arm=HOLDOUT),
        bucket("outside_population", arm=None),
    )
    ledger.finish_run(lease, replace(of, status="done", finished_at=NOON + 30), ended)


def seen_of_runs(state):
    """Everything that a reader of the ledger sees, as JSON texts."""
    ledger = SqlLedger(state.database)
    window = (NOON, NOON + 9 * DAY)
    runs = ledger.runs()
    records = {
        "lease to run rules": [state.lease("runner")],
        "runs": runs,
        "runs of winback": ledger.runs("winback", 2),
        "unfinished runs": ledger.unfinished_runs(),
        "held out": ledger.held_out(*window, rule=None, channel=None),
        "held out by push": ledger.held_out(*window, rule="winback", channel="push"),
        "stock": [ledger.stock(offer) for offer in OFFERS],
    }
    records |= {f"buckets of {made.id}": ledger.buckets(made.id) for made in runs}
    records |= {f"exposures of {made.id}": ledger.exposures(made.id) for made in runs}
    records |= {f"sends of {made.id}": ledger.sends(made.id) for made in runs}
    told = {name: [made and asdict(made) for made in found] for name, found in records.items()}
    told |= {
        "last scheduled": [ledger.last_scheduled(rule, NOON + 99 * DAY) for rule in RULES],
        "reached": sorted(ledger.reached(*window, rule=None, channel=None).items()),
        "reached by push": sorted(ledger.reached(*window, rule="winback", channel="push").items()),
        "coupons given": [ledger.coupons_given(rule, *window) for rule in RULES],
    }
    return {
        name: json.dumps(found, ensure_ascii=False, sort_keys=True) for name, found in told.items()
    }
