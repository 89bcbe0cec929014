"""The gate: every user in one bucket, ghosts beside the line, scarce things by hash."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.campaign.gate import (
    EXPOSED,
    GateFacts,
    Need,
    Placed,
    check_accounting,
    decide,
)
from segflow.errors import GiveUpError
from segflow.model.hashing import stable_hash
from segflow.model.rule import HOLDOUT

ARMS = (HOLDOUT, "five_off", "ten_off", "no_coupon")
OFFERS = ("five", "ten")

keys = st.integers(min_value=0, max_value=40) | st.integers(2**64 - 9, 2**64 - 1)
sets = st.frozensets(keys, max_size=40).map(BitMap64)
limits = st.none() | st.integers(-3, 12)
needs = st.lists(
    st.builds(Need, offer=st.sampled_from(OFFERS), codes=st.integers(1, 3)), max_size=3
).map(tuple)


@st.composite
def facts_of_any_kind(draw):
    """A divided audience and facts that have nothing to do with each other."""
    arm_by_key = draw(st.dictionaries(keys, st.sampled_from(ARMS), max_size=30))
    arms = {arm: BitMap64() for arm in draw(st.permutations(ARMS))}
    for key, arm in arm_by_key.items():
        arms[arm].add(key)
    most = draw(st.booleans())  # else few get as far as the last step
    everyone = BitMap64(arm_by_key)
    return GateFacts(
        audience=everyone,
        population=everyone if most else draw(sets),
        arms=arms,
        eligible=everyone if most else draw(sets),
        consented=draw(st.none() | (st.just(everyone) if most else sets)),
        capped=draw(sets) if not most else BitMap64(),
        needs=draw(st.dictionaries(st.sampled_from(ARMS[1:]), needs)),
        stock=draw(st.dictionaries(st.sampled_from(OFFERS), st.integers(-2, 20))),
        coupon_budget=draw(limits),
        max_recipients=draw(limits),
        order_salt=draw(st.text(max_size=5)),
    )


def facts(**given):
    """Ten users in one arm, all of whom may get it, save what is given."""
    everyone = BitMap64(range(10))
    defaults = {
        "audience": everyone,
        "population": everyone,
        "arms": {HOLDOUT: BitMap64(), "five_off": everyone},
        "eligible": everyone,
        "order_salt": "winback/order",
    }
    return GateFacts(**(defaults | given))


def flat(decision):
    """(bucket, reason, arm) of each user who was placed."""
    return {
        key: (group.bucket, group.reason, group.arm)
        for group in decision.placed
        for key in group.members
    }


def in_order(members, salt="winback/order"):
    return sorted(members, key=lambda key: (stable_hash(salt, key), key))


# --- properties ------------------------------------------------------------------------------


@given(facts=facts_of_any_kind())
def test_everyone_is_in_exactly_one_place(facts):
    """Buckets and those left to send to divide the audience, whatever the facts are."""
    decision = decide(facts)
    found = Counter(key for group in decision.placed for key in group.members)
    found.update(key for members in decision.to_send.values() for key in members)
    assert found == Counter(facts.audience)
    assert all(group.members for group in decision.placed)
    assert all(group.reason for group in decision.placed)


@given(facts=facts_of_any_kind())
def test_who_is_sent_to_passed_every_step(facts):
    """Each of them is in the population, in that arm, eligible and below the cap, and there is
    enough of everything for all of them."""
    decision = decide(facts)
    used: Counter[str] = Counter()
    for arm, members in decision.to_send.items():
        assert members <= facts.arms[arm] & facts.population & facts.eligible
        assert facts.consented is None or members <= facts.consented
        assert not members & facts.capped
        for need in facts.needs.get(arm, ()):
            used[need.offer] += need.codes * len(members)
    assert all(codes <= max(0, facts.stock.get(offer, 0)) for offer, codes in used.items())
    recipients = sum(map(len, decision.to_send.values()))
    assert facts.coupon_budget is None or used.total() <= max(0, facts.coupon_budget)
    assert facts.max_recipients is None or recipients <= max(0, facts.max_recipients)


@given(facts=facts_of_any_kind())
def test_held_out_users_are_ghosts(facts):
    """Nobody of the holdout is sent to; each is held out, save who is outside the population or has
    not consented."""
    decision = decide(facts)
    held = facts.arms[HOLDOUT] & facts.population
    held &= held if facts.consented is None else facts.consented
    assert HOLDOUT not in decision.to_send
    for key, (bucket, _, arm) in flat(decision).items():
        assert (bucket == "held_out") is (key in held)
        assert (arm == HOLDOUT) is (bucket == "held_out")


@given(facts=facts_of_any_kind())
def test_ghosts_never_consume(facts):
    """Without the held-out users the others end exactly where they end with them."""
    held = facts.arms[HOLDOUT]
    alone = replace(facts, audience=facts.audience - held, arms=facts.arms | {HOLDOUT: BitMap64()})
    with_ghosts, without = decide(facts), decide(alone)
    assert with_ghosts.to_send == without.to_send
    assert {k: v for k, v in flat(with_ghosts).items() if k not in held} == flat(without)


@given(facts=facts_of_any_kind(), order=st.permutations(ARMS), salt=st.text(max_size=3))
def test_the_order_of_arms_is_nothing(facts, order, salt):
    """The same facts in another order give the same decision."""
    shuffled = replace(
        facts,
        arms={arm: facts.arms[arm] for arm in order},
        needs={arm: facts.needs[arm][::-1] for arm in order if arm in facts.needs},
        stock=dict(reversed(facts.stock.items())),
    )
    first, second = decide(facts), decide(shuffled)
    assert flat(first) == flat(second)
    assert first.to_send == second.to_send
    assert first.exposures == second.exposures


@given(facts=facts_of_any_kind())
def test_every_arm_is_exposed_at_one_point(facts):
    """Exposures are those to send to, and the ghosts who passed every step; every arm is named."""
    decision = decide(facts)
    ghosts = BitMap64(key for key, place in flat(decision).items() if place[1] == EXPOSED)
    assert dict(decision.exposures) == {**decision.to_send, HOLDOUT: ghosts}
    assert [arm for arm, _ in decision.exposures] == sorted(ARMS)


@given(facts=facts_of_any_kind())
def test_nothing_that_is_given_changes(facts):
    """The gate leaves its facts as they were."""
    before = repr([sorted(facts.audience), facts.arms, dict(facts.stock), sorted(facts.eligible)])
    decide(facts)
    after = repr([sorted(facts.audience), facts.arms, dict(facts.stock), sorted(facts.eligible)])
    assert before == after


# --- the steps, one by one -------------------------------------------------------------------


def test_the_first_step_that_refuses_decides():
    """Steps come in the order population, consent, eligibility, cap, and what is scarce."""
    decision = decide(
        facts(
            population=BitMap64([1, 2, 3, 4]),
            consented=BitMap64([0, 1, 2, 3]),
            eligible=BitMap64([0, 2, 3]),
            capped=BitMap64([0, 1, 3]),
            max_recipients=0,
        )
    )
    places = flat(decision)
    assert places[0] == ("outside_population", "not in the population", None)
    assert places[1] == ("no_longer_eligible", "left the segment before the send", "five_off")
    assert places[2] == ("over_max_recipients", "max_recipients is reached", "five_off")
    assert places[3] == ("capped", "reached often enough", "five_off")
    assert places[4] == ("no_consent", "has not agreed to the topic", None)
    assert decision.to_send == {"five_off": BitMap64()}


def test_a_ghost_is_told_apart_by_the_step_that_stopped_it():
    """A held-out user is held out for the reason that would have stopped it, or exposed."""
    decision = decide(
        facts(
            arms={HOLDOUT: BitMap64([0, 1, 2, 3]), "five_off": BitMap64(range(4, 10))},
            population=BitMap64(range(1, 10)),
            eligible=BitMap64([0, 2, 3]),
            capped=BitMap64([2]),
        )
    )
    assert [flat(decision)[key] for key in range(4)] == [
        ("outside_population", "not in the population", None),
        ("held_out", "no_longer_eligible", HOLDOUT),
        ("held_out", "capped", HOLDOUT),
        ("held_out", EXPOSED, HOLDOUT),
    ]


@pytest.mark.parametrize(
    ("limit", "bucket"),
    [
        ({"max_recipients": 4}, "over_max_recipients"),
        ({"coupon_budget": 4}, "over_budget"),
        ({"coupon_budget": 5, "needs": {"five_off": (Need(offer="five"),)}}, "out_of_stock"),
    ],
)
def test_what_is_scarce_goes_by_hash(limit, bucket):
    """The four with the least hashes get it, whatever their keys are."""
    given = {"needs": {"five_off": (Need(offer="five"),)}, "stock": {"five": 4}} | limit
    if bucket != "out_of_stock":
        given["stock"] = {"five": 10}
    decision = decide(facts(**given))
    first_four = in_order(range(10))[:4]
    assert decision.to_send == {"five_off": BitMap64(first_four)}
    assert {place[0] for place in flat(decision).values()} == {bucket}
    assert first_four != [0, 1, 2, 3]


def test_enough_is_enough():
    """Where all is just there, all get it."""
    decision = decide(
        facts(
            needs={"five_off": (Need(offer="five", codes=2),)},
            stock={"five": 20},
            coupon_budget=20,
            max_recipients=10,
        )
    )
    assert decision.placed == ()
    assert decision.to_send == {"five_off": BitMap64(range(10))}


def test_an_unknown_offer_has_no_codes():
    """An offer that the stock does not name is out of stock."""
    decision = decide(facts(needs={"five_off": (Need(offer="five"),)}))
    assert set(flat(decision).values()) == {
        ("out_of_stock", "too few codes of five are left", "five_off")
    }


def test_an_arm_without_stock_leaves_the_budget_to_the_other():
    """Who gets no code takes nothing of the budget either."""
    arms = {HOLDOUT: BitMap64(), "five_off": BitMap64(range(5)), "ten_off": BitMap64(range(5, 10))}
    decision = decide(
        facts(
            arms=arms,
            needs={"five_off": (Need(offer="five"),), "ten_off": (Need(offer="ten"),)},
            stock={"five": 0, "ten": 10},
            coupon_budget=5,
        )
    )
    assert decision.to_send == {"five_off": BitMap64(), "ten_off": arms["ten_off"]}


def test_who_asks_for_too_much_is_passed_over():
    """Of three codes a need of two is met once, and a later need of one still is."""
    arms = {HOLDOUT: BitMap64(), "five_off": BitMap64(range(5)), "ten_off": BitMap64(range(5, 10))}
    decision = decide(
        facts(
            arms=arms,
            needs={
                "five_off": (Need(offer="five"), Need(offer="five")),
                "ten_off": (Need(offer="five"),),
            },
            stock={"five": 3},
        )
    )
    sizes = {arm: len(members) for arm, members in decision.to_send.items()}
    assert sizes["five_off"] * 2 + sizes["ten_off"] == 3


def test_ghosts_stand_in_the_same_line():
    """A ghost is exposed iff somebody at its place would still have been served."""
    held, others = BitMap64(range(100)), BitMap64(range(100, 200))
    everyone = held | others
    decision = decide(
        facts(
            audience=everyone,
            population=everyone,
            eligible=everyone,
            arms={HOLDOUT: held, "five_off": others},
            max_recipients=50,
        )
    )
    line = in_order(everyone)
    closed = line.index(in_order(others)[49])  # where the last one is served
    exposed = BitMap64(key for key in line[:closed] if key in held)
    assert dict(decision.exposures)[HOLDOUT] == exposed
    assert 30 < len(exposed) < 70
    assert flat(decision)[line[-1]][1] in ("over_max_recipients", "max_recipients is reached")


def test_a_ghost_stands_for_every_arm():
    """As long as one arm is served, a ghost passes; where none is, it does not."""
    arms = {HOLDOUT: BitMap64([0]), "five_off": BitMap64([1]), "ten_off": BitMap64([2])}
    given = {
        "audience": BitMap64(range(3)),
        "arms": arms,
        "needs": {"five_off": (Need(offer="five"),), "ten_off": (Need(offer="ten"),)},
    }
    one_left = decide(facts(**given, stock={"five": 0, "ten": 2}))
    nothing_left = decide(facts(**given, stock={"five": 0, "ten": 0}))
    assert flat(one_left)[0] == ("held_out", EXPOSED, HOLDOUT)
    assert flat(nothing_left)[0] == ("held_out", "out_of_stock", HOLDOUT)


@pytest.mark.parametrize("arms", [("five_off", "ten_off"), ("ten_off", "five_off")])
def test_a_ghost_with_two_reasons_has_that_of_the_first_arm_by_name(arms):
    """Where the arms lack different things, their order in the facts does not choose the reason."""
    users = {HOLDOUT: BitMap64([0])} | {arm: BitMap64([len(arm)]) for arm in arms}
    everyone = BitMap64().union(*users.values())
    decision = decide(
        facts(
            audience=everyone,
            arms=users,
            eligible=everyone,
            needs={"five_off": (Need(offer="five"),), "ten_off": (Need(offer="ten", codes=9),)},
            coupon_budget=5,
        )
    )
    assert flat(decision)[0] == ("held_out", "out_of_stock", HOLDOUT)


def test_a_budget_that_was_cut_leaves_who_needs_none():
    """A budget below what is spent stops coupons, not the arm that has none."""
    arms = {
        HOLDOUT: BitMap64(),
        "five_off": BitMap64(range(5)),
        "no_coupon": BitMap64(range(5, 10)),
    }
    decision = decide(
        facts(
            arms=arms,
            needs={"five_off": (Need(offer="five"),)},
            stock={"five": 9},
            coupon_budget=-2,
        )
    )
    assert decision.to_send == {"five_off": BitMap64(), "no_coupon": arms["no_coupon"]}


def test_a_need_is_at_least_one_code():
    """A need of nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="0 codes"):
        Need(offer="five", codes=0)


# --- accounting ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ({"five_off": range(9)}, "of 10 users of a run, 1 in no bucket$"),
        ({"five_off": range(10), "ten_off": range(2)}, "of 10 users of a run, 2 in two buckets$"),
    ],
)
def test_arms_that_do_not_divide_the_audience_stop_the_run(arms, message):
    """A user in no arm, or in two, is a fault that nobody is sent anything for."""
    with pytest.raises(GiveUpError, match=message):
        decide(facts(arms={arm: BitMap64(keys) for arm, keys in arms.items()}))


@given(places=st.dictionaries(keys, st.sets(st.integers(0, 3), max_size=2)), extra=sets)
def test_accounts_must_add_up(places, extra):
    """The check passes iff each user is in one bucket and no bucket has a stranger."""
    buckets = ("delivered", "failed", "unknown", "capped")
    placed = [
        Placed(
            bucket=bucket,
            reason="as told",
            arm="five_off",
            members=BitMap64(key for key, where in places.items() if number in where),
        )
        for number, bucket in enumerate(buckets)
    ]
    audience = BitMap64(places) | extra
    good = all(len(where) == 1 for where in places.values()) and audience == BitMap64(places)
    if good:
        check_accounting(audience, placed)
    else:
        with pytest.raises(GiveUpError):
            check_accounting(audience, placed)


def test_a_stranger_in_a_bucket_is_found():
    """Who was sent something without being in the audience is counted, not named."""
    stray = Placed(
        bucket="delivered", reason="ok", arm="five_off", members=BitMap64([1, 7_654_321])
    )
    with pytest.raises(GiveUpError, match="1 in a bucket but not in the audience") as caught:
        check_accounting(BitMap64([1]), [stray])
    assert "7654321" not in str(caught.value)
