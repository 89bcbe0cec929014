"""What stores of documents are asked: sets of keys that queries find, and how these are joined.

A store can't join, so each part is asked by itself, and the sets meet outside of it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Union


@dataclass(frozen=True, slots=True)
class Found:
    """The keys, in the field `key`, of the documents of an index that a query finds. `query` is
    Elasticsearch's query language, as JSON with sorted keys. No two documents need to have
    one key, and a document without one is nobody's. With `alike` all documents of a key are to be
    found or none of them; else there is no answer."""

    index: str
    key: str
    query: str
    alike: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The keys of which there are from `least` (which is above zero) to `most` documents in all
    `scans` together; None is no limit. With `distinct` it is the different values of that field
    that are counted, of the one scan."""

    scans: tuple[Found, ...]
    least: int = 1
    most: int | None = None
    distinct: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """The id set of that name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """The keys of a set whose stable hash with the salt lies in [low, high) percent."""

    of: "KeySet"
    salt: str
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Intersection:
    """The keys that are in every one of the sets, of which there is one at least."""

    items: "tuple[KeySet, ...]"


@dataclass(frozen=True, slots=True)
class Joined:
    """The keys that are in any of the sets."""

    items: "tuple[KeySet, ...]"


@dataclass(frozen=True, slots=True)
class Difference:
    """The keys of a set that are not in another one."""

    of: "KeySet"
    without: "KeySet"


KeySet = Union[  # noqa: UP007 - a forward-referenced union, so that the classes above can name it
    Found, Counted, Given, Sampled, Intersection, Joined, Difference
]


class ReadField(NamedTuple):
    """A field of a table, which is an index here, that a question reads. `mapped_as` are the words
    of Engine.columns() for mappings by which the answer is exact. Unless it is a list, a document
    has at most one value of it: any field may hold several, and no mapping says which do."""

    table: str
    field: str
    mapped_as: tuple[str, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The question for the sets of one or more segments, all of one entity. `fields` are those that
    it reads; where one is not as it says, the answer would have no meaning."""

    sets: tuple[KeySet, ...]
    fields: tuple[ReadField, ...] = ()
