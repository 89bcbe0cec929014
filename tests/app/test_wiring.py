"""Wiring: where relative places are, and that secrets stay secret."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import column, select, table

from segflow.app.wiring import open_engine, open_world
from segflow.errors import RefusedError, SourceUnavailableError
from segflow.executor.effects import no_failpoint
from segflow.model.catalog import Limits, Source
from segflow.model.duration import parse_duration
from segflow.model.project import Settings, StateSettings
from segflow.model.settings import SecretRef

SECRET = SecretRef(name="WAREHOUSE_FILE")
SOURCE = Source(name="warehouse", engine="duckdb", url=SECRET)


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database whose path is a secret."""
    path = tmp_path / "hush-hush.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE people AS SELECT 1 AS id")
    monkeypatch.setenv("WAREHOUSE_FILE", path.name)
    return path


@pytest.mark.parametrize("folder", ["project", "50% off?", "käufe"])
def test_state_lies_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str):
    """Relative places are relative to the project, wherever the command was called, and whatever
    the project's folder is called."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / folder
    root.mkdir()
    settings = Settings(
        name="shop", state=StateSettings(url="sqlite:///kept/state.db", snapshots="kept/members")
    )
    with open_world(settings, root) as world:
        world.state.create("lineage", "shop")
        digest = world.snapshots.put(b"members")
        assert world.snapshots.get(digest) == b"members"
    assert (root / "kept" / "state.db").exists()
    assert (root / "kept" / "members").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [folder]


def test_opening_a_world_makes_nothing(tmp_path: Path):
    """A world that nobody asks leaves no trace."""
    with open_world(Settings(name="shop"), tmp_path) as world:
        assert world.state.version() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limits", [None, Limits(timeout=parse_duration("1s"))])
def test_who_asks_is_counted_only_where_that_is_limited(tmp_path: Path, limits: Limits | None):
    """By files beside the state, for all processes of the project."""
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE people AS SELECT 1 AS id")
    source = Source(name="shop", engine="duckdb", url="shop.duckdb", limits=limits)
    with open_world(Settings(name="shop"), tmp_path) as world:
        assert world.engines(source).columns("people") == {"id": "INTEGER"}
        assert not (tmp_path / ".segflow").exists()
        counted = replace(source, limits=Limits(concurrency=2))
        assert world.engines(counted).columns("people") == {"id": "INTEGER"}
    files = (tmp_path / ".segflow" / "slots").iterdir()
    assert sorted(path.name for path in files) == ["shop-0", "shop-1"]


def test_secret_is_filled_in_at_the_moment_of_use(warehouse: Path, tmp_path: Path):
    """A source whose url is a secret is opened with the value from the environment."""
    engine = open_engine(SOURCE, tmp_path)
    assert engine.columns("people") == {"id": "INTEGER"}
    assert list(engine.rows(select(column("id")).select_from(table("people")))) == [{"id": 1}]
    engine.close()


def test_missing_secret_is_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the environment lacks the secret, the error says which."""
    monkeypatch.delenv("WAREHOUSE_FILE", raising=False)
    with pytest.raises(RefusedError, match="WAREHOUSE_FILE"):
        open_engine(SOURCE, tmp_path)


def test_errors_do_not_show_a_secret(warehouse: Path, tmp_path: Path):
    """What goes wrong while opening or asking names ${WAREHOUSE_FILE}, never its value; nor does
    the chain of causes, which a traceback would print."""
    engine = open_engine(SOURCE, tmp_path)
    missing = select(column("id")).select_from(table(warehouse.name))
    with pytest.raises(SourceUnavailableError) as asked:
        engine.rows(missing)
    engine.close()
    warehouse.unlink()
    with pytest.raises(SourceUnavailableError) as opened:
        open_engine(SOURCE, tmp_path)
    for error in (asked.value, opened.value):
        assert warehouse.name not in f"{error.message} {error.hint}"
        assert "${WAREHOUSE_FILE}" in error.message
        assert error.__suppress_context__
        assert error.__cause__ is None


def test_no_failpoint_without_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Outside of tests nothing kills the process."""
    monkeypatch.delenv("SEGFLOW_FAILPOINT", raising=False)
    with open_world(Settings(name="shop"), tmp_path) as world:
        assert world.failpoint is no_failpoint
