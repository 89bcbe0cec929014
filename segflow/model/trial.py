"""Tests of segments: a made-up user, what the user did, and whether that is a member.

They are called trials here, since `Test` is a predicate; people write them under `tests:`.
"""

from dataclasses import dataclass

from segflow.model.address import Address
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Predicate
from segflow.model.scalar import Const, Moment, Scalar, Text

Given = tuple[tuple[str, Text | Const], ...]
"""Values by name as they are written; a Const stands for one that could not be read."""

# --- as written ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEvent:
    """One event: its name, when it was, and those of its properties and `id` that are given."""

    event: str
    time: Text | Const
    given: Given = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One test. `user` are values of fields, and `key` and `since`; `consents` pairs topics with
    what the user said, `addresses` kinds of addresses with the user's; `suppressed` are those of
    them that may not be used. `members_of` are the names of segments whose recorded members, and
    the paths of list files whose keys, the user is among; `because` is the leaf of the segment that
    decides."""

    name: str
    as_of: Moment
    expect: bool
    user: Given = ()
    events: tuple[TrialEvent, ...] = ()
    consents: tuple[tuple[str, bool], ...] = ()
    addresses: Given = ()
    suppressed: tuple[str, ...] = ()
    members_of: tuple[str, ...] = ()
    because: Predicate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Tests of a segment in a document of their own. It is read and run, and never deployed."""

    name: str
    segment: str
    tests: tuple[Trial, ...]
    description: str | None = None

    @property
    def address(self) -> Address:
        """check.<name>"""
        return Address("check", self.name)


# --- typed -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedEvent:
    """An event with the values that a source would hold; what is not given is missing."""

    event: str
    time: Instant
    id: int | str | None = None
    properties: tuple[tuple[str, Scalar], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedTrial:
    """A test, ready to be run. `address` and `number` say where it stands: among the tests of which
    object. `since` is None where users of the entity exist always; among `fields` are addresses
    that are no fields of the catalog. `consents` and `suppressed` are as written. `segments` and
    `lists` are all kept sets and list files that the segment asks for, each with whether the user
    is in it. `because` is a leaf of the segment's normalised predicate."""

    address: Address
    number: int
    segment: str
    name: str
    as_of: Instant
    expect: bool
    key: Key
    since: Instant | None
    fields: tuple[tuple[str, Scalar], ...] = ()
    events: tuple[TypedEvent, ...] = ()
    consents: tuple[tuple[str, bool], ...] = ()
    suppressed: tuple[str, ...] = ()
    segments: tuple[tuple[str, bool], ...] = ()
    lists: tuple[tuple[str, bool], ...] = ()
    because: Predicate | None = None
