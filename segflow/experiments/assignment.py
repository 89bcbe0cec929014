"""Which arm of a rule a user is in: the holdout, or one of the variants.

The holdout and the variants hash with salts of their own against thresholds of their own, so the
holdout's size moves people in and out of the holdout and nobody from one variant to another.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from math import ceil

from pyroaring import BitMap64

from segflow.model.codec import digest
from segflow.model.hashing import HASHES, stable_hashes
from segflow.model.rule import HOLDOUT

_EPOCH_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A variant and its share: `weight` of the sum of all weights."""

    name: str
    weight: int = 1


def assign(
    audience: BitMap64, *, salt: str, holdout: Decimal, arms: Sequence[Arm]
) -> Mapping[str, BitMap64]:
    """The audience by arm: HOLDOUT first, then the arms in the order given, empty ones too.

    The arms are disjoint and add up to the audience. A user's arm depends on the salt, the key, the
    holdout (in percent) and the weights in their order, never on who else is there. Raises
    ValueError for shares that make no sense.
    """
    held_bounds, bounds = _holdout_bounds(holdout), _weight_bounds(arms)
    held, rest = _split(audience, f"{salt}/holdout", held_bounds)
    variants = _split(rest, f"{salt}/variant", bounds)
    names = (arm.name for arm in arms)
    return {HOLDOUT: held} | dict(zip(names, variants, strict=True))


def epoch(holdout: Decimal, arms: Sequence[Arm]) -> str:
    """A short name of the shares in force, equal exactly where they place every user alike.

    A change of weights opens a new epoch; what was measured in two epochs is not pooled. Raises
    ValueError as assign() does.
    """
    bounds = _weight_bounds(arms)
    shares = [(arm.name, bound) for arm, bound in zip(arms, bounds, strict=True)]
    return digest(json.dumps([_holdout_bounds(holdout), shares]))[:_EPOCH_LENGTH]


def _holdout_bounds(percent: Decimal) -> tuple[int, ...]:
    if not 0 <= percent <= 100:
        raise ValueError(f"a holdout of {percent} % is not between 0 and 100")
    return _bounds((Fraction(percent), 100 - Fraction(percent)))


def _weight_bounds(arms: Sequence[Arm]) -> tuple[int, ...]:
    names = [arm.name for arm in arms]
    if HOLDOUT in names or len(set(names)) < len(names):
        raise ValueError(f"arms need names of their own, and none may be {HOLDOUT!r}")
    if any(arm.weight < 0 for arm in arms) or not any(arm.weight for arm in arms):
        raise ValueError("weights are not negative, and one of them is more than 0")
    return _bounds([Fraction(arm.weight) for arm in arms])


def _bounds(shares: Sequence[Fraction]) -> tuple[int, ...]:
    """For each share the hash below which it ends. In integers, since every rounding of a fraction
    would move users at its edge."""
    total = sum(shares)
    return tuple(ceil(HASHES * share / total) for share in accumulate(shares))


def _split(keys: Iterable[int], salt: str, bounds: Sequence[int]) -> tuple[BitMap64, ...]:
    """The keys by the first bound that lies above their hash."""
    parts = tuple(BitMap64() for _ in bounds)
    keys = tuple(keys)
    for key, value in zip(keys, stable_hashes(salt, keys), strict=True):
        parts[bisect_right(bounds, value)].add(key)
    return parts
