"""Sets of keys, as they cross the ports."""

from collections.abc import Iterable
from typing import NamedTuple

from pyroaring import BitMap64

from segflow.model.keys import Key, KeyType

Keys = BitMap64 | frozenset[str]
"""A set of keys of one entity: of integers a 64-bit roaring bitmap, of texts a plain set."""


class KeyColumn(NamedTuple):
    """A column of a table that holds keys of that type."""

    table: str
    column: str
    type: KeyType = "integer"


def keys_of(type_: KeyType, keys: Iterable[Key]) -> Keys:
    """The set of the keys. Raises ValueError where one is not of that type."""
    integers: list[int] = []
    texts: list[str] = []
    for key in keys:
        if isinstance(key, str):
            texts.append(key)
        else:
            integers.append(key)
    if texts if type_ == "integer" else integers:
        raise ValueError(f"keys of this entity are of type {type_}")
    return BitMap64(integers) if type_ == "integer" else frozenset(texts)


def is_among(key: Key, keys: Keys) -> bool:
    """Whether the key is in the set."""
    if isinstance(keys, frozenset):
        return key in keys
    return isinstance(key, int) and key in keys
