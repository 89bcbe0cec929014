"""The stable hash behind samples, holdouts and variants, and who comes first for scarce things."""

import hashlib
from collections.abc import Iterable, Iterator

HASHES = 2**64
"""How many values the hash can take: it lies in [0, HASHES)."""


def stable_hash(salt: str, key: int) -> int:
    """The first 64 bits of MD5 over the salt in UTF-8, a zero byte and the key in decimal."""
    return next(stable_hashes(salt, (key,)))


def stable_hashes(salt: str, keys: Iterable[int]) -> Iterator[int]:
    """stable_hash() of each key, in the order given."""
    start = hashlib.md5(salt.encode() + b"\0", usedforsecurity=False)
    for key in keys:
        state = start.copy()
        state.update(b"%d" % key)
        yield int.from_bytes(state.digest()[:8], "big")
