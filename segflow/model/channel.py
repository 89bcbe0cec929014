"""Channels that deliver, and offers whose codes coupon channels hand out."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from segflow.model.address import Address
from segflow.model.duration import Duration
from segflow.model.settings import SettingMap

ChannelKind = Literal[
    "webhook", "email", "sms", "push", "coupon", "kafka", "slack", "table", "file"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `count` per unit of time."""

    count: int
    per: Literal["s", "min", "h", "d"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way to reach users. `settings` belong to the kind; it sends only in `live_environments`."""

    name: str
    kind: ChannelKind
    settings: SettingMap = SettingMap(items=())
    rate: Rate | None = None
    idempotency: Literal["native", "none"] = "none"
    live_environments: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """channel.<name>"""
        return Address("channel", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesFromFile:
    """Codes are the lines of a file, relative to the project."""

    path: str


CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""What a * of a pattern becomes: digits and capitals without 0 and O, 1 and I, which look alike."""


def possible_codes(stars: int) -> int:
    """How many codes a pattern with so many * can give."""
    return int(len(CODE_ALPHABET) ** stars)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedCodes:
    """Codes are made from a pattern in which every * is a random character of CODE_ALPHABET."""

    pattern: str
    count: int

    @property
    def possible(self) -> int:
        """How many codes the pattern can give."""
        return possible_codes(self.pattern.count("*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something worth `value` that coupon channels give away, one code to one user."""

    name: str
    codes: CodesFromFile | GeneratedCodes
    expires: Duration | None = None
    value: Decimal | None = None

    @property
    def address(self) -> Address:
        """offer.<name>"""
        return Address("offer", self.name)
