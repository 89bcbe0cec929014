"""Lets tests that run as root see files as other users do."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

# Reading, writing and searching files against their permission bits; acting as any file's owner.
_OVERRIDES = 1 << 1 | 1 << 2 | 1 << 3
_VERSION_3 = 0x20080522

_Header = ctypes.c_uint32 * 2
_Sets = ctypes.c_uint32 * 6


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Inside, the permission bits of files hold for this thread even if root runs it."""
    if os.geteuid() != 0:
        yield
        return
    before = _Sets()
    _call("capget", before)
    bound = _Sets(*before)
    bound[0] &= ~_OVERRIDES
    _call("capset", bound)
    try:
        yield
    finally:
        _call("capset", before)


def _call(name: str, sets: ctypes.Array[ctypes.c_uint32]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(ctypes.byref(_Header(_VERSION_3, 0)), ctypes.byref(sets)) != 0:
        raise OSError(ctypes.get_errno(), name)
