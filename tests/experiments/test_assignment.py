"""Arms: a division of the audience that stays put when users come and shares change."""

from decimal import Decimal
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.experiments.assignment import Arm, assign, epoch
from segflow.model.hashing import stable_hash
from segflow.model.rule import HOLDOUT

NAMES = ("control", "five_off", "ten_off", "größe")
keys = st.integers(min_value=0, max_value=2**64 - 1)
audiences = st.frozensets(keys, max_size=60).map(BitMap64)
salts = st.text(max_size=12)
percents = st.decimals(min_value=0, max_value=100, places=3)


@st.composite
def arm_lists(draw):
    """One to four arms, at least one of them with a weight."""
    weights = draw(st.lists(st.integers(0, 1_000), min_size=1, max_size=4).filter(any))
    return tuple(
        Arm(name=name, weight=weight) for name, weight in zip(NAMES, weights, strict=False)
    )


def arm_of(placed):
    """The arm of each key."""
    return {key: arm for arm, members in placed.items() for key in members}


@given(audience=audiences, salt=salts, holdout=percents, arms=arm_lists())
def test_arms_divide_the_audience(audience, salt, holdout, arms):
    """The arms are disjoint, add up to the audience, and all are named."""
    placed = assign(audience, salt=salt, holdout=holdout, arms=arms)
    assert list(placed) == [HOLDOUT, *(arm.name for arm in arms)]
    assert sum(len(members) for members in placed.values()) == len(audience)
    assert BitMap64().union(*placed.values()) == audience


@given(audience=audiences, others=audiences, salt=salts, holdout=percents, arms=arm_lists())
def test_added_users_move_nobody(audience, others, salt, holdout, arms):
    """Whoever else is there, a user is in the same arm."""
    small = arm_of(assign(audience, salt=salt, holdout=holdout, arms=arms))
    large = arm_of(assign(audience | others, salt=salt, holdout=holdout, arms=arms))
    assert {key: large[key] for key in audience} == small


@given(audience=audiences, salt=salts, shares=st.tuples(percents, percents), arms=arm_lists())
def test_a_changed_holdout_moves_people_in_or_out_of_it_only(audience, salt, shares, arms):
    """The smaller holdout lies in the larger one, and all others keep their variant."""
    less, more = sorted(shares)
    small = assign(audience, salt=salt, holdout=less, arms=arms)
    large = assign(audience, salt=salt, holdout=more, arms=arms)
    assert small[HOLDOUT] <= large[HOLDOUT]
    for arm in arms:
        assert large[arm.name] == small[arm.name] - large[HOLDOUT]


@given(audience=audiences, salt=salts, holdout=percents, arms=arm_lists())
def test_a_user_is_placed_by_two_hashes(audience, salt, holdout, arms):
    """Held out iff the hash's share of 2**64 is below the percentage; else the arm in whose share
    of the weights the other hash falls."""
    total = sum(arm.weight for arm in arms)

    def expected(key):
        if stable_hash(f"{salt}/holdout", key) * 100 < Decimal(2**64) * holdout:
            return HOLDOUT
        place, reached = stable_hash(f"{salt}/variant", key), 0
        for arm in arms:
            reached += arm.weight
            if place * total < 2**64 * reached:
                return arm.name
        raise AssertionError("beyond the last arm")

    placed = arm_of(assign(audience, salt=salt, holdout=holdout, arms=arms))
    assert placed == {key: expected(key) for key in audience}


@pytest.mark.parametrize("salt", ["winback_coupon", "a", ""])
@pytest.mark.parametrize("first", [1, 10**15])
def test_shares_are_as_asked(salt, first):
    """Of 20000 users each arm has its share within five standard deviations of a binomial."""
    users = 20_000
    arms = (Arm(name="five_off", weight=1), Arm(name="ten_off", weight=3))
    placed = assign(
        BitMap64(range(first, first + users)), salt=salt, holdout=Decimal("12.5"), arms=arms
    )
    for name, share in ((HOLDOUT, 0.125), ("five_off", 0.875 / 4), ("ten_off", 0.875 * 3 / 4)):
        spread = sqrt(users * share * (1 - share))
        assert abs(len(placed[name]) - users * share) < 5 * spread, name


def test_holdout_and_variant_are_independent():
    """Among those whom a holdout of half takes, the variants would have had equal shares."""
    arms = (Arm(name="five_off"), Arm(name="ten_off"))
    audience = BitMap64(range(20_000))
    held = assign(audience, salt="s", holdout=Decimal(50), arms=arms)[HOLDOUT]
    would = assign(held, salt="s", holdout=Decimal(0), arms=arms)
    assert abs(len(would["five_off"]) - len(held) / 2) < 5 * sqrt(len(held) / 4)


@pytest.mark.parametrize(("holdout", "held"), [(Decimal(0), False), (Decimal(100), True)])
def test_all_or_nothing(holdout, held):
    """A holdout of 0 % holds nobody, one of 100 % everybody."""
    audience = BitMap64(range(1_000))
    placed = assign(audience, salt="s", holdout=holdout, arms=(Arm(name="a"),))
    assert placed[HOLDOUT] == (audience if held else BitMap64())


def test_no_weight_is_no_user():
    """An arm of weight 0 stays empty."""
    arms = (Arm(name="a", weight=0), Arm(name="b"), Arm(name="c", weight=0))
    placed = assign(BitMap64(range(1_000)), salt="s", holdout=Decimal(0), arms=arms)
    assert [len(placed[arm.name]) for arm in arms] == [0, 1_000, 0]


@given(first=arm_lists(), second=arm_lists(), holdouts=st.tuples(percents, percents))
def test_an_epoch_names_the_shares(first, second, holdouts):
    """Epochs are equal exactly where names, order and shares are."""

    def shares(holdout, arms):
        total = sum(arm.weight for arm in arms)
        return holdout, [(arm.name, Decimal(arm.weight) / total) for arm in arms]

    same = shares(holdouts[0], first) == shares(holdouts[1], second)
    assert (epoch(holdouts[0], first) == epoch(holdouts[1], second)) is same


def test_an_epoch_is_stable():
    """The name is the same for equal shares written differently, and never changes."""
    arms = (Arm(name="five_off", weight=1), Arm(name="ten_off", weight=3))
    doubled = (Arm(name="five_off", weight=2), Arm(name="ten_off", weight=6))
    assert epoch(Decimal("10"), arms) == epoch(Decimal("10.0"), doubled) == "a3f535ddc70f8bde"
    assert epoch(Decimal("10"), arms[::-1]) != epoch(Decimal("10"), arms)


@pytest.mark.parametrize(
    ("holdout", "arms", "reason"),
    [
        (Decimal(-1), (Arm(name="a"),), "a holdout of -1 %"),
        (Decimal("100.1"), (Arm(name="a"),), "a holdout of 100.1 %"),
        (Decimal(0), (), "one of them is more than 0"),
        (Decimal(0), (Arm(name="a", weight=0),), "one of them is more than 0"),
        (Decimal(0), (Arm(name="a", weight=-1), Arm(name="b", weight=3)), "are not negative"),
        (Decimal(0), (Arm(name="a"), Arm(name="a")), "names of their own"),
        (Decimal(0), (Arm(name=HOLDOUT),), "none may be 'holdout'"),
    ],
)
def test_shares_that_make_no_sense_are_refused(holdout, arms, reason):
    """Assignment and epoch refuse them alike."""
    with pytest.raises(ValueError, match=reason):
        assign(BitMap64([1]), salt="s", holdout=holdout, arms=arms)
    with pytest.raises(ValueError, match=reason):
        epoch(holdout, arms)
