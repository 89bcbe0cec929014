"""Conditions on one field of a document in Elasticsearch's query language.

All are exact for keyword, whole-number, date and boolean fields, and false where the field has
no value.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segflow.model.instant import Instant, datetime_of

Query = Mapping[str, Any]
"""A query as it is sent, in plain Python values."""

ANYTHING: Query = {"match_all": {}}
NOTHING: Query = {"match_none": {}}

MOST_TERMS = 65_536
"""The most values of a `terms` query, as servers come."""

LONGEST_TERM = 32_766
"""Bytes of the longest text that a keyword field holds; servers refuse to look for a longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The values from `low` to `high`, both of which are in it unless they are `open`; None is no
    end. Instants and dates are milliseconds, and `is_time` says so."""

    low: int | str | bool | None = None
    high: int | str | bool | None = None
    low_open: bool = False
    high_open: bool = False
    is_time: bool = False

    @property
    def is_point(self) -> bool:
        """Whether it is one value alone."""
        return self.low is not None and self.low == self.high and not self.is_time

    def from_low(self) -> "Range":
        """It, and all above it."""
        return Range(low=self.low, low_open=self.low_open, is_time=self.is_time)

    def to_high(self) -> "Range":
        """It, and all below it."""
        return Range(high=self.high, high_open=self.high_open, is_time=self.is_time)

    def above(self) -> "Range | None":
        """All above it; None where nothing is."""
        if self.high is None:
            return None
        return Range(low=self.high, low_open=not self.high_open, is_time=self.is_time)

    def below(self) -> "Range | None":
        """All below it; None where nothing is."""
        if self.low is None:
            return None
        return Range(high=self.low, high_open=not self.low_open, is_time=self.is_time)


def written(query: Query) -> str:
    """The query as JSON; equal ones are written alike."""
    return json.dumps(query, sort_keys=True, ensure_ascii=False)


# --- of several queries ----------------------------------------------------------------------


def all_of(queries: Iterable[Query]) -> Query:
    """Every one of them."""
    items = [query for query in queries if query != ANYTHING]
    if NOTHING in items:
        return NOTHING
    match items:
        case []:
            return ANYTHING
        case [one]:
            return one
        case _:
            return {"bool": {"filter": items}}


def any_of(queries: Iterable[Query]) -> Query:
    """At least one of them."""
    items = [query for query in queries if query != NOTHING]
    if ANYTHING in items:
        return ANYTHING
    match items:
        case []:
            return NOTHING
        case [one]:
            return one
        case _:
            return {"bool": {"should": items, "minimum_should_match": 1}}


def opposite(query: Query) -> Query:
    """Not that one: there is no third answer."""
    match query:
        case {"match_all": _}:
            return NOTHING
        case {"match_none": _}:
            return ANYTHING
        case {"bool": {"must_not": [one], **others}} if not others:
            inner: Query = one
            return inner
        case _:
            return {"bool": {"must_not": [query]}}


def in_nested(path: str, query: Query) -> Query:
    """One of the nested documents at the path passes."""
    return query if query == NOTHING else {"nested": {"path": path, "query": query}}


# --- of one field ----------------------------------------------------------------------------


def exists(field: str) -> Query:
    """The field has a value."""
    return {"exists": {"field": field}}


def within(field: str, values: Range) -> Query:
    """The field has a value of the range."""
    if values.low is None and values.high is None:
        return exists(field)
    if values.is_point:
        return one_of(field, [values.low])
    asked: dict[str, Any] = {}
    if values.low is not None:
        asked["gt" if values.low_open else "gte"] = _end(values.low, values)
    if values.high is not None:
        asked["lt" if values.high_open else "lte"] = _end(values.high, values)
    if values.is_time:
        asked["format"] = "strict_date_optional_time"
    return {"range": {field: asked}}


def _end(end: int | str | bool, values: Range) -> int | str | bool:
    """An end of a range as it is sent: version 7.17 reads no milliseconds from before 1970, so that
    instants are texts, to the millisecond."""
    if not values.is_time:
        return end
    moment = datetime_of(Instant(int(end))).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def one_of(field: str, values: Iterable[Any]) -> Query:
    """The field has one of the values, however many these are."""
    held = [value for value in values if not _too_long(value)]
    parts = [held[start : start + MOST_TERMS] for start in range(0, len(held), MOST_TERMS)]
    return any_of(_terms(field, part) for part in parts)


def one_of_folded(field: str, texts: Iterable[str]) -> Query:
    """The field has one of the texts, A-Z and a-z being the same."""
    held = [text for text in texts if not _too_long(text)]
    lettered = ({"term": {field: _folding(text, True)}} for text in held if _has_case(text))
    return any_of([one_of(field, [text for text in held if not _has_case(text)]), *lettered])


def starts_with(field: str, text: str, *, fold: bool) -> Query:
    """The field has a text that begins so."""
    return {"prefix": {field: _folding(text, fold)}}


def like(field: str, before: str, text: str, after: str, *, fold: bool) -> Query:
    """The field has a text that has the given one between what the patterns stand for."""
    escaped = "".join(f"\\{character}" if character in "\\*?" else character for character in text)
    return {"wildcard": {field: _folding(f"{before}{escaped}{after}", fold)}}


def _terms(field: str, values: Sequence[Any]) -> Query:
    if len(values) == 1:
        return {"term": {field: {"value": values[0]}}}
    return {"terms": {field: list(values)}}


def _folding(text: str, fold: bool) -> Mapping[str, Any]:
    return (
        {"value": text, "case_insensitive": True} if fold and _has_case(text) else {"value": text}
    )


def _has_case(text: str) -> bool:
    """Whether case can be ignored in it: of an empty text version 7.17 then finds nothing."""
    return any(character.isascii() and character.isalpha() for character in text)


def _too_long(value: Any) -> bool:
    return isinstance(value, str) and len(value.encode()) > LONGEST_TERM
