"""The slots of a predicate: what type of value a feature gives, and where in the project we are."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from segflow.compiler.passes.draft import Draft
from segflow.model.address import Address
from segflow.model.project import KeyPath
from segflow.model.types import ValueType


class Scope(NamedTuple):
    """Where a node stands: in which object, whose fields it means, in which event's `where`. `zone`
    is that of its dates; None where it is each user's."""

    draft: Draft
    address: Address
    entity: str
    events: tuple[str, ...]
    zone: ZoneInfo | None

    def complain(
        self, code: str, path: KeyPath, summary: str, help: str | None = None, *, key: bool = False
    ) -> None:
        """Report a finding about the value at a path of this object, or about its key."""
        self.draft.complain(code, self.address, path, summary, help=help, at_key=key)


class Slot(NamedTuple):
    """What a feature gives: a value of `type`. `name` is for people. `digits` limits the literals
    that it is compared with."""

    type: ValueType
    name: str
    digits: int | None = None


FACTOR_DIGITS = 18
"""The most digits of a number that others are multiplied with: a 64-bit count times such a number
is exact in the 38 digits that engines have."""
