"""The stored form of a set of ordinals: the one module that knows its bytes.

The bytes are those of the Roaring format specification's portable 64-bit serialisation, nothing
before and nothing after, so that any Roaring library reads them; the specification is the version.
"""

from pyroaring import BitMap64

from segflow.errors import CorruptStateError
from segflow.model.codec import digest


def to_bytes(members: BitMap64) -> bytes:
    """The stored form. Equal sets give equal bytes, however they were put together."""
    # The same set can lie in containers of several kinds; this picks the smallest for each.
    canonical = members.copy()
    canonical.run_optimize()
    return bytes(canonical.serialize())


def from_bytes(content: bytes) -> BitMap64:
    """The set that to_bytes() wrote. Raises CorruptStateError for other bytes."""
    try:
        members = BitMap64.deserialize(content)
    except (ValueError, IndexError) as error:
        raise _corrupt(content) from error
    if members.serialize() != content:  # bytes after the end of the set
        raise _corrupt(content)
    return members


def digest_of(members: BitMap64) -> str:
    """The SHA-256 of the stored form in hex, which names it in the store; equal for equal sets."""
    return digest(to_bytes(members))


def _corrupt(content: bytes) -> CorruptStateError:
    return CorruptStateError(
        f"{len(content)} bytes that should hold a set of members are no 64-bit roaring bitmap",
        hint="restore the snapshot store from a backup",
    )
