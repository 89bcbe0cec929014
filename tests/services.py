"""Where the real servers are that `make services` starts, for tests that ask them.

Each address may be given in the environment instead, by the name of its function in capitals:
SEGFLOW_TEST_POSTGRES_URL and so on. A reader may only select and is what segflow itself connects
as; an owner writes what the reader sees. Tests run side by side, so each makes a schema (a database
in MariaDB and ClickHouse, whose name begins with `segflow`; in Elasticsearch indices that do) of
its own and drops it afterwards.
"""

import os
import socket
from functools import cache
from urllib.parse import urlsplit

import pytest


def postgres_url() -> str:
    """The reader of the primary."""
    return _answering("POSTGRES_URL", f"postgresql://{_READER}:{_postgres_port()}/segflow")


def postgres_owner_url() -> str:
    """The owner of the primary's database, and of what is in its schema `public`."""
    return _answering("POSTGRES_OWNER_URL", f"postgresql://{_OWNER}:{_postgres_port()}/segflow")


def postgres_replica_url() -> str:
    """The reader of the replica, which shows what the primary has, after a moment."""
    port = os.environ.get("SEGFLOW_POSTGRES_REPLICA_PORT") or int(_postgres_port()) + 1
    return _answering("POSTGRES_REPLICA_URL", f"postgresql://{_READER}:{port}/segflow")


def mariadb_url() -> str:
    """The reader of all databases whose name begins with `segflow`."""
    return _answering("MARIADB_URL", f"mysql://{_READER}:{_mariadb_port()}/segflow")


def mariadb_owner_url() -> str:
    """The owner of the databases whose name begins with `segflow`; it may make more of them."""
    return _answering("MARIADB_OWNER_URL", f"mysql://{_OWNER}:{_mariadb_port()}/segflow")


def clickhouse_url() -> str:
    """The reader of all databases whose name begins with `segflow`."""
    return _answering("CLICKHOUSE_URL", f"clickhouse://{_READER}:{_clickhouse_port()}/segflow")


def clickhouse_owner_url() -> str:
    """The owner of the databases whose name begins with `segflow`; it may make more of them."""
    return _answering("CLICKHOUSE_OWNER_URL", f"clickhouse://{_OWNER}:{_clickhouse_port()}/segflow")


def elasticsearch_url() -> str:
    """A server of line 8, without passwords; who asks it may do anything."""
    return _answering("ELASTICSEARCH_URL", f"http://127.0.0.1:{_elasticsearch_port()}")


def elasticsearch_7_url() -> str:
    """The same of line 7."""
    port = os.environ.get("SEGFLOW_ELASTICSEARCH_7_PORT") or int(_elasticsearch_port()) + 1
    return _answering("ELASTICSEARCH_7_URL", f"http://127.0.0.1:{port}")


_READER = "segflow_reader:segflow_reader@127.0.0.1"
_OWNER = "segflow_owner:segflow_owner@127.0.0.1"


def _postgres_port() -> str:
    return os.environ.get("SEGFLOW_POSTGRES_PORT") or "5540"


def _mariadb_port() -> str:
    return os.environ.get("SEGFLOW_MARIADB_PORT") or "3310"


def _clickhouse_port() -> str:
    return os.environ.get("SEGFLOW_CLICKHOUSE_PORT") or "8140"


def _elasticsearch_port() -> str:
    return os.environ.get("SEGFLOW_ELASTICSEARCH_PORT") or "9250"


def _answering(name: str, default: str) -> str:
    """The address, if a server listens there; the test fails if none does."""
    url = os.environ.get(f"SEGFLOW_TEST_{name}") or default
    place = urlsplit(url)
    if not _listens(place.hostname or "", place.port or 0):
        pytest.fail(
            f"no server listens on {place.hostname}:{place.port}, which this test needs; "
            f"start it with `make services`, or say where it is with SEGFLOW_TEST_{name}",
            pytrace=False,
        )
    return url


@cache
def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True
