"""The gate: of the users of a run, who gets a send, and why the others do not.

STEPS, in order, each let some pass and put the others into a bucket with a reason. Held-out users
go through the same steps as ghosts: they are judged like the others and take nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from pyroaring import BitMap64

from segflow.errors import GiveUpError
from segflow.model.hashing import stable_hashes
from segflow.model.rule import HOLDOUT

Bucket = Literal[
    "outside_population",
    "no_consent",
    "held_out",
    "no_longer_eligible",
    "capped",
    "over_budget",
    "out_of_stock",
    "over_max_recipients",
    "delivered",
    "failed",
    "unknown",
]
"""Where a user of a run ends; the last three are the channel's answer."""

EXPOSED = "exposed"
"""The reason of held-out users who passed every step: they are compared with those who got it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one user of an arm takes: so many codes of an offer."""

    offer: str
    codes: int = 1

    def __post_init__(self) -> None:
        if self.codes < 1:
            raise ValueError(f"{self.codes} codes of {self.offer} are no need")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """All that the gate judges by. Nothing in it is changed.

    `consented` are those who agreed to the topic, None where none is asked for. `arms` divide the
    audience, HOLDOUT among them. `eligible` are the segment's members at send
    time. `capped` is counted alike for all arms (see caps.at_cap). `stock` holds the free codes of
    each offer; None for `coupon_budget` or `max_recipients` is no limit. `order_salt` decides who
    is served first where something does not suffice.
    """

    audience: BitMap64
    population: BitMap64
    arms: Mapping[str, BitMap64]
    eligible: BitMap64
    consented: BitMap64 | None = None
    capped: BitMap64 = field(default_factory=BitMap64)
    needs: Mapping[str, tuple[Need, ...]] = field(default_factory=dict)
    stock: Mapping[str, int] = field(default_factory=dict)
    coupon_budget: int | None = None
    max_recipients: int | None = None
    order_salt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Users who ended in a bucket. `arm` is None for those who left before they had one."""

    bucket: Bucket
    reason: str
    arm: str | None
    members: BitMap64


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """Who ended where, who counts as exposed, and who is left to send to.

    `exposures` name every arm, ghosts under HOLDOUT; they are taken at one point, after the last
    step. `to_send` has every other arm; with `placed` it divides the audience.
    """

    placed: tuple[Placed, ...]
    exposures: tuple[tuple[str, BitMap64], ...]
    to_send: Mapping[str, BitMap64]


Line = Mapping[str | None, BitMap64]
"""Who is still in, by arm; under None before they have one."""

Passed = tuple[Line, tuple[Placed, ...]]
"""Who passes a step, and where the others end."""


def decide(facts: GateFacts) -> GateDecision:
    """Send every user of the audience through the steps. The same facts give the same decision.

    Where something does not suffice for all, the least hash of (order_salt, key) comes first, and
    who asks for too much is passed over. Raises GiveUpError where the arms do not divide the
    audience.
    """
    line: Line = {None: facts.audience}
    placed: list[Placed] = []
    for step in STEPS:
        line, left = step(facts, line)
        placed += (group for group in left if group.members)
    exposures = tuple((arm, line[arm]) for arm in sorted(facts.arms))
    ghosts = line.get(HOLDOUT, BitMap64())
    if ghosts:
        placed.append(Placed(bucket="held_out", reason=EXPOSED, arm=HOLDOUT, members=ghosts))
    to_send = {arm: members for arm, members in exposures if arm != HOLDOUT}
    _check_division(facts.audience, [*(group.members for group in placed), *to_send.values()])
    return GateDecision(placed=tuple(placed), exposures=exposures, to_send=to_send)


def check_accounting(audience: BitMap64, placed: Iterable[Placed]) -> None:
    """Raises GiveUpError where a user of the audience is in no bucket, or anybody is in two."""
    _check_division(audience, [group.members for group in placed])


def _check_division(audience: BitMap64, parts: Iterable[BitMap64]) -> None:
    seen, twice = BitMap64(), BitMap64()
    for part in parts:
        twice |= seen & part
        seen |= part
    wrong = {
        "in no bucket": len(audience - seen),
        "in two buckets": len(twice),
        "in a bucket but not in the audience": len(seen - audience),
    }
    if any(wrong.values()):
        found = ", ".join(f"{count} {where}" for where, count in wrong.items() if count)
        raise GiveUpError(
            f"of {len(audience)} users of a run, {found}",
            hint="the run stops here; this is a fault in segflow, please report it",
        )


# --- the steps -------------------------------------------------------------------------------


def _in_population(facts: GateFacts, line: Line) -> Passed:
    return _let_pass(line, facts.population, "outside_population", "not in the population")


def _has_consented(facts: GateFacts, line: Line) -> Passed:
    if facts.consented is None:
        return line, ()
    return _let_pass(line, facts.consented, "no_consent", "has not agreed to the topic")


def _in_arm(facts: GateFacts, line: Line) -> Passed:
    """Holdout and variant: each gets an arm, nobody leaves."""
    everyone = line[None]
    return {arm: everyone & members for arm, members in facts.arms.items()}, ()


def _still_eligible(facts: GateFacts, line: Line) -> Passed:
    return _let_pass(line, facts.eligible, "no_longer_eligible", "left the segment before the send")


def _below_cap(facts: GateFacts, line: Line) -> Passed:
    return _let_pass(line, facts.audience - facts.capped, "capped", "reached often enough")


def _reserve(facts: GateFacts, line: Line) -> Passed:
    """Budget, codes and max_recipients in one walk, so that nobody takes of the one what the lack
    of another leaves unused."""
    shelf = _Shelf(facts)
    arms = [arm for arm in sorted(facts.arms) if arm != HOLDOUT and line[arm]]
    demands: dict[str | None, _Demand] = {arm: _demand(facts, arm) for arm in arms}
    if shelf.suffices([(demand, len(line[arm])) for arm, demand in demands.items()]):
        return line, ()
    passing = {arm: BitMap64() for arm in line}
    refused: defaultdict[tuple[_Lack, str | None], BitMap64] = defaultdict(BitMap64)
    for _, key, arm in _in_order(facts, line):
        lack = shelf.lack_for_all(demands.values()) if arm == HOLDOUT else shelf.lack(demands[arm])
        if lack:
            refused[lack, arm].add(key)
            continue
        passing[arm].add(key)
        if arm != HOLDOUT:
            shelf.take(demands[arm])
    return passing, tuple(
        _placed(bucket, reason, arm, members)
        for ((bucket, reason), arm), members in refused.items()
    )


STEPS: tuple[Callable[[GateFacts, Line], Passed], ...] = (
    _in_population,
    _has_consented,
    _in_arm,  # before the steps that thin out the arms, so that all arms are thinned out alike
    _still_eligible,
    _below_cap,
    _reserve,  # last: what it takes is given to nobody else
)


# --- how it is done --------------------------------------------------------------------------

_Lack = tuple[Bucket, str]
"""The bucket and the reason of someone for whom too little is left."""

_Demand = Counter[str]
"""How many codes of each offer one user takes."""


class _Shelf:
    """What is left while the line goes by."""

    def __init__(self, facts: GateFacts) -> None:
        self._stock = {offer: max(0, free) for offer, free in facts.stock.items()}
        self._coupons = _limit(facts.coupon_budget)
        self._recipients = _limit(facts.max_recipients)

    def suffices(self, demands: Iterable[tuple[_Demand, int]]) -> bool:
        """Whether there is enough for so many users of each demand."""
        wanted: _Demand = Counter()
        recipients = 0
        for demand, users in demands:
            wanted.update({offer: codes * users for offer, codes in demand.items()})
            recipients += users
        in_stock = all(codes <= self._stock.get(offer, 0) for offer, codes in wanted.items())
        return in_stock and wanted.total() <= self._coupons and recipients <= self._recipients

    def lack(self, demand: _Demand) -> _Lack | None:
        """What one user lacks, None where all is there."""
        if demand.total() > self._coupons:
            return "over_budget", "the coupon budget is used up"
        for offer, codes in sorted(demand.items()):
            if codes > self._stock.get(offer, 0):
                return "out_of_stock", f"too few codes of {offer} are left"
        if self._recipients < 1:
            return "over_max_recipients", "max_recipients is reached"
        return None

    def lack_for_all(self, demands: Iterable[_Demand]) -> _Lack | None:
        """What a ghost lacks, who stands for every arm: nothing while one of them is served."""
        lacks = [self.lack(demand) for demand in demands]
        return lacks[0] if lacks and all(lacks) else None

    def take(self, demand: _Demand) -> None:
        """Serve one user."""
        for offer, codes in demand.items():
            self._stock[offer] -= codes
        self._coupons -= demand.total()
        self._recipients -= 1


def _limit(most: int | None) -> float:
    """Infinite where nothing limits; a budget that was cut below what is spent leaves 0."""
    return inf if most is None else max(0, most)


def _demand(facts: GateFacts, arm: str) -> _Demand:
    demand: _Demand = Counter()
    for need in facts.needs.get(arm, ()):
        demand[need.offer] += need.codes
    return demand


def _in_order(facts: GateFacts, line: Line) -> list[tuple[int, int, str | None]]:
    """Everyone as (hash, key, arm), the first to be served first; keys break ties."""
    return sorted(
        (value, key, arm)
        for arm, members in line.items()
        for value, key in zip(stable_hashes(facts.order_salt, members), members, strict=True)
    )


def _let_pass(line: Line, allowed: BitMap64, bucket: Bucket, reason: str) -> Passed:
    passing = {arm: members & allowed for arm, members in line.items()}
    left = (_placed(bucket, reason, arm, members - allowed) for arm, members in line.items())
    return passing, tuple(left)


def _placed(bucket: Bucket, reason: str, arm: str | None, members: BitMap64) -> Placed:
    """In its bucket; a ghost in that of the held-out, with the other as the reason."""
    if arm == HOLDOUT:
        return Placed(bucket="held_out", reason=bucket, arm=arm, members=members)
    return Placed(bucket=bucket, reason=reason, arm=arm, members=members)
