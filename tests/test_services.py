"""The servers that tests ask: who may do what there, and what a test says if there is none."""

from collections.abc import Iterator
from contextlib import closing
from time import monotonic
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from elasticsearch import Elasticsearch

from tests import services
from tests.agreement.clickhouse import clickhouse_client, clickhouse_owner, drop_clickhouse

NAME = "segflow_test_services"


def mariadb(url: str) -> pymysql.Connection:
    place = urlsplit(url)
    return pymysql.connect(
        host=place.hostname or "",
        port=place.port or 0,
        user=place.username,
        password=place.password or "",
        autocommit=True,
    )


def rows(connection: pymysql.Connection, statement: str) -> tuple[tuple[object, ...], ...]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchall())


@pytest.fixture
def postgres() -> Iterator[psycopg.Connection]:
    """The owner of a schema with a table of one row."""
    with psycopg.connect(services.postgres_owner_url(), autocommit=True) as owner:
        owner.execute(f"DROP SCHEMA IF EXISTS {NAME} CASCADE")
        owner.execute(f"CREATE SCHEMA {NAME}")
        owner.execute(f"CREATE TABLE {NAME}.pages AS SELECT 7 AS page")
        yield owner
        owner.execute(f"DROP SCHEMA {NAME} CASCADE")


def test_the_reader_of_postgres_may_only_select(postgres):
    """It reads what the owner made; it can't write, even in a transaction that may."""
    with psycopg.connect(services.postgres_url(), autocommit=True) as reader:
        assert reader.execute(f"SELECT page FROM {NAME}.pages").fetchall() == [(7,)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute(f"INSERT INTO {NAME}.pages VALUES (8)")
        reader.execute("SET default_transaction_read_only = off")
        for forbidden in (
            f"INSERT INTO {NAME}.pages VALUES (8)",
            f"CREATE TABLE {NAME}.more (page int)",
            "CREATE TABLE public.more (page int)",
            "CREATE TEMPORARY TABLE more (page int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(forbidden)


@pytest.mark.timeout(200)
def test_the_replica_shows_what_the_primary_has(postgres):
    """A row that was committed on the primary is soon seen on the replica, which is one."""
    with psycopg.connect(services.postgres_replica_url(), autocommit=True) as reader:
        until = monotonic() + 100
        while not reader.execute("SELECT to_regclass(%s)", [f"{NAME}.pages"]).fetchone()[0]:
            assert monotonic() < until, "the replica is behind by 100 seconds"
        assert reader.execute(f"SELECT page FROM {NAME}.pages").fetchall() == [(7,)]
        assert reader.execute("SELECT pg_is_in_recovery()").fetchall() == [(True,)]


def test_the_reader_of_mariadb_may_only_select():
    """It reads what the owner made, in databases of ours, and can't write or see accounts."""
    with (
        closing(mariadb(services.mariadb_owner_url())) as owner,
        closing(mariadb(services.mariadb_url())) as reader,
    ):
        rows(owner, f"DROP DATABASE IF EXISTS {NAME}")
        rows(owner, f"CREATE DATABASE {NAME}")
        rows(owner, f"CREATE TABLE {NAME}.pages AS SELECT 7 AS page")
        assert rows(reader, f"SELECT page FROM {NAME}.pages") == ((7,),)
        for forbidden in (
            f"INSERT INTO {NAME}.pages VALUES (8)",
            f"CREATE TABLE {NAME}.more (page int)",
            f"CREATE TEMPORARY TABLE {NAME}.more (page int)",
            f"DROP DATABASE {NAME}",
            "SELECT * FROM mysql.user",
        ):
            with pytest.raises(pymysql.err.Error, match="denied"):
                rows(reader, forbidden)
        rows(owner, f"DROP DATABASE {NAME}")


def test_mariadb_keeps_a_log_of_whole_rows():
    """Readers of its binary log are told of every row that changed, with all columns by name."""
    with closing(mariadb(services.mariadb_url())) as reader:
        names = ("log_bin", "binlog_format", "binlog_row_image", "binlog_row_metadata")
        kept = rows(reader, "SELECT " + ", ".join(f"@@global.{name}" for name in names))
    assert kept == ((1, "ROW", "FULL", "FULL"),)


def test_the_reader_of_clickhouse_may_only_select():
    """It reads what the owner made, in databases of ours."""
    with (
        clickhouse_owner(NAME) as owner,
        closing(clickhouse_client(services.clickhouse_url())) as reader,
    ):
        owner.command("CREATE TABLE pages ENGINE = MergeTree ORDER BY page AS SELECT 7 AS page")
        assert reader.query(f"SELECT page FROM {NAME}.pages").result_rows == [(7,)]
        for forbidden in (
            f"INSERT INTO {NAME}.pages VALUES (8)",
            f"CREATE TABLE {NAME}.more (page int) ENGINE = MergeTree ORDER BY page",
            f"DROP DATABASE {NAME}",
            "SELECT name FROM system.users",
            "SELECT * FROM file('/etc/hostname', LineAsString)",
        ):
            with pytest.raises(DatabaseError, match="readonly|privileges"):
                reader.command(forbidden)
    drop_clickhouse(NAME)


@pytest.mark.parametrize(
    ("url", "version"),
    [(services.elasticsearch_url, "8.19."), (services.elasticsearch_7_url, "7.17.")],
)
def test_elasticsearch_is_of_two_lines(url, version):
    """What is written is found in both, which one client asks."""
    with Elasticsearch(url(), request_timeout=60) as server:
        nodes = server.nodes.info().body["nodes"]
        assert all(node["version"].startswith(version) for node in nodes.values())
        server.index(index=NAME, document={"page": 7}, refresh=True)
        found = server.search(index=NAME, query={"term": {"page": 7}})
        server.indices.delete(index=NAME)
    assert found["hits"]["total"]["value"] == 1


def test_a_server_that_is_missing_fails_the_test(monkeypatch):
    """Nothing is skipped: the failure says what to start, and shows no password."""
    monkeypatch.setenv("SEGFLOW_TEST_POSTGRES_URL", "postgresql://me:secret@127.0.0.1:1/segflow")
    with pytest.raises(pytest.fail.Exception) as failed:
        services.postgres_url()
    assert "`make services`" in str(failed.value)
    assert "127.0.0.1:1" in str(failed.value)
    assert "secret" not in str(failed.value)
