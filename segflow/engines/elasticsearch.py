"""Elasticsearch: searched for sets of keys, which meet here as bitmaps.

What a question rests on is checked: fields that are to have one value before it, and with the
answer that the documents of one key are not found in part.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, assert_never

from pyroaring import BitMap64
from sqlalchemy.sql import Select

from segflow.engines.connected import MISSING, extend, repeated_error, text_of
from segflow.engines.elasticsearch_mapping import columns_of
from segflow.engines.elasticsearch_search import Moment, Searches
from segflow.errors import RefusedError, UnusableDataError
from segflow.membership.sets import met
from segflow.model.catalog import Source
from segflow.model.hashing import stable_hashes, threshold
from segflow.model.instant import Instant
from segflow.model.keys import Key, KeyType
from segflow.ports import KeyColumn, Keys, Reached, Selection, Statement, Volume, as_documents
from segflow.ports.documents import (
    Counted,
    Difference,
    Found,
    Given,
    Intersection,
    Joined,
    KeySet,
    ReadField,
    Sampled,
)

_BATCH = 100
CHUNK = 65_000
"""So many keys are named in one query: servers take 65,536."""

_CHUNKS = 4


class ElasticsearchEngine:
    """One Elasticsearch source of 7.17 or 8; an index is a table of it. Implements ports.Engine."""

    def __init__(self, source: Source, url: str | None = None) -> None:
        """Connects when it is first asked. `url` is that of the source with its secret filled in.

        Raises RefusedError for a url that can't be read.
        """
        self._source = source.name
        self._searches = Searches(source, url or str(source.url))
        self._checked: set[ReadField] = set()

    # --- the port ---

    def columns(self, table: str) -> Mapping[str, str] | None:
        """See Engine."""
        return columns_of(self._searches.mappings(table)) or None

    def members(self, selection: Selection, sets: Mapping[str, Keys]) -> Keys:
        """See Engine."""
        (found,) = self.memberships(selection, sets, 1)
        return found

    def memberships(
        self, selection: Selection, sets: Mapping[str, Keys], count: int
    ) -> tuple[Keys, ...]:
        """See Engine."""
        documents = as_documents(selection.statement)
        assert len(documents.sets) == count
        self._check_mappings(documents.fields)
        with self._searches.at_one_time() as moment:
            self._check_values(moment, documents.fields)
            asked = _Asked(self._source, moment, selection.key_type, sets)
            return tuple(map(asked.keys, documents.sets))

    def rows(self, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        raise self._no_rows()

    def values(self, selection: Selection, sets: Mapping[str, Keys]) -> Sequence[Mapping[str, Any]]:
        """See Engine."""
        raise self._no_rows()

    def reached(self) -> Reached:
        """See Engine. Until when an index was refreshed is told by none."""
        return Reached()

    def newest(self, table: str, column: str) -> Instant | None:
        """See Engine."""
        with self._searches.at_one_time() as moment:
            found = moment.aggregated(table, {"newest": {"max": {"field": column}}})
        value = found["newest"]["value"]  # of a date, in whole milliseconds
        return None if value is None else Instant(int(value))

    def read_so_far(self) -> Volume:
        """See Engine. A search tells what it found, not what it read for that."""
        return Volume()

    def render(self, statement: Statement) -> str:
        """See Engine."""
        return "\n".join("\n".join(_shown(one, "")) for one in as_documents(statement).sets)

    def close(self) -> None:
        """See Engine."""
        self._searches.close()

    def _no_rows(self) -> RefusedError:
        return RefusedError(
            f"source {self._source}: no rows are read out of Elasticsearch, only sets of users",
            hint="`count` and `members` tell of its segments; `explain` does not yet",
        )

    # --- checks ---

    def _check_mappings(self, fields: Iterable[ReadField]) -> None:
        """Refuse a field that is not there, which would be one without values, and one that is
        mapped otherwise than the question has it."""
        known: dict[str, Mapping[str, str]] = {}
        for one in fields:
            if one.table not in known:
                known[one.table] = self.columns(one.table) or {}
            if not known[one.table]:
                raise UnusableDataError(
                    f"source {self._source}: no index is called {one.table}", hint=MISSING
                )
            word = known[one.table].get(one.field, "missing")
            if word not in one.mapped_as:
                raise UnusableDataError(
                    f"source {self._source}: field `{one.field}` of index {one.table} is {word},"
                    f" not {one.mapped_as[0]}",
                    hint=MISSING,
                )

    def _check_values(self, moment: Moment, fields: Iterable[ReadField]) -> None:
        """Refuse a field of which a document has several values."""
        by_index: dict[str, list[ReadField]] = {}
        for one in fields:
            if not one.is_list and one not in self._checked:
                by_index.setdefault(one.table, []).append(one)
        for index, asked in by_index.items():
            for start in range(0, len(asked), _BATCH):
                self._check_some(moment, index, asked[start : start + _BATCH])

    def _check_some(self, moment: Moment, index: str, asked: Sequence[ReadField]) -> None:
        aggregations: dict[str, Any] = {}
        for number, one in enumerate(asked):
            aggregations[f"values_{number}"] = {"value_count": {"field": one.field}}
            aggregations[f"documents_{number}"] = {"filter": {"exists": {"field": one.field}}}
        found = moment.aggregated(index, aggregations)
        for number, one in enumerate(asked):
            values = found[f"values_{number}"]["value"]
            documents = found[f"documents_{number}"]["doc_count"]
            if values != documents:
                raise UnusableDataError(
                    f"source {self._source}: {documents} documents of {index} have {values} values"
                    f" of `{one.field}`",
                    hint="declare it as a list, or index one value",
                )
            self._checked.add(one)


class _Asked:
    """Sets of keys of one question, each found once however often it is asked for."""

    def __init__(
        self, source: str, moment: Moment, key_type: KeyType, sets: Mapping[str, Keys]
    ) -> None:
        self._source = source
        self._moment = moment
        self._key_type = key_type
        self._sets = sets
        self._known: dict[KeySet, Keys] = {}

    def keys(self, of: KeySet) -> Keys:
        """The keys of a set. Raises UnusableDataError for those that are none of their type."""
        if of not in self._known:
            self._known[of] = self._found(of)
        return self._known[of]

    def _found(self, of: KeySet) -> Keys:
        match of:
            case Found():
                found = self._collected(self._of_documents(of))
                if of.alike:
                    self._refuse_unlike(of, found)
                return found
            case Counted():
                return self._collected(self._of_groups(of))
            case Given(name=name):
                return self._sets[name]
            case Sampled():
                return self._collected(self._of_sample(of))
            case Joined(items=()):
                return self._collected(())
            case Intersection() | Joined() | Difference():
                return met(of, self.keys)
            case _:
                assert_never(of)

    def _of_documents(self, found: Found) -> Iterator[Any]:
        return self._moment.values(found.index, json.loads(found.query), found.key)

    def _refuse_unlike(self, of: Found, keys: Keys) -> None:
        """Refuse an index in which a key has documents that are found, and others that are not."""
        others = Found(of.index, of.key, _opposite(of))
        if len(keys) <= _CHUNKS * CHUNK:
            unlike = self._both(of, keys)
        else:
            unlike = [key for key in self._collected(self._of_documents(others)) if key in keys]
        if unlike:
            told = KeyColumn(of.index, of.key, self._key_type)
            raise repeated_error(self._source, told, len(unlike), unlike[0])

    def _both(self, of: Found, keys: Keys) -> list[Key]:
        """Keys, in order, that a query finds in part, among few that it finds."""
        listed: list[Key] = sorted(keys)
        query = json.loads(_opposite(of))
        unlike: list[Key] = []
        for start in range(0, len(listed), CHUNK):
            chosen = {"terms": {of.key: listed[start : start + CHUNK]}}
            both = {"bool": {"filter": [chosen, query]}}
            unlike += self._moment.values(of.index, both, of.key)
        return unlike

    def _of_groups(self, counted: Counted) -> Iterator[Any]:
        if counted.distinct is not None:
            return _enough(self._of_values(counted, counted.distinct), counted)
        if len(counted.scans) == 1:
            return _enough(self._of_scan(counted.scans[0]), counted)
        total: Counter[Any] = Counter()
        for scan in counted.scans:
            for key, count in self._of_scan(scan):
                total[key] += count
        return _enough(total.items(), counted)

    def _of_scan(self, scan: Found) -> Iterator[tuple[Any, int]]:
        return self._moment.counts(scan.index, json.loads(scan.query), scan.key)

    def _of_values(self, counted: Counted, field: str) -> Iterable[tuple[Any, int]]:
        (scan,) = counted.scans
        values = self._moment.values(scan.index, json.loads(scan.query), scan.key, field)
        return Counter(key for key, _ in values).items()

    def _of_sample(self, sampled: Sampled) -> Iterator[Key]:
        low, high = threshold(sampled.low), threshold(sampled.high)
        keys: Sequence[Key] = list(self.keys(sampled.of))
        hashes = stable_hashes(sampled.salt, keys)
        return (key for key, one in zip(keys, hashes, strict=True) if low <= one < high)

    # --- keys ---

    def _collected(self, found: Iterable[Any]) -> Keys:
        if self._key_type == "string":
            return frozenset(text_of(key, self._source) for key in found)
        integers = array("Q")
        extend(integers, found, self._source)
        return BitMap64(integers)


def _opposite(of: Found) -> str:
    """The query for the documents with a key that are not found."""
    query = {"filter": [{"exists": {"field": of.key}}], "must_not": [json.loads(of.query)]}
    return json.dumps({"bool": query}, sort_keys=True)


def _enough(counts: Iterable[tuple[Any, int]], counted: Counted) -> Iterator[Any]:
    most = counted.most
    return (
        key for key, count in counts if counted.least <= count and (most is None or count <= most)
    )


def _shown(of: KeySet, before: str) -> Iterator[str]:
    """A set for a person to read: what is sent, and how the answers are put together."""
    deeper = f"{before}  "
    match of:
        case Found(index=index, key=key, query=query):
            yield f"{before}{key} of {index}: {query}"
        case Counted(scans=scans, least=least, most=most, distinct=distinct):
            of_what = "documents" if distinct is None else f"values of {distinct}"
            limit = "" if most is None else f" to {most}"
            yield f"{before}with {least}{limit or ' or more'} {of_what}:"
            for scan in scans:
                yield from _shown(scan, deeper)
        case Given(name=name):
            yield f"{before}the set {name}"
        case Sampled(of=whole, salt=salt, low=low, high=high):
            yield f"{before}a sample from {low}% to {high}%, salt {salt!r}, of:"
            yield from _shown(whole, deeper)
        case Intersection(items=items) | Joined(items=items):
            yield f"{before}{'in all' if isinstance(of, Intersection) else 'in any'} of:"
            for item in items:
                yield from _shown(item, deeper)
        case Difference(of=whole, without=part):
            yield f"{before}in this:"
            yield from _shown(whole, deeper)
            yield f"{before}but not in this:"
            yield from _shown(part, deeper)
        case _:
            assert_never(of)
