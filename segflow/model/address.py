"""Addresses: how every object is named in plans, errors and state ("segment.lapsed_7d")."""

import re
from dataclasses import dataclass

KINDS = (
    "rule",
    "blueprint",
    "check",
    "segment",
    "placement",
    "channel",
    "event",
    "relation",
    "consent",
    "suppression",
    "address",
    "offer",
    "entity",
    "source",
)
"""Every kind of object, in the order in which head keys are told apart."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def is_name(text: str) -> bool:
    """True for a legal object name: a lower-case letter, then letters, digits and underscores."""
    return _NAME.match(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Kind and name of one object; unique in a project."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"


def parse_address(text: str) -> Address:
    """Read "segment.lapsed_7d"; raises ValueError for an unknown kind or a bad name."""
    kind, _, name = text.partition(".")
    if kind not in KINDS or not is_name(name):
        raise ValueError(f"{text!r} is not an address: write kind.name, for example segment.vip")
    return Address(kind, name)
