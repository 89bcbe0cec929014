"""Records of running rules, made short: runs, decisions, sends, settlements, and codes in stock."""

from dataclasses import replace

from segflow.model.codec import digest
from segflow.model.rule import HOLDOUT
from segflow.model.run import BucketRecord, Decision, ExposureRecord, Run, Send, Settlement
from segflow.ports import StateCommit
from tests.store.records import MINUTE, begun


def run(scheduled=0, rule="winback", **more):
    """A run that begins when it is scheduled."""
    values = {
        "id": f"{rule}@{scheduled}",
        "rule": rule,
        "scheduled": scheduled,
        "as_of": scheduled,
        "status": "running",
        "live": True,
        "fingerprint": "f1",
        "definition": "d1",
        "epoch": "e1",
        "started_at": scheduled + 5,
    }
    return Run(**{**values, **more})


def bucket(name, count=1, reason="why", arm="a"):
    return BucketRecord(
        bucket=name, reason=reason, arm=arm, count=count, digest=digest(f"{name} {arm}")
    )


def exposure(arm="a", at=0, count=1):
    return ExposureRecord(arm=arm, at=at, count=count, digest=digest(f"exposed {arm} {at}"))


def decision(made, holdout=True):
    """What the gate says of a run: some are to be sent to, some are held out."""
    arms = ("a", HOLDOUT) if holdout else ("a",)
    return Decision(
        run=replace(made, audience=3, digest=digest(f"audience of {made.id}")),
        buckets=(bucket("to_send", 2), bucket("held_out", arm=HOLDOUT)),
        exposures=tuple(exposure(arm, made.scheduled) for arm in arms),
    )


def decided(ledger, lease, scheduled=0, rule="winback", **more):
    """Begins a run and decides it."""
    made = run(scheduled, rule)
    assert ledger.begin_run(lease, made)
    ledger.decide_run(lease, decision(made, **more))
    return ledger.run(made.id)


def send(of, key, channel="coupons", action=0, **more):
    """A send of a run to a user, with the id that belongs to both."""
    values = {"variant": "a", "step": 0, "claimed_at": of.scheduled + 9, **more}
    return Send(
        id=digest(f"{of.id} {key} {action}"),
        run_id=of.id,
        rule=of.rule,
        channel=channel,
        key=key,
        action=action,
        **values,
    )


def sends(of, keys, **more):
    return [send(of, key, **more) for key in keys]


def of_offer(claimed, offer="five"):
    """The offer of which each of the sends takes a code."""
    return {made.id: offer for made in claimed}


def settlement(made, status, at=20, attempts=1, detail=None):
    return Settlement(send_id=made.id, status=status, at=at, attempts=attempts, detail=detail)


def settle(ledger, lease, claimed, status, **more):
    ledger.settle(lease, [settlement(made, status, **more) for made in claimed])


def runner(state, owner="dan@server:3", now=0):
    """The lease of who runs rules."""
    return state.acquire(owner, "daemon", now, MINUTE, "runner")


def stocked(state, *codes, offer="five", number=1, delete=()):
    """Puts codes into stock, as an apply does."""
    lease = state.acquire("ann", "apply", 0, MINUTE)
    state.begin_apply(lease, begun(number))
    commit = StateCommit(codes=((offer, codes),), delete=delete)
    state.commit_apply(lease, f"apply-{number}", commit, number)
    state.release(lease)
