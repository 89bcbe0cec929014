"""The stable hash behind samples, holdouts and variants, and who comes first for scarce things."""

import hashlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from math import ceil

from segflow.model.keys import Key

HASHES = 2**64
"""How many values the hash can take: it lies in [0, HASHES)."""


def threshold(percent: Decimal) -> int:
    """The least hash that is no longer below so many percent of all."""
    return ceil(Fraction(percent) * HASHES / 100)


def stable_hash(salt: str, key: Key) -> int:
    """The first 64 bits of MD5 over salt, a zero byte and key, which are text in UTF-8; an integer
    is written in decimal."""
    return next(stable_hashes(salt, (key,)))


def stable_hashes(salt: str, keys: Iterable[Key]) -> Iterator[int]:
    """stable_hash() of each key, in the order given."""
    start = hashlib.md5(salt.encode() + b"\0", usedforsecurity=False)
    for key in keys:
        state = start.copy()
        state.update(str(key).encode())
        yield int.from_bytes(state.digest()[:8], "big")
