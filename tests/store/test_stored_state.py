"""States that earlier versions wrote are still read: each is kept as a file, with what it says."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from segflow.errors import StateUnavailableError
from segflow.store.ledger import SqlLedger
from segflow.store.schema import MIGRATIONS
from segflow.store.state import SqlStateStore
from segflow.store.tables import METADATA
from tests.store.records import MINUTE
from tests.store.run_records import decided, runner
from tests.store.story import NOON, seen, tell

STORED = Path(__file__).with_name("stored")
VERSIONS = [made.version for made in MIGRATIONS]


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def store(version, tmp_path):
    """A state as that version wrote it."""
    shutil.copy(STORED / f"state-v{version}.db", tmp_path / "state.db")
    with SqlStateStore(f"sqlite:///{tmp_path}/state.db") as opened:
        yield opened


@pytest.fixture
def said(version):
    """What a reader saw in it when it was written."""
    return json.loads((STORED / f"state-v{version}.json").read_text(encoding="utf-8"))


def seen_then(store, said):
    """What a reader sees now, of all that there was to be seen when it was written."""
    found = seen(store)
    return {name: found[name] for name in said}


def dumped(path):
    """All tables and rows."""
    with closing(sqlite3.connect(path)) as raw:
        return list(raw.iterdump())


def schema(path):
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(sql.split()) for name, sql in found}


def test_a_stored_state_is_read(store, said):
    """Every record says what it said then."""
    assert seen_then(store, said) == said


def test_a_stored_state_is_written_on(store, said):
    """Brought up to date it still says the same, and its interrupted apply can be ended."""
    store.create("another", "other")
    assert seen_then(store, said) == said

    store.break_lease()
    lease = store.acquire("ann", "apply", NOON, MINUTE)
    store.abandon_apply(lease, "apply-5", "given up", NOON)
    assert store.unfinished_apply() is None


def test_todays_version_writes_what_is_stored(tmp_path, said, version):
    """The newest stored state is what this code makes: same tables, same records."""
    path = tmp_path / "new" / "state.db"
    with SqlStateStore(f"sqlite:///{path}") as made:
        tell(made)
        found = seen_then(made, said)
        if version == VERSIONS[-1]:
            assert found.keys() == seen(made).keys()
    if version == VERSIONS[-1]:
        shutil.copy(STORED / f"state-v{version}.db", tmp_path / "stored.db")
        assert schema(path) == schema(tmp_path / "stored.db")
    assert found == said


def test_the_story_leaves_no_column_empty(tmp_path):
    """Each table has rows, and each column a value in one of them."""
    path = tmp_path / "state.db"
    with SqlStateStore(f"sqlite:///{path}") as made:
        tell(made)
    with closing(sqlite3.connect(path)) as raw:
        for table in METADATA.tables:
            found = raw.execute(f"SELECT * FROM {table}")
            columns = [column for column, *_ in found.description]
            rows = found.fetchall()
            assert rows, table
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                assert any(value is not None for value in values), (table, column)


def test_a_state_without_runs_gets_its_ledger_after_a_backup(tmp_path):
    """The first version knew one lease and no runs: its lease stays held, and rules can run."""
    path = tmp_path / "state.db"
    shutil.copy(STORED / "state-v1.db", path)
    before = dumped(path)
    with SqlStateStore(f"sqlite:///{path}") as store:
        held = store.lease()
        with pytest.raises(StateUnavailableError, match="older version"):
            runner(store)
        store.create("another", "other")
        assert store.lease() == held
        decided(SqlLedger(store.database), runner(store))
        assert store.lease() == held
    assert dumped(path.with_name("state.db.v1.backup")) == before


def test_files_of_an_older_state_are_kept(tmp_path):
    """The list files of its segments are files of today; nobody knows since when it is deployed."""
    path = tmp_path / "state.db"
    with SqlStateStore(f"sqlite:///{path}", migrations=MIGRATIONS[:2]) as older:
        older.create("lineage", "shop")
    with closing(sqlite3.connect(path)) as raw, raw:
        row = ("segment", "vip", "f1", "d1", '[["lists/vips.csv","ab"]]', "{}")
        raw.execute("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)", row)
    with SqlStateStore(f"sqlite:///{path}") as store:
        (found,) = store.deployed().values()
    assert (found.files, found.deployed_at) == ((("lists/vips.csv", "ab"),), None)


def test_leases_of_a_state_without_runs_can_be_read(tmp_path):
    """Nobody runs its rules yet."""
    shutil.copy(STORED / "state-v1.db", tmp_path / "state.db")
    with SqlStateStore(f"sqlite:///{tmp_path}/state.db") as store:
        assert store.lease().owner == "bob@server:2"
        assert store.lease("runner") is None
        assert list(SqlLedger(store.database).runs()) == []
