"""Tests of segments: a made-up user, what the user did, and whether that is a member.

They are called trials here, since `Test` is a predicate; people write them under `tests:`.
"""

from dataclasses import dataclass

from segflow.model.address import Address
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Predicate
from segflow.model.scalar import Const, Moment, Stored, Text

GivenValue = Text | Const | tuple[Text | Const, ...]
"""A value, or a list of them, as it is written; a Const stands for one that could not be read."""

Given = tuple[tuple[str, GivenValue], ...]
"""Values by name."""

# --- as written ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEvent:
    """One event: its name, when it was, and those of its properties and `id` that are given."""

    event: str
    time: GivenValue
    given: Given = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialChange:
    """One row of a field's history: what the value became, and when; None is missing."""

    time: Text | Const
    value: GivenValue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialUser:
    """A user of an entity; None is the segment's. `given` are values of fields, and `key` and
    `since`; `history` the changes of fields; `via` the keys that relations lead to, by the
    relation's name. `consents` pairs topics with what the user said, `addresses` kinds of addresses
    with the user's; `suppressed` are those of them that may not be used. `members_of` are the names
    of segments whose recorded members, and the paths of list files whose keys, the user is among.
    """

    entity: str | None = None
    given: Given = ()
    via: tuple[tuple[str, Text | Const], ...] = ()
    history: tuple[tuple[str, tuple[TrialChange, ...]], ...] = ()
    events: tuple[TrialEvent, ...] = ()
    consents: tuple[tuple[str, bool], ...] = ()
    addresses: tuple[tuple[str, Text | Const], ...] = ()
    suppressed: tuple[str, ...] = ()
    members_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One test: whether `user` is a member where the `others` are all who exist besides. `because`
    is the leaf of the segment that decides."""

    name: str
    as_of: Moment
    expect: bool
    user: TrialUser = TrialUser()
    others: tuple[TrialUser, ...] = ()
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
    properties: tuple[tuple[str, Stored], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedUser:
    """A user with the values that a source would hold. `since` is None where users of the entity
    exist always; among `fields` are addresses that are no fields of the catalog. `history` are
    times and values, None for a missing one. `consents` and `suppressed` are as written."""

    entity: str
    key: Key
    since: Instant | None
    fields: tuple[tuple[str, Stored], ...] = ()
    via: tuple[tuple[str, Key], ...] = ()
    history: tuple[tuple[str, tuple[tuple[Instant, Stored | None], ...]], ...] = ()
    events: tuple[TypedEvent, ...] = ()
    consents: tuple[tuple[str, bool], ...] = ()
    suppressed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedTrial:
    """A test, ready to be run. `address` and `number` say where it stands: among the tests of which
    object. `segments` and `lists` are all kept sets and list files that the segment asks for, each
    with the keys of the users who are in it. `because` is a leaf of the segment's normalised
    predicate."""

    address: Address
    number: int
    segment: str
    name: str
    as_of: Instant
    expect: bool
    user: TypedUser
    others: tuple[TypedUser, ...] = ()
    segments: tuple[tuple[str, tuple[Key, ...]], ...] = ()
    lists: tuple[tuple[str, tuple[Key, ...]], ...] = ()
    because: Predicate | None = None

    @property
    def users(self) -> tuple[TypedUser, ...]:
        """The user who is asked about, and the others."""
        return (self.user, *self.others)
