"""Hiding what rules and segments compare personal fields with."""

from collections.abc import Iterable

from segflow.model.catalog import Entity
from segflow.model.contact import ContactAddress
from segflow.model.predicate import FieldFeature
from segflow.model.project import Object
from segflow.model.wording_text import MASK, Word, Words

_LITERAL_KEYS = frozenset(
    ("eq", "ne", "in", "not_in", "gt", "gte", "lt", "lte", "between", "contains", "starts_with")
    + ("ends_with", "matches", "has_any", "has_all", "has_none", "before", "after", "since")
    + ("until", "anniversary", "from", "to")
)


def personal_fields(objects: Iterable[Object]) -> frozenset[str]:
    """The names of the fields that an entity declares as pii or that hold an address, and of those
    that only repeat one.

    Names count for all entities alike: hiding one value too many does no harm.
    """
    known = tuple(objects)
    fields = [field for thing in known if isinstance(thing, Entity) for field in thing.fields]
    personal = {field.name for field in fields if field.pii}
    personal |= {one.field for one in known if isinstance(one, ContactAddress) and one.field}
    repeating = {
        field.name: field.derived.field
        for field in fields
        if isinstance(field.derived, FieldFeature)
    }
    while more := {name for name, of in repeating.items() if of in personal} - personal:
        personal |= more
    return frozenset(personal)


def masked(words: Words, personal: frozenset[str]) -> Words:
    """The same words with every literal that stands against a personal field hidden."""
    return _mapping(words, personal) if personal else words


def _mapping(words: Words, personal: frozenset[str]) -> Words:
    subject = words.get("field", words.get("changed"))
    hides = isinstance(subject, str) and subject in personal
    return {
        key: _hidden(word, personal) if hides and key in _LITERAL_KEYS else _word(word, personal)
        for key, word in words.items()
    }


def _word(word: Word, personal: frozenset[str]) -> Word:
    match word:
        case dict():
            return _mapping(word, personal)
        case list():
            return [_word(item, personal) for item in word]
        case _:
            return word


def _hidden(word: Word, personal: frozenset[str]) -> Word:
    match word:
        case dict():  # another feature, or a range of days: no literal of the field
            return _mapping(word, personal)
        case list():
            return [_hidden(item, personal) for item in word]
        case _:
            return MASK
