"""The catalog of who may be written to: consents, suppressions and addresses."""

from dataclasses import dataclass
from typing import Literal

from segflow.model.address import Address
from segflow.model.catalog import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentTable:
    """Rows that say what a user agreed to: `granted` is a boolean column. Without `time` the rows
    hold for ever, without `topic` all of them are about the one topic."""

    source: str
    table: str
    key: str
    granted: str
    time: str | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentTopic:
    """What users agree to or refuse; `default` is for those of whom no row is known."""

    name: str
    entity: str
    at: ConsentTable | None = None
    default: Literal["granted", "denied"] = "denied"

    @property
    def address(self) -> Address:
        """consent.<name>"""
        return Address("consent", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionTable:
    """Rows of users, by `key`, or of addresses, by `address`, that are written to no more: for the
    address that `channel` names or for all, from `time` on or always."""

    source: str
    table: str
    key: str | None = None
    address: str | None = None
    channel: str | None = None
    reason: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A list of those who are not to be written to."""

    name: str
    entity: str
    at: SuppressionTable | None = None

    @property
    def address(self) -> Address:
        """suppression.<name>"""
        return Address("suppression", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAddress:
    """A kind of address: a stored field of the entity, or a column of a table of its own. `topic`
    is what a user must have consented to before it is used."""

    name: str
    entity: str
    field: str | None = None
    at: Location | None = None
    topic: str | None = None

    @property
    def address(self) -> Address:
        """address.<name>"""
        return Address("address", self.name)

    @property
    def text_field(self) -> str:
        """The field of the compiled entity that holds the address: the declared one or, of a column
        of its own, one whose name nobody can write in the language."""
        return self.field or str(self.address)
