"""Searches of Elasticsearch that are whole or an error: points in time, pages, and what fails.

All pages of one question see one state of an index. A shard that fails, or a time that is up,
is an error, never a smaller answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from typing import Any
from urllib.parse import urlsplit

from elastic_transport import ConnectionTimeout, NodeConfig, TransportError, Urllib3HttpNode
from elasticsearch import ApiError, Elasticsearch, NotFoundError, UnsupportedProductError

from segflow.engines.connected import MISSING, TOO_LARGE, UNFIT, first_line
from segflow.engines.servers import GRACE_SECONDS, SILENT, TIMED_OUT, UNREACHABLE, greeting, longest
from segflow.errors import (
    RefusedError,
    SegflowError,
    SourceSilentError,
    SourceUnavailableError,
    TooLargeError,
    UnusableDataError,
)
from segflow.model.catalog import Source
from segflow.sockets import cut_after

EXAMPLE = "https://user:password@host:9200"
PAGE = 65_000
"""Groups of documents that are fetched at a time: servers give 65,536 as they come."""

_KEYS_ALONE = "aggregations.groups.buckets.key,aggregations.groups.after_key"
"""Of 65,000 groups the counts take as long to send as the keys."""

_CONNECTION = re.compile(r"^\w+\(.*?\): ")
_KEEP = "5m"
_LONGEST_MS = 600_000
_DENIED = "the user of the url needs the right to read the index and to see its mapping"
_TOO_LARGE = (
    "maxclausecount",
    "too_many_clauses",
    "too many clauses",
    "determinizing automaton",
    "automaton is too large",
    "exceeded the allowed maximum",
    "too_many_nested_clauses",
    "maximum indexable length",
)


class Searches:
    """The server of a source. Connects when it is first asked."""

    def __init__(self, source: Source, url: str) -> None:
        """Raises RefusedError for a url that can't be read."""
        self._source = source.name
        self._timeout = longest(source.limits) or _LONGEST_MS
        self._greeting = greeting(source.limits)
        self._patience = self._timeout / 1000 + GRACE_SECONDS
        self._client = _client(source.name, url, self._patience)
        self._soon = self._client.options(request_timeout=self._greeting)

    def mappings(self, index: str) -> Mapping[str, Any]:
        """The mapping of each index that goes by the name; none where there is none. Raises
        SourceUnavailableError and UnusableDataError, as all of these do; SourceSilentError where
        the server does not say even that in time."""
        with self._errors():
            try:
                found = self._soon.indices.get_mapping(index=index)
            except NotFoundError:
                return {}
            except ConnectionTimeout as error:
                told = f"source {self._source}: no answer within {self._greeting:g} seconds"
                raise SourceSilentError(told, hint=SILENT) from error
            return {name: one["mappings"] for name, one in found.body.items()}

    @contextmanager
    def at_one_time(self) -> Iterator["Moment"]:
        """What is asked inside is asked of one state of each index."""
        points: dict[str, str] = {}
        try:
            yield Moment(self._source, self._search, self._point, points)
        finally:
            # What is left open ends by itself.
            with suppress(ApiError, TransportError):
                for point in points.values():
                    self._soon.close_point_in_time(id=point)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _point(self, index: str) -> str:
        with self._errors():
            opened = self._client.open_point_in_time(index=index, keep_alive=_KEEP)
            point: str = opened["id"]
            return point

    def _search(self, point: str, filter_path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._errors():
            found = self._client.search(
                pit={"id": point, "keep_alive": _KEEP},
                timeout=f"{self._timeout}ms",
                allow_partial_search_results=False,
                filter_path=f"timed_out,_shards,{filter_path}",
                **body,
            ).body
        shards = found["_shards"]
        if found["timed_out"] or shards["failed"]:
            raise SourceUnavailableError(
                f"source {self._source}: {shards['failed']} of {shards['total']} shards failed,"
                " or did not answer in time",
                hint=TIMED_OUT if found["timed_out"] else UNREACHABLE,
            )
        return dict(found)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The client's errors as ours; none shows the url."""
        try:
            yield
        except (ApiError, TransportError, UnsupportedProductError) as error:
            raise self._error(error) from error

    def _error(self, error: ApiError | TransportError | UnsupportedProductError) -> SegflowError:
        match error:
            case ApiError():
                return self._refusal(error)
            case ConnectionTimeout():
                told = f"source {self._source}: no answer within {self._patience:g} seconds"
                return SourceUnavailableError(told, hint=TIMED_OUT)
            case TransportError():
                # urllib3 begins with the connection as Python writes it.
                line = _CONNECTION.sub("", first_line(error.message))
                return SourceUnavailableError(f"source {self._source}: {line}", hint=UNREACHABLE)
            case _:
                told = f"source {self._source}: what answers there is no Elasticsearch of 7.17 or 8"
                return RefusedError(told)

    def _refusal(self, error: ApiError) -> SegflowError:
        told = f"source {self._source}: {_reason(error)}"
        status = error.meta.status
        if any(limit in told.lower() for limit in _TOO_LARGE):
            return TooLargeError(told, hint=TOO_LARGE)
        if status in (401, 403):
            return UnusableDataError(told, hint=_DENIED)
        if isinstance(error, NotFoundError) and "index_not_found" in str(error):
            return UnusableDataError(told, hint=MISSING)
        if status == 400:
            return UnusableDataError(told, hint=UNFIT)
        return SourceUnavailableError(told, hint=UNREACHABLE)


class Moment:
    """One state of each index that is asked."""

    def __init__(
        self,
        source: str,
        search: Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]],
        point: Callable[[str], str],
        points: dict[str, str],
    ) -> None:
        self._source = source
        self._search = search
        self._point = point
        self._points = points

    def aggregated(self, index: str, aggregations: Mapping[str, Any]) -> Mapping[str, Any]:
        """The results of aggregations over all documents, by name."""
        found = self._ask(index, "aggregations", {"size": 0, "aggs": aggregations})
        answer: Mapping[str, Any] = found["aggregations"]
        return answer

    def values(self, index: str, query: Mapping[str, Any], *fields: str) -> Iterator[Any]:
        """Each value of a field among the documents that the query finds, in order; of several
        fields each combination of values, as a tuple. Documents without one of them are in none."""
        chosen = itemgetter(*fields)
        for page in self._pages(index, query, fields, _KEYS_ALONE):
            yield from [chosen(one["key"]) for one in page]

    def counts(self, index: str, query: Mapping[str, Any], field: str) -> Iterator[tuple[Any, int]]:
        """The same of one field, with how many of the documents have each value."""
        for page in self._pages(index, query, (field,), "aggregations"):
            yield from [(one["key"][field], one["doc_count"]) for one in page]

    def _pages(
        self, index: str, query: Mapping[str, Any], fields: Sequence[str], filter_path: str
    ) -> Iterator[Sequence[Any]]:
        sources = [{name: {"terms": {"field": name}}} for name in fields]
        after: Mapping[str, Any] | None = None
        while True:
            composite: dict[str, Any] = {"size": PAGE, "sources": sources}
            if after is not None:
                composite["after"] = after
            body = {"size": 0, "query": query, "aggs": {"groups": {"composite": composite}}}
            found = self._ask(index, filter_path, body)
            # What is empty is left out where a filter is deeper.
            groups = found.get("aggregations", {}).get("groups", {})
            page = groups.get("buckets", ())
            yield page
            after = groups.get("after_key")
            if after is None or len(page) < PAGE:
                return

    def _ask(self, index: str, filter_path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if index not in self._points:
            self._points[index] = self._point(index)
        found = self._search(self._points[index], f"pit_id,{filter_path}", body)
        if not found["_shards"]["total"]:
            raise UnusableDataError(
                f"source {self._source}: no index is called {index}", hint=MISSING
            )
        self._points[index] = found["pit_id"]  # which may be another one each time
        return found


class _TimelyNode(Urllib3HttpNode):
    """One whose answers are there in time, or cut off."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        kind = self.pool.ConnectionCls

        class TimelyConnection(kind):  # type: ignore[misc, valid-type] # encrypted or not
            def getresponse(self) -> Any:
                """See urllib3, which reads the whole answer here."""
                with cut_after(self.timeout, lambda: self.sock):
                    return super().getresponse()

        self.pool.ConnectionCls = TimelyConnection


def _client(source: str, url: str, patience: float) -> Elasticsearch:
    try:
        place = urlsplit(url)
        if place.scheme not in ("http", "https") or not place.hostname or not place.port:
            raise ValueError("a part is missing")
        return Elasticsearch(
            url,
            node_class=_TimelyNode,
            request_timeout=patience,
            max_retries=0,
            retry_on_timeout=False,
        )
    except ValueError:
        # Not told why, since what the client says holds the url.
        raise RefusedError(
            f"source {source}: the url can't be read", hint=f"for example {EXAMPLE}"
        ) from None


def _reason(error: ApiError) -> str:
    """The innermost reason that the server gives, in one line."""
    body = error.body
    if not isinstance(body, Mapping) or not isinstance(body.get("error"), Mapping):
        return f"the server answered {error.meta.status}"
    told = body["error"]
    inner = told.get("root_cause") or [told]
    failed = told.get("failed_shards")
    reason = failed[0]["reason"] if failed else inner[0]
    return first_line(reason.get("reason") or reason.get("type"))
