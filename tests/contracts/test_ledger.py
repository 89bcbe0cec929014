"""What every ledger of rules promises, asked of each of them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segflow.errors import LeaseLostError, LockedError, RefusedError
from segflow.model.address import Address
from segflow.model.rule import HOLDOUT
from segflow.model.run import Stock
from segflow.ports import Ledger
from segflow.store.ledger import SqlLedger
from segflow.store.scratch import scratch_copy
from segflow.store.state import SqlStateStore
from tests.store.records import MINUTE, MINUTE_MS, apply, segment
from tests.store.run_records import (
    bucket,
    decided,
    decision,
    of_offer,
    run,
    runner,
    send,
    sends,
    settle,
    settlement,
    stocked,
)

LARGEST = 2**64 - 1


@pytest.fixture(params=["file", "memory", "scratch"])
def state(request, tmp_path):
    """A state with an offer, in a file, in memory, and as a copy to rehearse on."""
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"
    with SqlStateStore(url) as store:
        store.create("lineage", "shop")
        stocked(store, "AAA", "BBB", "CCC")
        if request.param != "scratch":
            yield store
            return
        with scratch_copy(store, None) as copy:
            yield copy.state


@pytest.fixture
def ledger(state) -> Ledger:
    return SqlLedger(state.database)


@pytest.fixture
def lease(state):
    return runner(state)


@pytest.fixture
def today(ledger, lease):
    """A run that is decided and may send."""
    return decided(ledger, lease, 0)


def contents(ledger):
    """Everything that a reader sees."""
    found = ledger.runs()
    return (
        found,
        [(ledger.buckets(made.id), ledger.exposures(made.id)) for made in found],
        [ledger.sends(made.id) for made in found],
        ledger.stock("five"),
    )


def stock(free, reserved=0, committed=0, offer="five"):
    return Stock(offer=offer, free=free, reserved=reserved, committed=committed)


# --- a state that was not made yet -----------------------------------------------------------


def test_where_no_state_was_made_nothing_was_run(tmp_path):
    """Every question has the answer of an empty ledger, and makes no file."""
    ledger = SqlLedger(SqlStateStore(f"sqlite:///{tmp_path}/state.db").database)
    assert ledger.run("winback@0") is None
    assert list(ledger.runs()) == []
    assert list(ledger.runs_called("")) == []
    assert ledger.last_scheduled("winback", 9) is None
    assert list(ledger.unfinished_runs()) == []
    assert list(ledger.buckets("winback@0")) == []
    assert list(ledger.exposures("winback@0")) == []
    assert list(ledger.sends("winback@0")) == []
    assert ledger.reached(0, 9, rule=None, channel=None) == {}
    assert list(ledger.held_out(0, 9, rule=None, channel=None)) == []
    assert ledger.stock("five") == stock(0)
    assert ledger.coupons_given("winback", None, None) == 0
    assert list(tmp_path.iterdir()) == []


# --- leases ----------------------------------------------------------------------------------


def test_running_rules_and_changing_the_state_go_on_side_by_side(state, ledger, lease):
    """Each has a lease of its own, with a token of its own."""
    writer = state.acquire("ann", "apply", 0, MINUTE)
    apply(state, writer, 2, put=(segment("vip"),))
    assert ledger.begin_run(lease, run())
    assert state.lease("runner") == lease
    assert state.lease() == writer
    assert (lease.name, writer.name) == ("runner", "state")


def test_a_second_runner_is_told_who_runs_the_rules(state, lease):
    """The message names the other process, and what to do."""
    with pytest.raises(LockedError) as caught:
        runner(state, "eve", 25_000)
    assert caught.value.message == (
        "the rules of this state are run by dan@server:3 (daemon) since 1970-01-01T00:00:00Z; its "
        "last heartbeat was 25 s ago and its lease ends in 35 s, at 1970-01-01T00:01:00Z"
    )
    assert "stop that one" in caught.value.hint


def test_giving_back_or_breaking_one_lease_leaves_the_other(state, lease):
    """They are told apart by their names."""
    writer = state.acquire("ann", "apply", 0, MINUTE)
    state.release(writer)
    assert state.lease("runner") == lease

    writer = state.acquire("ann", "apply", 0, MINUTE)
    assert state.break_lease("runner") == lease
    assert state.lease() == writer
    assert state.lease("runner") is None


def test_heartbeats_prolong_the_lease_of_their_name(state, lease):
    """The lease to write the state is still free."""
    renewed = state.renew(lease, 30_000, MINUTE)
    assert renewed == replace(lease, heartbeat_at=30_000, expires_at=30_000 + MINUTE_MS)
    assert state.lease("runner") == renewed
    assert state.lease() is None


WRITES = {
    "begin_run": lambda ledger, lease, today: ledger.begin_run(lease, run(1)),
    "decide_run": lambda ledger, lease, today: ledger.decide_run(lease, decision(run(2))),
    "claim": lambda ledger, lease, today: ledger.claim(lease, sends(today, [8]), {}),
    "settle": lambda ledger, lease, today: ledger.settle(
        lease, [settlement(send(today, 7), "delivered")]
    ),
    "finish_run": lambda ledger, lease, today: ledger.finish_run(
        lease, replace(today, status="done", finished_at=9), ()
    ),
}
LOSSES = {
    "taken": lambda state, lease: runner(state, "eve", MINUTE_MS),
    "given back": lambda state, lease: state.release(lease),
    "broken": lambda state, lease: state.break_lease("runner"),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("write", WRITES)
def test_without_the_lease_nothing_is_written(state, ledger, lease, today, write, loss):
    """Every write is refused once the lease is lost, however it was lost, and changes nothing."""
    ledger.begin_run(lease, run(2))
    ledger.claim(lease, sends(today, [7]), {})
    LOSSES[loss](state, lease)
    before = contents(ledger)

    with pytest.raises(LeaseLostError, match="lost the right to run rules"):
        WRITES[write](ledger, lease, today)

    assert contents(ledger) == before


@pytest.mark.parametrize("write", WRITES)
def test_with_the_lease_it_is_written(ledger, lease, today, write):
    """The same writes change something while the lease is held."""
    ledger.begin_run(lease, run(2))
    ledger.claim(lease, sends(today, [7]), {})
    before = contents(ledger)
    WRITES[write](ledger, lease, today)
    assert contents(ledger) != before


@pytest.mark.parametrize("write", WRITES)
def test_the_lease_to_write_the_state_gives_no_right_to_run_rules(state, ledger, today, write):
    """Mistaking the one for the other is a fault of the program."""
    writer = state.acquire("ann", "apply", 0, MINUTE)
    with pytest.raises(ValueError, match="no right to run rules"):
        WRITES[write](ledger, writer, today)


def test_every_writing_method_is_tried_without_its_lease():
    """The list above has each method of the port that takes a lease."""
    taking = {
        name
        for name, method in vars(Ledger).items()
        if "lease" in getattr(method, "__annotations__", {})
    }
    assert taking == set(WRITES)


# --- runs ------------------------------------------------------------------------------------


def test_a_run_comes_back_whole(ledger, lease):
    """Every field is as it was given, of each kind of run."""
    made = [
        run(1),
        run(2, status="skipped", reason="missed", live=False, finished_at=3),
        run(3, status="failed", reason="no source", audience=0, digest="d", finished_at=4),
    ]
    for one in made:
        assert ledger.begin_run(lease, one)
    assert [ledger.run(one.id) for one in made] == made
    assert ledger.run("other@0") is None


def test_a_rule_runs_once_per_scheduled_instant(ledger, lease):
    """The second run is not recorded, whatever is told of it; another rule's is."""
    assert ledger.begin_run(lease, run(1))
    assert not ledger.begin_run(lease, run(1))
    assert not ledger.begin_run(lease, run(1, id="another", status="skipped", reason="missed"))
    assert ledger.begin_run(lease, run(1, "other"))
    assert [made.id for made in ledger.runs()] == ["other@1", "winback@1"]
    assert ledger.run("winback@1") == run(1)


def test_runs_are_listed_newest_first(ledger, lease):
    """All of them, those of a rule, or the newest few."""
    for scheduled in (2, 3, 1):
        ledger.begin_run(lease, run(scheduled))
    ledger.begin_run(lease, run(9, "other"))

    assert [made.scheduled for made in ledger.runs()] == [9, 3, 2, 1]
    assert [made.scheduled for made in ledger.runs("winback")] == [3, 2, 1]
    assert [made.scheduled for made in ledger.runs("winback", 2)] == [3, 2]
    assert [made.scheduled for made in ledger.runs(limit=1)] == [9]


def test_runs_are_found_by_how_their_ids_begin(ledger, lease):
    """To the letter, whatever the beginning holds; the empty one is that of all."""
    for made in (run(1), run(10), run(2), run(3, "other", id="WINBACK@1")):
        ledger.begin_run(lease, made)

    def called(beginning):
        return [made.id for made in ledger.runs_called(beginning)]

    assert called("winback@1") == ["winback@1", "winback@10"]
    assert called("winback@10") == ["winback@10"]
    assert called("%") == called("winback@1_") == []
    assert len(called("")) == 4


def test_the_newest_scheduled_instant_counts_whatever_became_of_it(ledger, lease):
    """A missed occurrence was dealt with, too."""
    ledger.begin_run(lease, run(2))
    ledger.begin_run(lease, run(3, status="skipped", reason="missed", finished_at=4))
    assert ledger.last_scheduled("winback", 3) == 3
    assert ledger.last_scheduled("winback", 2) == 2
    assert ledger.last_scheduled("winback", 1) is None
    assert ledger.last_scheduled("other", 3) is None


def test_unfinished_runs_are_those_under_way(ledger, lease):
    """Oldest first, without those that were finished, skipped or failed."""
    for scheduled in (3, 1, 2):
        ledger.begin_run(lease, run(scheduled))
    ledger.begin_run(lease, run(0, status="skipped", reason="missed", finished_at=4))
    ledger.finish_run(lease, run(2, status="failed", reason="gone", finished_at=5), ())
    assert [made.scheduled for made in ledger.unfinished_runs()] == [1, 3]


def test_a_decision_comes_back_whole(ledger, lease):
    """The run has its audience from then on; buckets are in order, exposures by arm."""
    made = decision(run(1))
    ledger.begin_run(lease, run(1))
    assert ledger.run("winback@1").digest is None
    ledger.decide_run(lease, made)

    assert ledger.run("winback@1") == made.run
    assert tuple(ledger.buckets("winback@1")) == made.buckets
    assert tuple(ledger.exposures("winback@1")) == made.exposures


def test_a_decision_stands(ledger, lease, today):
    """Who goes on with a run that was interrupted finds it, and can't make another."""
    before = contents(ledger)
    with pytest.raises(RefusedError, match="decided before"):
        ledger.decide_run(lease, decision(run(0), holdout=False))
    assert contents(ledger) == before


def test_at_the_end_everybody_is_where_they_ended(ledger, lease, today):
    """The buckets of the decision give way to those of the end; exposures stay."""
    exposed = ledger.exposures(today.id)
    ended = (bucket("delivered", 2), bucket("held_out", reason="exposed", arm=HOLDOUT))
    done = replace(today, status="done", finished_at=99)

    ledger.finish_run(lease, done, ended)

    assert ledger.run(today.id) == done
    assert tuple(ledger.buckets(today.id)) == ended
    assert ledger.exposures(today.id) == exposed


def test_what_is_over_stays_as_it_is(ledger, lease, today):
    """A finished run is not decided, sent in or finished again; nor is one that never began."""
    done = replace(today, status="done", finished_at=99)
    ledger.finish_run(lease, done, ())
    before = contents(ledger)
    for of, told in ((done, "is over"), (run(5), "was never begun")):
        for act in (
            lambda of=of: ledger.decide_run(lease, decision(of)),
            lambda of=of: ledger.claim(lease, sends(of, [1]), {}),
            lambda of=of: ledger.finish_run(lease, replace(of, status="done"), ()),
        ):
            with pytest.raises(RefusedError, match=told):
                act()
    assert contents(ledger) == before


def test_nothing_is_sent_before_the_decision(ledger, lease):
    """It is durable first."""
    ledger.begin_run(lease, run(1))
    with pytest.raises(RefusedError, match="not decided"):
        ledger.claim(lease, sends(run(1), [1]), {})
    assert list(ledger.sends("winback@1")) == []


# --- sends -----------------------------------------------------------------------------------


def test_a_claimed_send_is_on_record(ledger, lease, today):
    """With every field, for the largest key, too."""
    made = send(today, LARGEST, "push", 1, variant="größe", step=2)
    assert list(ledger.claim(lease, [made], {})) == [made]
    assert list(ledger.sends(today.id)) == [made]


def test_sends_are_in_order_of_key_step_and_action(ledger, lease, today):
    """Keys are unsigned."""
    made = [
        send(today, 7),
        send(today, 7, action=1),
        send(today, 2**63 - 1),
        send(today, 2**63),
        send(today, LARGEST),
    ]
    ledger.claim(lease, made[::-1], {})
    assert list(ledger.sends(today.id)) == made


def test_claiming_again_changes_nothing(ledger, lease, today):
    """What was claimed, delivered or failed comes back as it is, with its code and no other."""
    made = sends(today, [1, 2, 3])
    claimed = ledger.claim(lease, made, of_offer(made))
    settle(ledger, lease, claimed[:1], "delivered", detail="ok")
    settle(ledger, lease, claimed[1:2], "failed", detail="410")
    before = contents(ledger)

    again = ledger.claim(lease, made, of_offer(made))

    assert [(one.status, one.code) for one in again] == [
        ("delivered", "AAA"),
        ("failed", None),
        ("claimed", "CCC"),
    ]
    assert contents(ledger) == before


def test_known_and_new_sends_come_back_in_the_order_given(ledger, lease, today):
    """One that is given twice is claimed once."""
    made = sends(today, [3, 1, 2])
    ledger.claim(lease, made[1:2], {})
    got = ledger.claim(lease, [*made, made[0]], {})
    assert [one.key for one in got] == [3, 1, 2, 3]
    assert [one.key for one in ledger.sends(today.id)] == [1, 2, 3]


def test_many_sends_are_claimed_at_once(ledger, lease, today):
    """There may be more of them than a statement takes parameters."""
    made = sends(today, range(1_234))
    assert len(ledger.claim(lease, made, {})) == 1_234
    settle(ledger, lease, made, "delivered")
    assert {one.status for one in ledger.sends(today.id)} == {"delivered"}


def test_nothing_to_claim_or_settle_is_nothing(ledger, lease, today):
    """Empty batches are harmless."""
    before = contents(ledger)
    assert list(ledger.claim(lease, [], {})) == []
    ledger.settle(lease, [])
    assert contents(ledger) == before


def test_a_settled_send_says_how_it_ended(ledger, lease, today):
    """Status, instant, attempts and detail are those of the settlement."""
    (made,) = ledger.claim(lease, sends(today, [1]), {})
    settle(ledger, lease, [made], "unknown", at=33, attempts=2, detail="timeout")
    assert list(ledger.sends(today.id)) == [
        replace(made, status="unknown", settled_at=33, attempts=2, detail="timeout")
    ]


def test_an_attempt_that_is_worth_another_is_noted(ledger, lease, today):
    """The send is still under way then, with its code."""
    made = ledger.claim(lease, sends(today, [1]), of_offer(sends(today, [1])))
    settle(ledger, lease, made, "claimed", attempts=3, detail="503")
    assert list(ledger.sends(today.id)) == [replace(made[0], attempts=3, detail="503")]
    assert ledger.stock("five") == stock(2, reserved=1)


def test_an_unknown_send_may_be_tried_again(ledger, lease, today):
    """Where its channel knows the idempotency key the next answer is the true one."""
    made = ledger.claim(lease, sends(today, [1, 2]), {})
    settle(ledger, lease, made, "unknown")
    settle(ledger, lease, made[:1], "delivered", attempts=2)
    settle(ledger, lease, made[1:], "failed", attempts=2)
    assert [one.status for one in ledger.sends(today.id)] == ["delivered", "failed"]


@pytest.mark.parametrize("status", ["delivered", "failed"])
def test_delivered_and_failed_are_final(ledger, lease, today, status):
    """The same again changes nothing; another end is refused with all that comes with it."""
    made = ledger.claim(lease, sends(today, [1, 2]), of_offer(sends(today, [1, 2])))
    settle(ledger, lease, made[:1], status)
    before = contents(ledger)
    settle(ledger, lease, made[:1], status, at=77, attempts=9)
    assert contents(ledger) == before

    for other in {"claimed", "delivered", "failed", "unknown"} - {status}:
        with pytest.raises(RefusedError, match=f"is {status}"):
            ledger.settle(lease, [settlement(made[1], "delivered"), settlement(made[0], other)])
    assert contents(ledger) == before


def test_what_was_never_claimed_is_not_settled(ledger, lease, today):
    """Nothing of that batch is recorded."""
    made = ledger.claim(lease, sends(today, [1]), {})
    with pytest.raises(RefusedError, match="never claimed"):
        settle(ledger, lease, [*made, send(today, 2)], "delivered")
    assert list(ledger.sends(today.id)) == list(made)


# --- codes -----------------------------------------------------------------------------------


def test_codes_come_into_stock_once(state, ledger):
    """An apply adds those that no offer has yet, so that two offers can't give the same code."""
    stocked(state, "CCC", "DDD", "DDD", number=2)
    stocked(state, "AAA", "TEN", offer="ten", number=3)
    assert ledger.stock("five") == stock(4)
    assert ledger.stock("ten") == stock(1, offer="ten")
    assert ledger.stock("none") == stock(0, offer="none")


def test_many_codes_come_into_stock(state, ledger):
    """There may be more of them than a statement takes parameters."""
    many = tuple(f"code {number}" for number in range(1_234))
    stocked(state, *many, offer="ten", number=2)
    assert ledger.stock("ten") == stock(1_234, offer="ten")
    assert ledger.known_codes((*many, "other")) == set(many)


def test_known_codes_are_those_of_any_offer(ledger, lease, today):
    """Free or given; others are not known."""
    ledger.claim(lease, sends(today, [1]), of_offer(sends(today, [1])))
    assert ledger.known_codes(("AAA", "BBB", "aaa", "")) == {"AAA", "BBB"}
    assert ledger.known_codes(()) == frozenset()


def test_withdrawn_codes_are_given_no_more(state, ledger, lease, today):
    """Those that are free leave the stock of that offer; given ones stay given."""
    ledger.claim(lease, sends(today, [1]), of_offer(sends(today, [1])))
    writer = state.acquire("ann", "apply", 0, MINUTE)
    apply(state, writer, 2, codes=(("ten", ("TEN",)),))
    many = tuple(f"code {number}" for number in range(1_234))
    gone = (("five", ("AAA", "BBB", *many)), ("five", ("TEN",)))
    apply(state, writer, 3, withdrawn=gone, codes=(("ten", ("BBB",)),))
    assert ledger.stock("five") == stock(1, reserved=1)
    assert ledger.stock("ten") == stock(2, offer="ten")


def test_codes_are_given_in_their_order(ledger, lease, today):
    """The first send gets the first code of the offer, and has it from then on."""
    made = sends(today, [9, 1])
    claimed = ledger.claim(lease, made, of_offer(made))
    assert [one.code for one in claimed] == ["AAA", "BBB"]
    assert [(one.key, one.code) for one in ledger.sends(today.id)] == [(1, "BBB"), (9, "AAA")]
    assert ledger.stock("five") == stock(1, reserved=2)


def test_only_sends_of_an_offer_take_codes(ledger, lease, today):
    """A coupon and the message that brings it are two sends."""
    coupon, push = send(today, 1), send(today, 1, "push", 1)
    claimed = ledger.claim(lease, [coupon, push], of_offer([coupon]))
    assert [one.code for one in claimed] == ["AAA", None]


@pytest.mark.parametrize(
    ("status", "left", "code"),
    [
        ("delivered", stock(2, committed=1), "AAA"),
        ("unknown", stock(2, committed=1), "AAA"),
        ("failed", stock(3), None),
        ("claimed", stock(2, reserved=1), "AAA"),
    ],
)
def test_a_code_goes_the_way_of_its_send(ledger, lease, today, status, left, code):
    """It is given away with what arrived or may have, and free again after a failure."""
    made = ledger.claim(lease, sends(today, [1]), of_offer(sends(today, [1])))
    settle(ledger, lease, made, status)
    assert ledger.stock("five") == left
    assert [one.code for one in ledger.sends(today.id)] == [code]


def test_a_released_code_is_the_next_to_be_given(ledger, lease, today):
    """Its send has it no more."""
    first = ledger.claim(lease, sends(today, [1, 2]), of_offer(sends(today, [1, 2])))
    settle(ledger, lease, first[:1], "failed")
    (third,) = ledger.claim(lease, sends(today, [3]), of_offer(sends(today, [3])))
    assert third.code == "AAA"
    assert [one.code for one in ledger.sends(today.id)] == [None, "BBB", "AAA"]


def test_a_send_without_a_code_left_fails(ledger, lease, today):
    """The first ones get what there is; the others are out of stock, for good."""
    made = sends(today, [1, 2, 3, 4, 5])
    claimed = ledger.claim(lease, made, of_offer(made))
    assert [(one.status, one.detail, one.code) for one in claimed] == [
        ("claimed", None, "AAA"),
        ("claimed", None, "BBB"),
        ("claimed", None, "CCC"),
        ("failed", "out_of_stock", None),
        ("failed", "out_of_stock", None),
    ]
    assert claimed[3].settled_at == claimed[3].claimed_at
    assert list(ledger.sends(today.id)) == claimed
    settle(ledger, lease, claimed[:1], "failed")
    assert ledger.claim(lease, made[3:], of_offer(made))[0].status == "failed"


def test_a_deleted_offer_loses_its_free_codes(state, ledger, lease, today):
    """Those that were given stay given, also when the offer comes again with the same codes."""
    made = ledger.claim(lease, sends(today, [1]), of_offer(sends(today, [1])))
    settle(ledger, lease, made, "delivered")
    offer = replace(segment("five"), address=Address("offer", "five"))
    writer = state.acquire("ann", "apply", 0, MINUTE)
    apply(state, writer, 2, put=(offer,))
    apply(state, writer, 3, delete=(offer.address,))
    assert ledger.stock("five") == stock(0, committed=1)

    apply(state, writer, 4, put=(offer,), codes=(("five", ("NEW", "AAA")),))
    assert ledger.stock("five") == stock(1, committed=1)
    (second,) = ledger.claim(lease, sends(today, [2]), of_offer(sends(today, [2])))
    assert second.code == "NEW"


def test_coupons_count_for_the_rule_that_gave_them(ledger, lease):
    """Reserved and given ones, by the scheduled instant of their run; released ones do not."""
    runs = [decided(ledger, lease, at) for at in (0, 10)]
    made = [send(runs[0], 1), send(runs[0], 2), send(runs[1], 1)]
    claimed = ledger.claim(lease, made, of_offer(made))
    settle(ledger, lease, claimed[:1], "delivered")
    settle(ledger, lease, claimed[1:2], "failed")

    def given(start, end, rule="winback"):
        return ledger.coupons_given(rule, start, end)

    assert [given(None, None), given(0, 10), given(0, 11), given(1, None)] == [2, 1, 2, 1]
    assert [given(None, 0), given(11, None), given(None, None, "other")] == [0, 0, 0]
    assert [ledger.coupons(run.id) for run in runs] == [{"five": 1}, {"five": 1}]


# --- caps ------------------------------------------------------------------------------------


def test_a_user_is_reached_once_per_run(ledger, lease):
    """However many sends the run has for them; runs add up."""
    for at in (0, 10):
        of = decided(ledger, lease, at)
        ledger.claim(lease, [*sends(of, [1, LARGEST]), *sends(of, [1], action=1)], {})
    assert ledger.reached(0, 11, rule=None, channel=None) == {1: 2, LARGEST: 2}
    assert ledger.reached(0, 10, rule=None, channel=None) == {1: 1, LARGEST: 1}
    assert ledger.reached(1, 10, rule=None, channel=None) == {}


def test_who_got_nothing_was_not_reached(ledger, lease, today):
    """A failed send does not count; an unknown one and one under way do."""
    made = ledger.claim(lease, sends(today, [1, 2, 3, 4]), {})
    for one, status in zip(made, ("failed", "unknown", "claimed", "delivered"), strict=True):
        settle(ledger, lease, [one], status)
    assert ledger.reached(0, 1, rule=None, channel=None) == {2: 1, 3: 1, 4: 1}


def test_a_late_run_counts_at_its_scheduled_instant(ledger, lease, today):
    """So that the next day's run finds the same users at their cap as in a replay."""
    ledger.claim(lease, [send(today, 1, claimed_at=5_000)], {})
    assert ledger.reached(0, 1, rule=None, channel=None) == {1: 1}
    assert ledger.reached(1, 9_999, rule=None, channel=None) == {}


def test_caps_look_at_a_rule_or_a_channel(ledger, lease):
    """Both narrow what is counted."""
    mine, other = decided(ledger, lease, 0), decided(ledger, lease, 0, "other")
    ledger.claim(lease, [send(mine, 1, "push"), send(mine, 2, "coupons")], {})
    ledger.claim(lease, [send(other, 1, "push"), send(other, 3, "coupons")], {})

    def reached(rule=None, channel=None):
        return ledger.reached(0, 1, rule=rule, channel=channel)

    assert reached() == {1: 2, 2: 1, 3: 1}
    assert reached(rule="winback") == {1: 1, 2: 1}
    assert reached(channel="push") == {1: 2}
    assert reached("other", "coupons") == {3: 1}


def test_held_out_users_count_by_their_exposures(ledger, lease):
    """Those of the holdout, in runs scheduled in the window, of a rule, or that used a channel."""
    first, second = decided(ledger, lease, 0), decided(ledger, lease, 10)
    decided(ledger, lease, 5, "other")
    decided(ledger, lease, 6, "whole", holdout=False)
    ledger.claim(lease, [send(second, 1, "push")], {})

    def at(start=0, end=11, rule=None, channel=None):
        return [made.at for made in ledger.held_out(start, end, rule=rule, channel=channel)]

    assert at() == [0, 5, 10]
    assert at(end=10) == [0, 5]
    assert at(rule="winback") == [0, 10]
    assert at(channel="push") == [10]
    assert at(rule="other", channel="push") == []
    (exposed,) = ledger.held_out(0, 1, rule=None, channel=None)
    assert exposed in ledger.exposures(first.id)
    assert exposed.arm == HOLDOUT


# --- whatever happens ------------------------------------------------------------------------

actions = st.lists(
    st.tuples(
        st.sampled_from(["claim", "delivered", "failed", "unknown", "claimed", "add"]),
        st.sets(st.integers(0, 6), min_size=1),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(actions)
def test_no_code_is_ever_given_to_two(done):
    """In any order of claims, ends and deliveries of new codes: stock, sends and codes agree."""
    with SqlStateStore("sqlite://") as state:
        state.create("lineage", "shop")
        ledger, lease = SqlLedger(state.database), runner(state)
        of = decided(ledger, lease)
        had, total = {}, 0
        for number, (what, keys) in enumerate(done, start=1):
            made = sends(of, sorted(keys))
            if what == "add":
                new = [f"{number}-{key}" for key in keys]
                total += len(new)
                stocked(state, *new, number=number)
            elif what == "claim":
                ledger.claim(lease, made, of_offer(made))
            else:
                known = {one.id: one.status for one in ledger.sends(of.id)}
                open_ones = [one for one in made if known.get(one.id) in ("claimed", "unknown")]
                settle(ledger, lease, open_ones, what)
            check(ledger, of, total, had)


def check(ledger, of, total, had):
    """`had` are the codes that users were given for good so far."""
    found, left = ledger.sends(of.id), ledger.stock("five")
    codes = [one.code for one in found if one.code is not None]
    assert len(codes) == len(set(codes)) == left.reserved + left.committed
    assert left.free + left.reserved + left.committed == total
    for one in found:
        assert (one.code is None) == (one.status == "failed")
        if one.status == "delivered":
            assert had.setdefault(one.code, one.key) == one.key
