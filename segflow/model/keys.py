"""Keys: what tells the users of an entity apart."""

from typing import Literal

from segflow.model.types import INTEGER, STRING, ValueType

KeyType = Literal["integer", "string"]

Key = int | str
"""The key of one user: an integer from 0 to LARGEST, or a text. Two texts are one key if they have
the same code points: case, spaces and composition count, and the empty text is a key like others.
"""

LARGEST = 2**64 - 1


def parse_key(text: str, type_: KeyType) -> Key:
    """The key that a text writes. Raises ValueError, which says what keys are, where it is none."""
    if type_ == "integer":
        if len(text) > 20 or not (text.isascii() and text.isdecimal()) or int(text) > LARGEST:
            raise ValueError("keys are whole numbers from 0 to 2^64 - 1")
        return int(text)
    if "\0" in text or not _has_utf8(text):
        raise ValueError("keys are texts of UTF-8 without zero bytes")
    return text


def value_type(type_: KeyType) -> ValueType:
    """The type of the values that keys, or ids, of that type are."""
    return INTEGER if type_ == "integer" else STRING


def _has_utf8(text: str) -> bool:
    """Half of a surrogate pair has none: it stands for bytes that could not be read."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
