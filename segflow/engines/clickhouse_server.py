"""A server of ClickHouse, over HTTP. Written with chDB's answers as its proof: the tests have no
server."""

from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from segflow.engines.clickhouse_hosts import FORMAT, YOUNG, Answer, FailedQueryError, settings_of
from segflow.engines.clickhouse_sql import Query
from segflow.engines.servers import UNREACHABLE
from segflow.errors import RefusedError, SourceUnavailableError
from segflow.model.catalog import Source

_EXAMPLE = "clickhouse://user:password@host:8123/database"
_PORTS = {"clickhouse": 8123, "clickhouses": 8443}
"""The usual ports by the scheme of a url; connections to the second are encrypted."""


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
            known = self._client.server_settings
            given = {
                name: value
                for name, value in self._settings.items()
                if name not in YOUNG or name in known
            }
            found = self._client.raw_query(query.text, dict(query.parameters), given, fmt=FORMAT)
            return Answer(found)
        except OperationalError as error:
            raise SourceUnavailableError(
                f"source {self._source}: the server can't be reached", hint=UNREACHABLE
            ) from error
        except ClickHouseError as error:
            raise FailedQueryError(str(error)) from error

    def close(self) -> None:
        """See Host."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()

    @cached_property
    def _client(self) -> Client:
        return get_client(**self._at)
