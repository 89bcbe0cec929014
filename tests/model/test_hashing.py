"""The stable hash: fixed for ever, since a change would move users between arms."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model.hashing import HASHES, stable_hash, stable_hashes

KEYS = st.integers(min_value=0, max_value=2**64 - 1) | st.text()


@pytest.mark.parametrize(
    ("salt", "key", "value"),
    [
        ("winback", 1, 0x520B4B2A054D42BA),
        ("winback", 2**64 - 1, 0x5559719989358920),
        ("", 0, 0x393DE2B027E1F15C),
        ("größe", 42, 0x0567E52804E1895F),
        ("winback", "1", 0x520B4B2A054D42BA),
        ("winback", "é ", 0xC58146797A095BAA),
    ],
)
def test_known_values(salt, key, value):
    """These values never change."""
    assert stable_hash(salt, key) == value


@given(salt=st.text(), keys=st.lists(KEYS))
def test_the_definition(salt, keys):
    """The hash is the first 16 hex digits of MD5 of salt, zero byte and text or digits."""
    expected = [int(hashlib.md5(f"{salt}\0{key}".encode()).hexdigest()[:16], 16) for key in keys]
    assert list(stable_hashes(salt, keys)) == expected
    assert all(0 <= value < HASHES for value in expected)
