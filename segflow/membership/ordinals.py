"""Keys as ordinals in key mode "direct": an unsigned 64-bit integer key is its own ordinal."""

from array import array
from collections.abc import Sequence

from pyroaring import BitMap64

from segflow.errors import UnusableDataError

LARGEST = 2**64 - 1
"""The largest key that has an ordinal."""


def ordinal_of(key: int) -> int:
    """The ordinal of a key. Raises UnusableDataError for a negative key and one above 2^64 - 1."""
    if not _has_ordinal(key):
        raise _unusable(key)
    return key


def key_of(ordinal: int) -> int:
    """The key behind an ordinal; the inverse of ordinal_of()."""
    return ordinal_of(ordinal)


def parse_key(text: str) -> int:
    """The key that a person typed in decimal digits. Raises UnusableDataError for other text."""
    if not (text.isascii() and text.isdigit()):
        raise UnusableDataError(
            f"{text!r} is no key: keys are whole numbers from 0 to {LARGEST}",
            hint="write the key in decimal digits",
        )
    return ordinal_of(int(text))


def ordinals(keys: Sequence[int | None]) -> BitMap64:
    """The set of the ordinals of many keys, in any order, as a source gives them. Raises
    UnusableDataError for a key that is missing, no whole number, negative or above 2^64 - 1."""
    try:
        return BitMap64(array("Q", keys))  # type: ignore[arg-type]
    except (OverflowError, TypeError):
        # The array only says that one is bad; a person needs to know which.
        raise _unusable(next(key for key in keys if not _has_ordinal(key))) from None


def _has_ordinal(key: object) -> bool:
    return isinstance(key, int) and 0 <= key <= LARGEST


def _unusable(key: object) -> UnusableDataError:
    found = "a key is missing" if key is None else f"the key {key} has no ordinal"
    return UnusableDataError(
        f"{found}: keys are whole numbers from 0 to {LARGEST}",
        hint="leave such rows out in the source, or by the population's where",
    )
