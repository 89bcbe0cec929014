"""A server of ClickHouse, over HTTP."""

import re
from functools import cached_property
from math import ceil
from typing import Any
from urllib.parse import unquote, urlsplit

from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.httpclient import HttpClient
from urllib3 import Timeout
from urllib3.exceptions import MaxRetryError, NewConnectionError
from urllib3.exceptions import TimeoutError as TooLateError

from segflow.engines.clickhouse_hosts import FORMAT, YOUNG, Answer, FailedQueryError, settings_of
from segflow.engines.clickhouse_sql import Query, escaped
from segflow.engines.servers import SILENT, TIMED_OUT, UNREACHABLE, greeting, patience
from segflow.errors import (
    RefusedError,
    SegflowError,
    SourceSilentError,
    SourceUnavailableError,
    UnusableDataError,
)
from segflow.model.catalog import Source

_EXAMPLE = "clickhouse://user:password@host:8123/database"
_PORTS = {"clickhouse": 8123, "clickhouses": 8443}
"""The usual ports by the scheme of a url; connections to the second are encrypted."""

_BOUND = "its profile has `readonly = 1`; with `readonly = 2` it still can't write"
_MOST, _LONGEST = 900, 50_000
"""How many parameters, and of which length, a request may have by what servers take if nobody has
set it otherwise: 1,000 fields of 128 kilobytes."""
_PLACE = re.compile(r"\{(p\d+):([^{}]+)\}")
_GIVEN = "_given"


class ServerHost:
    """Implements Host. Connects when it is first asked."""

    def __init__(self, source: Source, url: str | None = None) -> None:
        """Raises RefusedError, without the url, for one that can't be read."""
        place = urlsplit(url or str(source.url))
        if place.scheme not in _PORTS or not place.hostname:
            raise RefusedError(
                f"source {source.name}: the url can't be read", hint=f"for example {_EXAMPLE}"
            )
        self._source = source.name
        self._greeting, self._patience = greeting(source.limits), patience(source.limits)
        # What nobody listens to any more, the server ends.
        unheard = {"cancel_http_readonly_queries_on_client_close": 1}
        self._settings: dict[str, Any] = {**unheard, **settings_of(source.limits)}
        self._at: dict[str, Any] = {
            "host": place.hostname,
            "port": place.port or _PORTS[place.scheme],
            "username": unquote(place.username or "default"),
            "password": unquote(place.password or ""),
            "database": unquote(place.path.strip("/")) or "default",
            "secure": place.scheme == "clickhouses",
        }

    def ask(self, query: Query) -> Answer:
        """See Host. What was read stands beside the answer, where the client does not look."""
        try:
            given = self._given()
            text, bound, sent = _sent(query)
            found = self._client.raw_query(text, bound, given, fmt=FORMAT, external_data=sent)
            return Answer(found)
        except OperationalError as error:
            raise self._unreached(error) from error
        except ClickHouseError as error:
            raise FailedQueryError(str(error)) from error

    def _given(self) -> dict[str, Any]:
        """The settings that are to be made: those that the server knows, and has not already."""
        known = self._client.server_settings
        bound = known["readonly"].value
        if bound == "1":
            raise UnusableDataError(
                f"source {self._source}: the user may not choose settings", hint=_BOUND
            )
        return {
            name: value
            for name, value in self._settings.items()
            if (name not in YOUNG or name in known) and (name != "readonly" or bound == "0")
        }

    def _unreached(self, error: OperationalError) -> SegflowError:
        if not _is_too_late(error.__cause__):
            told = f"source {self._source}: the server can't be reached"
            return SourceUnavailableError(told, hint=UNREACHABLE)
        if "_client" in self.__dict__:
            told = f"source {self._source}: no answer within {self._patience:g} seconds"
            return SourceUnavailableError(told, hint=TIMED_OUT)
        told = f"source {self._source}: no answer within {self._greeting:g} seconds"
        return SourceSilentError(told, hint=SILENT)

    def close(self) -> None:
        """See Host."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()

    @cached_property
    def _client(self) -> Client:
        soon = ceil(self._greeting)
        client = get_client(**self._at, connect_timeout=soon, send_receive_timeout=soon)
        assert isinstance(client, HttpClient), "it was told no other way"
        client.timeout = Timeout(connect=soon, read=self._patience)
        return client


def _is_too_late(error: BaseException | None) -> bool:
    reason = error.reason if isinstance(error, MaxRetryError) else error
    return isinstance(reason, TooLateError) and not isinstance(reason, NewConnectionError)


def _sent(query: Query) -> tuple[str, dict[str, Any], ExternalData | None]:
    """The text, the parameters that are sent as such, equal ones once, and a table of one row for
    the others."""
    written = {name: escaped(value) for name, value in query.parameters.items()}
    named: dict[tuple[str, str], str] = {}
    for name, type_ in _PLACE.findall(query.text):
        if name in written:
            named.setdefault((type_, written[name]), name)
    every = len(named) > _MOST
    apart = [(name, *one) for one, name in named.items() if every or len(one[1]) > _LONGEST]
    names = {name for name, *_ in apart}

    def place(found: re.Match[str]) -> str:
        name, type_ = found.groups()
        if name not in written:
            return found[0]
        name = named[type_, written[name]]
        if name not in names:
            return f"{{{name}:{type_}}}"
        value = f"(SELECT {name} FROM {_GIVEN})"
        return value if type_.startswith("Nullable") else f"assumeNotNull({value})"

    text = _PLACE.sub(place, query.text)
    bound = {name: query.parameters[name] for name in named.values() if name not in names}
    if not apart:
        return text, bound, None
    row = "\t".join(value for *_, value in apart)
    structure = [f"{name} {type_}" for name, type_, _ in apart]
    return (
        text,
        bound,
        ExternalData(file_name=_GIVEN, data=row.encode(), fmt="TSV", structure=structure),
    )
