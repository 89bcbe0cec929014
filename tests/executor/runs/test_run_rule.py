"""One run of a rule from its audience to its account."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from segflow.app.refresh import refresh
from segflow.app.validate import load
from segflow.executor.runs.delivery import PAUSES
from segflow.executor.runs.run_rule import CHANGED, LEFT, TOO_LATE, go_on, run_rule
from segflow.model.instant import Instant, format_instant
from tests.executor.campaign import (
    DAY,
    HOUR,
    LAPSED,
    NOW,
    RULE,
    Post,
    counts,
    decided,
    five,
    open_shop,
    reasons,
    write_customers,
    write_purchases,
    write_shop,
)
from tests.executor.zones import knowing_utc_only

STILL_LAPSED = """\
---
segment: still_lapsed
entity: customer
where: {segment: lapsed, as: snapshot}
"""
COUPON = """\
rule: winback
segment: lapsed
trigger: {cron: "0 9 * * *"}
send: [{channel: coupon, offer: five}, {channel: push, template: hello.j2}]
"""


def test_everybody_in_the_audience_is_sent_to_and_accounted_for(tmp_path: Path):
    """A plain rule: the audience at the scheduled instant, one message each, one bucket."""
    write_shop(tmp_path)
    with open_shop(tmp_path) as shop:
        report = shop.run()

        assert report is not None
        assert (report.run.status, report.run.audience) == ("done", len(LAPSED))
        assert counts(report) == {"delivered": len(LAPSED)}
        assert sorted(int(message.key) for message in shop.post.messages) == list(LAPSED)
        assert len({message.send_id for message in shop.post.messages}) == len(LAPSED)


def test_a_run_is_run_once(tmp_path: Path):
    """Asked for again, it is reported as it was, and nobody hears anything."""
    write_shop(tmp_path)
    with open_shop(tmp_path) as shop:
        first = shop.run()
        sent = len(shop.post.messages)

        assert shop.run() == first
        assert len(shop.post.messages) == sent


def test_what_a_message_says(tmp_path: Path):
    """The template is filled in from the user, the offer with this user's own code, and the run."""
    text = "{{ user.name | default('you') }} {{ offer.code }} {{ offer.value }} {{ run.variant }}"
    write_shop(tmp_path, COUPON, {"hello.j2": text})
    with open_shop(tmp_path) as shop:
        shop.run()

        bodies = {int(message.key): message.body for message in shop.post.messages}
        sends = shop.world.ledger.sends(first_run(shop).id)
        given = {send.key: send.code for send in sends if send.code}
        assert bodies[28] == f"you {given[28]} 5.00 all"
        assert bodies[29] == f"n29 {given[29]} 5.00 all"
        facts = shop.post.messages[0].facts
        assert facts["offer"] == "five"
        assert facts["scheduled"] == format_instant(NOW)
        assert facts["expires_at"] == format_instant(Instant(NOW + 30 * DAY))


def first_run(shop):
    (run,) = shop.world.ledger.runs()
    return run


def test_every_user_has_a_code_of_their_own(tmp_path: Path):
    """Codes are given for good once the message that brings them has arrived."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"})
    with open_shop(tmp_path) as shop:
        report = shop.run()

        assert report is not None and report.coupons == (("five", len(LAPSED)),)
        assert len({message.body for message in shop.post.messages}) == len(LAPSED)
        assert five(shop) == {"free": 8, "reserved": 0, "committed": len(LAPSED)}


@pytest.mark.parametrize("expires", ["8000y", "2950000d"])
def test_a_code_that_never_ends_in_practice_ends_with_the_calendar(tmp_path: Path, expires: str):
    """A length that the loader accepts may lead beyond the year 9999."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.expires_at }}"})
    catalog = tmp_path / "catalog/shop.yaml"
    catalog.write_text(catalog.read_text().replace("expires: 30d", f"expires: {expires}"))
    with open_shop(tmp_path) as shop:
        shop.run()
        assert {message.body for message in shop.post.messages} == {"9999-12-31T23:59:59.999Z"}


def test_a_message_that_fails_gives_its_code_back(tmp_path: Path):
    """Whoever has no name can't be written to: that is their failure alone."""
    write_shop(tmp_path, COUPON, {"hello.j2": "Dear {{ user.name }}: {{ offer.code }}"})
    with open_shop(tmp_path) as shop:
        report = shop.run()

        half = len(LAPSED) // 2
        assert counts(report) == {"delivered": half, "failed": half}
        assert shop.log.events(level="warning") == ["run finished"]
        assert "push: hello.j2: line 1: a value is missing (user.name)" in reasons(report)
        assert five(shop) == {"free": 40 - half, "reserved": 0, "committed": half}


def test_stock_that_does_not_suffice_is_a_bucket(tmp_path: Path):
    """Ten codes go to ten users; the others are out of stock and hear nothing."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"}, codes=10)
    with open_shop(tmp_path) as shop:
        report = shop.run()

        assert counts(report) == {"delivered": 10, "out_of_stock": len(LAPSED) - 10}
        assert len(shop.post.messages) == 10


def test_holdout_and_arms_divide_the_audience(tmp_path: Path):
    """Held-out users get nothing and count as exposed; the arms are those of the report."""
    rules = """\
rule: winback
segment: lapsed
trigger: {cron: "0 9 * * *"}
holdout: 25%
variants:
  - {name: plain, send: [{channel: push}]}
  - {name: coupon, send: [{channel: coupon, offer: five}, {channel: push}]}
"""
    write_shop(tmp_path, rules)
    with open_shop(tmp_path) as shop:
        report = shop.run()

        assert report is not None
        held = shop.users(report, "held_out")
        plain, coupon = (shop.users(report, "delivered", arm) for arm in ("plain", "coupon"))
        assert held and plain and coupon
        assert held | plain | coupon == set(LAPSED)
        assert len(held) + len(plain) + len(coupon) == len(LAPSED)
        assert {exposed.arm: exposed.count for exposed in report.exposures} == {
            "holdout": len(held),
            "plain": len(plain),
            "coupon": len(coupon),
        }
        assert held.isdisjoint(int(message.key) for message in shop.post.messages)


def test_caps_count_what_was_sent_and_what_the_held_out_would_have_got(tmp_path: Path):
    """The day after, everybody has had their one message of the week, ghosts included; whoever
    lapsed since is new."""
    rules = RULE + "holdout: 25%\ncap: [{at_most: 1, per: 7d}]\n"
    write_shop(tmp_path, rules)
    with open_shop(tmp_path) as shop:
        today = shop.run()
        shop.clock.set(NOW + DAY)
        tomorrow = shop.run(at=Instant(NOW + DAY))

        assert today is not None and tomorrow is not None
        new = set(range(24, 28))
        assert shop.users(tomorrow, "delivered") <= new
        capped = shop.users(tomorrow, "capped")
        assert capped == shop.users(today, "delivered")
        ghosts = [one for one in tomorrow.buckets if one.bucket == "held_out"]
        assert {one.reason: one.count for one in ghosts}["capped"] == counts(today)["held_out"]
        assert sum(counts(tomorrow).values()) == len(LAPSED) + len(new)


def test_a_late_run_judges_by_its_scheduled_instant_and_asks_again(tmp_path: Path):
    """The audience is that of the instant; who has bought since, or is not there any more, is not
    sent to."""
    write_shop(tmp_path)
    write_purchases(tmp_path, {30: Instant(NOW + HOUR // 2)})
    write_customers(tmp_path, gone=frozenset({31}))
    with open_shop(tmp_path) as shop:
        shop.clock.set(NOW + HOUR)
        report = shop.run()

        assert report is not None and report.run.audience == len(LAPSED) - 1
        assert shop.users(report, "no_longer_eligible") == {30}
        assert 31 not in {int(message.key) for message in shop.post.messages}


def test_budget_counts_all_runs_of_a_rule(tmp_path: Path):
    """Twenty coupons in total: what the first day takes the second lacks."""
    rules = COUPON + "budget: {coupons: 34, per: total}\n"
    write_shop(tmp_path, rules, {"hello.j2": "{{ offer.code }}"}, codes=100)
    with open_shop(tmp_path) as shop:
        shop.run()
        shop.clock.set(NOW + DAY)
        second = shop.run(at=Instant(NOW + DAY))

        assert counts(second) == {"delivered": 2, "over_budget": len(LAPSED) + 2}


def test_a_rate_holds_from_run_to_run(tmp_path: Path):
    """It is the receiver's: two rules together call no oftener than one."""
    rules = RULE + "max_recipients: 3\n---\n" + RULE.replace("winback", "again")
    write_shop(tmp_path, rules + "max_recipients: 3\n")
    catalog = tmp_path / "catalog/shop.yaml"
    catalog.write_text(catalog.read_text().replace("kind: webhook", "kind: webhook\nrate: 2/min"))
    with open_shop(tmp_path) as shop:
        shop.run()
        shop.run("again")
        assert shop.pause.waited == [30.0] * 5


# --- receivers that misbehave ----------------------------------------------------------------


def test_what_a_receiver_can_not_take_is_tried_again(tmp_path: Path):
    """After a pause, under the same send id; then it has arrived."""
    write_shop(tmp_path)
    with open_shop(tmp_path, post=Post(answers=["retry", "delivered", "retry"])) as shop:
        report = shop.run()

        assert counts(report) == {"delivered": len(LAPSED)}
        assert shop.pause.waited == [PAUSES[1]]
        (told,) = (line for line in shop.log.lines if line["event"] == "sends wait")
        assert (told["users"], told["seconds"]) == (2, PAUSES[1])
        ids = [message.send_id for message in shop.post.messages]
        assert ids[-2:] == [ids[0], ids[2]]


def test_a_receiver_that_is_down_is_given_up_after_the_last_pause(tmp_path: Path):
    """It is not asked for each user in vain: after ten in a row a channel rests until the next
    pass. In the end all have failed, and their codes are free again."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"})
    post = Post(answers=["retry"] * 1000)
    with open_shop(tmp_path, post=post) as shop:
        report = shop.run()

        assert counts(report) == {"failed": len(LAPSED)}
        assert shop.log.events(level="alarm") == ["run finished"]
        assert shop.pause.waited == list(PAUSES[1:])
        assert len(post.messages) == 10 * len(PAUSES)
        assert five(shop) == {"free": 40, "reserved": 0, "committed": 0}


def test_an_unknown_end_is_not_tried_again_and_keeps_the_code(tmp_path: Path):
    """Nobody can say whether the user has the code."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"})
    post = Post(idempotent=False, answers=["unknown"])
    with open_shop(tmp_path, post=post) as shop:
        report = shop.run()

        assert counts(report) == {"unknown": 1, "delivered": len(LAPSED) - 1}
        assert len(post.messages) == len(LAPSED)
        assert five(shop)["committed"] == len(LAPSED)


def test_what_may_have_arrived_is_not_said_to_have_failed(tmp_path: Path):
    """A receiver that accepts and answers with an error each time has the code: nobody else gets
    it, although the last attempts found no receiver at all."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"})
    post = Post(answers=["unknown", "unknown", *["retry"] * 1000])
    with open_shop(tmp_path, post=post) as shop:
        report = shop.run()

        assert counts(report) == {"unknown": 2, "failed": len(LAPSED) - 2}
        assert shop.users(report, "unknown") == {28, 29}
        assert five(shop) == {"free": 38, "reserved": 0, "committed": 2}


def test_a_receiver_that_says_nothing_clear_is_left_alone_for_a_while(tmp_path: Path):
    """Where calls can't be repeated, too: a receiver that hangs would take days, and leave unknown
    ends behind for everybody."""
    write_shop(tmp_path)
    post = Post(idempotent=False, answers=["unknown"] * 10)
    with open_shop(tmp_path, post=post) as shop:
        report = shop.run()

        assert counts(report) == {"unknown": 10, "delivered": len(LAPSED) - 10}
        assert shop.pause.waited == [PAUSES[1]]
        assert len(post.messages) == len(LAPSED)


def test_what_a_receiver_said_is_kept_until_it_can_be_written(tmp_path: Path):
    """A state that is away for a while leaves nobody unknown."""
    write_shop(tmp_path)
    state, away = tmp_path / ".segflow/state.db", tmp_path / ".segflow/away"

    def go_away(message: object) -> str:
        state.rename(away)
        return "delivered"

    def pause(seconds: float) -> bool:
        if seconds:
            away.rename(state)
        return True

    post = Post(idempotent=False, answers=["delivered", go_away])
    with open_shop(tmp_path, post=post) as shop:
        shop.running = replace(shop.running, pause=pause)
        assert counts(shop.run()) == {"delivered": len(LAPSED)}
        assert len(post.messages) == len(LAPSED)


def test_after_a_failed_action_the_next_is_not_tried(tmp_path: Path):
    """The second message of a user whose first one failed would come out of nowhere."""
    rules = RULE.replace("send: [{channel: push}]", "send: [{channel: push}, {channel: letter}]")
    write_shop(tmp_path, rules)
    with open_shop(tmp_path, post=Post(answers=["failed"])) as shop:
        report = shop.run()

        assert reasons(report) == {"push: said so": 1, "sent": len(LAPSED) - 1}
        assert len(shop.post.messages) == 1 + 2 * (len(LAPSED) - 1)


# --- interruptions ---------------------------------------------------------------------------


def stop_after(shop_box: list, number: int):
    """Answers that make work stop at a message."""

    def stop(message):
        shop_box[0].pause.stopped = True
        return "delivered"

    return [*["delivered"] * (number - 1), stop]


def test_a_run_that_has_to_stop_is_handed_back_and_finished_later(tmp_path: Path):
    """Nothing is lost and nobody is sent to twice."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"})
    box: list = []
    post = Post(idempotent=False, answers=stop_after(box, 5))
    with open_shop(tmp_path, post=post) as shop:
        box.append(shop)
        assert shop.run() is None
        assert len(post.messages) == 5
        (open_run,) = shop.world.ledger.unfinished_runs()
        shop.pause.stopped = False

        report = go_on(shop.running, shop.hold, shop.compiled, open_run)

        assert counts(report) == {"delivered": len(LAPSED)}
        keys = [message.key for message in post.messages]
        assert len(set(keys)) == len(keys) == len(LAPSED)
        assert five(shop) == {"free": 8, "reserved": 0, "committed": len(LAPSED)}


@pytest.fixture
def interrupted(tmp_path: Path):
    """A shop whose run stopped after its decision, before anything was claimed."""
    write_shop(tmp_path)
    with open_shop(tmp_path) as shop:
        yield shop, decided(shop), tmp_path


def test_who_left_meanwhile_is_not_sent_to(interrupted):
    """Before an interrupted run goes on, it asks again who is still in the segment."""
    shop, run, root = interrupted
    write_purchases(root, {40: Instant(NOW + 1)})
    shop.clock.set(NOW + 60_000)

    report = go_on(shop.running, shop.hold, shop.compiled, run)

    assert reasons(report) == {LEFT: 1, "sent": len(LAPSED) - 1}
    assert 40 not in {int(message.key) for message in shop.post.messages}


def test_a_run_taken_up_too_late_sends_nothing(interrupted):
    """A good morning in the afternoon is none: later than `catch_up` nobody is sent to."""
    shop, run, _ = interrupted
    shop.clock.set(NOW + HOUR + 1)

    report = go_on(shop.running, shop.hold, shop.compiled, run)

    assert reasons(report) == {TOO_LATE: len(LAPSED)}
    assert shop.post.messages == []


class Crash(Exception):
    """The end of a process, as far as one can be played."""


def test_a_run_without_a_decision_that_is_taken_up_too_late_has_failed(tmp_path: Path):
    """It is as if it had never come."""
    write_shop(tmp_path)
    with open_shop(tmp_path) as shop:

        def crash(name: str) -> None:
            if name == "run.after.begin":
                raise Crash

        effects = replace(shop.running.effects, failpoint=crash)
        running, shop.running = shop.running, replace(shop.running, effects=effects)
        with pytest.raises(Crash):
            shop.run()
        (run,) = shop.world.ledger.unfinished_runs()
        shop.clock.set(NOW + HOUR + 1)

        report = go_on(running, shop.hold, shop.compiled, run)

        assert report is not None
        assert (report.run.status, report.run.reason) == ("failed", TOO_LATE)
        assert shop.post.messages == []


def test_a_rule_that_was_changed_does_not_go_on_with_an_old_run(interrupted):
    """What was decided for the old rule is closed and accounted for."""
    shop, run, root = interrupted
    write_shop(root, RULE + "priority: 60\n")

    report = go_on(shop.running, shop.hold, load(root, None).compiled, run)

    assert reasons(report) == {CHANGED: len(LAPSED)}
    assert report is not None and report.run.reason == CHANGED
    assert shop.post.messages == []


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_run_that_is_closed_tells_who_was_not_sent_to(tmp_path: Path, idempotent: bool):
    """Whoever was claimed and not called has heard nothing: their codes are free."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"})
    box: list = []
    post = Post(idempotent=idempotent, answers=["retry", *stop_after(box, 5)])
    with open_shop(tmp_path, post=post) as shop:
        box.append(shop)
        assert shop.run() is None
        shop.pause.stopped = False
        (run,) = shop.world.ledger.unfinished_runs()
        write_shop(tmp_path, COUPON + "priority: 60\n", {"hello.j2": "{{ offer.code }}"})

        report = go_on(shop.running, shop.hold, load(tmp_path, None).compiled, run)

        assert reasons(report) == {"sent": 5, CHANGED: len(LAPSED) - 5}
        assert five(shop) == {"free": 35, "reserved": 0, "committed": 5}


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_receiver_that_is_down_makes_no_run_late(tmp_path: Path, idempotent: bool):
    """Who could not be reached before the process ended is not reached in the afternoon."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"})
    post = Post(idempotent=idempotent, answers=["retry"] * 10)
    with open_shop(tmp_path, post=post) as shop:
        running = replace(shop.running, pause=lambda seconds: not seconds)
        assert run_rule(running, shop.hold, shop.compiled, "winback", NOW) is None
        shop.clock.set(NOW + HOUR + 1)

        assert reasons(shop.run()) == {TOO_LATE: len(LAPSED)}
        assert len(post.messages) == 10
        assert five(shop) == {"free": 40, "reserved": 0, "committed": 0}


# --- audiences that can't be had -------------------------------------------------------------


def test_a_source_that_fails_fails_the_run_with_an_alarm(tmp_path: Path):
    """Within `catch_up` the run waits; later it has failed, and nobody was sent to."""
    write_shop(tmp_path)
    with open_shop(tmp_path) as shop:
        (tmp_path / "data/purchases.parquet").unlink()
        assert shop.run() is None
        assert shop.log.events() == ["run waits"]

        shop.clock.set(NOW + HOUR + 1)
        report = shop.run()

        assert report is not None
        assert (report.run.status, report.run.reason) == ("failed", TOO_LATE)
        assert "purchases" in str(shop.log.lines[0]["reason"])
        assert shop.log.events(level="alarm") == ["run failed"]
        assert shop.post.messages == []


def test_a_stale_snapshot_is_never_sent_to(tmp_path: Path):
    """A segment that is read as its last snapshot may be as old as its refresh says, and no
    older: then the run waits for a refresh, and has failed where none comes."""
    write_shop(tmp_path, RULE.replace("segment: lapsed", "segment: still_lapsed"))
    with (tmp_path / "catalog/shop.yaml").open("a") as catalog:
        catalog.write(STILL_LAPSED)
    with open_shop(tmp_path) as shop:
        shop.clock.set(NOW + HOUR)
        assert counts(shop.run(at=Instant(NOW + HOUR))) == {"delivered": len(LAPSED)}

        late = Instant(NOW + HOUR + 1)
        shop.clock.set(late)
        assert shop.run(at=late) is None
        assert shop.log.lines[-1]["event"] == "run waits"
        assert "segment.lapsed is too old" in str(shop.log.lines[-1]["reason"])
        refresh(shop.world, ("lapsed",), late)
        assert counts(shop.run(at=late)) == {"delivered": len(LAPSED)}

        later = Instant(late + DAY)
        shop.clock.set(later + HOUR + 1)
        failed = shop.run(at=later)
        assert failed is not None and failed.run.status == "failed"


def test_a_refresh_in_a_zone_that_is_not_known_here_fails_the_run(tmp_path: Path):
    """Whether the snapshot is fresh can't be said."""
    write_shop(tmp_path, RULE.replace("segment: lapsed", "segment: still_lapsed"))
    catalog = tmp_path / "catalog/shop.yaml"
    refreshed = 'refresh: {cron: "0 2 * * *", timezone: Europe/Berlin}\nwhere: {did_not'
    catalog.write_text(catalog.read_text().replace("where: {did_not", refreshed) + STILL_LAPSED)
    with open_shop(tmp_path) as shop, knowing_utc_only(tmp_path / "zones"):
        report = shop.run()

        assert report is not None and report.run.status == "failed"
        assert "Europe/Berlin is not known" in str(report.run.reason)


def test_the_log_of_a_run_names_it_and_nobody(tmp_path: Path):
    """A line at its end with its numbers, without keys, codes or names."""
    write_shop(tmp_path, COUPON, {"hello.j2": "{{ offer.code }}"})
    with open_shop(tmp_path) as shop:
        report = shop.run()

        assert report is not None
        (line,) = shop.log.lines
        assert line["run"] == report.run.id and line["delivered"] == len(LAPSED)
        assert "FIVE-" not in json.dumps(shop.log.lines)


def test_a_transactional_rule_passes_caps(tmp_path: Path):
    """A receipt is sent however much somebody heard of late."""
    rules = RULE + "kind: transactional\ncap: [{at_most: 1, per: 7d}]\n"
    write_shop(tmp_path, rules)
    with open_shop(tmp_path) as shop:
        shop.run()
        shop.clock.set(NOW + DAY)
        second = shop.run(at=Instant(NOW + DAY))
        assert counts(second) == {"delivered": len(LAPSED) + 4}
