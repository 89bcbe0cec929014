"""Receivers that fail a run: what its account says, and what they have heard in the end."""

from collections import Counter

import pytest

from segflow.ports import Pause
from tests.executor.campaign import counts, reasons
from tests.faults.scene import CODES, USERS, Scene


def mended(scene: Scene) -> Pause:
    """A pause in which the receiver gets well."""

    def pause(seconds: float) -> bool:
        if seconds:
            scene.receiver.manner = 200
        return True

    return pause


@pytest.mark.parametrize("manner", [500, "hang", "drop"])
def test_an_idempotent_receiver_is_asked_again(scene: Scene, manner: int | str):
    """Under the same key, so that whatever it did of the first is not done again; everybody has
    one message and one code."""
    scene.receiver.manner = manner

    report = scene.run("push_coupon", pause=mended(scene))

    assert counts(report) == {"delivered": len(USERS)}
    assert scene.requests() == Counter(dict.fromkeys(USERS, 2))
    assert len(scene.receiver.acted) == len(USERS)
    assert all(len(told) == 1 for told in scene.codes().values())
    assert scene.stock() == (CODES - len(USERS), 0, len(USERS))


@pytest.mark.parametrize(
    ("manner", "reason"),
    [(500, "letter: HTTP 500"), ("hang", "letter: no answer"), ("half", "sent")],
)
def test_another_receiver_is_asked_once(scene: Scene, manner: int | str, reason: str):
    """Nobody can say what it did: the users are unknown, their codes are given. An answer that
    begins well is one."""
    scene.receiver.manner = manner

    report = scene.run("letter_coupon", pause=mended(scene))

    assert reasons(report) == {reason: len(USERS)}
    assert scene.requests() == Counter(dict.fromkeys(USERS, 1))
    assert scene.stock() == (CODES - len(USERS), 0, len(USERS))


@pytest.mark.parametrize("rule", ["push_coupon", "letter_coupon"])
def test_a_receiver_that_refuses_fails_its_users(scene: Scene, rule: str):
    """For good, and their codes are free for others."""
    scene.receiver.manner = 404

    report = scene.run(rule, pause=mended(scene))

    assert counts(report) == {"failed": len(USERS)}
    assert scene.requests() == Counter(dict.fromkeys(USERS, 1))
    assert scene.stock() == (CODES, 0, 0)
