"""Ordinals: the integers by which members are kept, logged and counted."""

from pyroaring import BitMap64

from segflow.errors import RefusedError
from segflow.ports import Keys


def ordinals(keys: Keys) -> BitMap64:
    """Keys that are integers are their own. Raises RefusedError for texts, which have none yet."""
    if isinstance(keys, BitMap64):
        return keys
    raise RefusedError(
        "users whose keys are strings can't be kept as members yet",
        hint="`segflow segment count`, `members` and `explain` evaluate their segments",
    )
