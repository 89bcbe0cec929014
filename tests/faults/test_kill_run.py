"""A run of a rule that is killed, wherever it stands: the receiver's own log is the judge."""

import tempfile
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from segflow.app.daemon import run_live
from tests.channels.receiver import receiving
from tests.executor.campaign import NOW, counts
from tests.faults.scene import CODES, LATER, USERS, Scene, deploy_shop
from tests.faults.worker import go_on, run_at, start, world_at

KILLED = -9


@cache
def failpoints(rule: str) -> tuple[str, ...]:
    """Every failpoint that a run passes, in order, found by passing them."""
    passed: list[str] = []
    with receiving() as receiver, tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        deploy_shop(root, receiver.url)
        with world_at(root, NOW) as world:
            world = replace(world, failpoint=passed.append)
            run_live(world, rule, NOW, go_on)
    return tuple(passed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"rule", "failpoint"} <= set(metafunc.fixturenames):
        rules = ("push_coupon", "letter_coupon")
        metafunc.parametrize(
            ("rule", "failpoint"), [(rule, name) for rule in rules for name in failpoints(rule)]
        )


def test_every_act_of_a_run_has_a_failpoint_on_either_side():
    """Failpoints come in pairs around each act, and there are acts of every sort."""
    for rule in ("push_coupon", "letter_coupon"):
        names = failpoints(rule)
        assert len(set(names)) == len(names)
        before = {name for name in names if ".before." in name}
        assert {name.replace(".before.", ".after.") for name in before} == set(names) - before
        for act in ("lease", "begin", "decide", "claim", "call", "settle", "finish"):
            assert any(act in name for name in before), act


def test_a_killed_run_is_finished_without_loss_or_repetition(
    scene: Scene, rule: str, failpoint: str
):
    """Over an idempotent channel everybody has one message in the end; over one that is not nobody
    is written to twice, and who may have been is unknown. A code goes to one user only, and the
    account adds up."""
    assert start(failpoint, run_at, scene.root, NOW, rule, NOW).end() == KILLED

    report = scene.run(rule, LATER)

    ended = counts(report)
    assert report.run.status == "done"
    assert sum(ended.values()) == report.run.audience == len(USERS)
    codes = scene.codes()
    assert all(len(told) == 1 for told in codes.values())
    assert len(set.union(*codes.values())) == len(codes)
    if rule == "push_coupon":
        assert ended == {"delivered": len(USERS)}
        assert set(scene.requests()) == USERS
        assert len(scene.receiver.acted) == len(USERS)
    else:
        assert set(scene.requests().values()) <= {1}
        inside = failpoint.startswith(("run.before.call", "run.after.call"))
        assert ended.get("unknown", 0) == (1 if inside or _between_call_and_end(failpoint) else 0)
        assert len(scene.requests()) + ended.get("unknown", 0) >= len(USERS)
    given = ended.get("delivered", 0) + ended.get("unknown", 0)
    assert scene.stock() == (CODES - given, 0, given)


@pytest.mark.parametrize("place", ["run.before.call.29.1", "run.after.call.29.1"])
@pytest.mark.parametrize(("rule", "unknown"), [("push_coupon", USERS), ("letter_coupon", {29})])
def test_whom_a_killed_run_may_have_told_a_code_keeps_it(
    scene: Scene, rule: str, unknown: set[int], place: str
):
    """Although the receiver takes nothing any more. Where calls may be repeated they are not noted
    one by one: everybody who was about to be called may have been."""
    assert start(place, run_at, scene.root, NOW, rule, NOW).end() == KILLED
    told = scene.codes()
    scene.receiver.manner = 429

    ended = counts(scene.run(rule, LATER))

    assert ended.get("unknown", 0) == len(unknown) == len(USERS) - ended.get("failed", 0)
    assert set(told) <= unknown
    assert scene.stock() == (CODES - len(unknown), 0, len(unknown))


def _between_call_and_end(failpoint: str) -> bool:
    """Settlements of a channel that is not idempotent: the first of each user notes the call, so
    that it may have been made once that is durable; the user's end is in the next one."""
    names = failpoints("letter_coupon")
    calls = [place for place, name in enumerate(names) if ".call." in name]
    place = names.index(failpoint)
    if not calls or not calls[0] - 1 <= place <= calls[-1] + 1:
        return False
    return failpoint != f"run.after.settle.{len(USERS) + 1}"


def test_two_processes_run_a_rule_once(scene: Scene):
    """Whoever comes second is told who holds the lease, or finds the run done."""
    racers = [start(None, run_at, scene.root, NOW, "push_coupon", NOW) for _ in range(2)]

    ends = sorted(str(racer.end()) for racer in racers)

    assert ends in (["LockedError", "done"], ["done", "done"])
    assert scene.requests() == Counter(dict.fromkeys(USERS, 1))
