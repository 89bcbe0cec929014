"""The state's file: nothing appears unasked, and trouble with it is told in words."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from segflow.errors import CorruptStateError, RefusedError, StateUnavailableError
from segflow.model.codec import digest
from segflow.model.state import StateVersion
from segflow.store.state import SqlStateStore
from tests.store.files import files_limited_to
from tests.store.powers import bound_by_permissions
from tests.store.records import MINUTE, MINUTE_MS, apply, channel


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "deep" / "state.db"


@pytest.fixture
def store(path):
    with SqlStateStore(f"sqlite:///{path}") as opened:
        yield opened


def read_all(store):
    store.version()
    store.fingerprints()
    store.deployed()
    store.snapshots()
    store.snapshot_at("vip", 0)
    store.log("vip")
    store.applies()
    store.unfinished_apply()
    store.is_applied("plan-1")
    store.journal("apply-1")
    store.blob(digest(b""))
    store.lease()


def beside(path):
    return sorted(found.name for found in path.parent.iterdir())


def test_reading_makes_no_file_and_no_folder(store, tmp_path):
    """Every question to a state that was not made leaves the disk as it was."""
    read_all(store)
    store.break_lease()
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_nothing_beside_the_file(store, path):
    """What SQLite makes while it reads is gone afterwards."""
    store.create("lineage", "shop")
    read_all(store)
    assert beside(path) == ["state.db"]


def test_writing_leaves_nothing_beside_the_file(store, path):
    """From the lease's end on there is the database alone."""
    store.create("lineage", "shop")
    lease = store.acquire("ann", "apply", 0, MINUTE)
    apply(store, lease, put=(channel("mail"),))
    store.release(lease)
    assert beside(path) == ["state.db"]


def test_a_refused_lease_leaves_nothing_open(store, path):
    """Who does not get the lease lets go of the file."""
    store.create("lineage", "shop")
    with SqlStateStore(f"sqlite:///{path}") as holder:
        holder.acquire("ann", "apply", 0, MINUTE)
        with pytest.raises(Exception, match="locked"):
            store.acquire("bob", "apply", 1, MINUTE)
        before = len(os.listdir("/proc/self/fd"))
        holder.close()
        assert len(os.listdir("/proc/self/fd")) < before
    assert beside(path) == ["state.db"]


def test_another_store_sees_what_is_written_at_once(store, path):
    """Readers need not wait for the writer's end."""
    store.create("lineage", "shop")
    lease = store.acquire("ann", "apply", 0, MINUTE)
    apply(store, lease, put=(channel("mail"),))
    with SqlStateStore(f"sqlite:///{path}") as reader:
        assert reader.version().serial == 1
        assert reader.lease() == lease


def test_commits_are_on_the_disk_when_they_return(store, path):
    """The journal is written ahead, and each commit waits for the disk."""
    store.create("lineage", "shop")
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with store.database.sqlite.write() as connection:
        full, enforced = 2, 1
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == full
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == enforced


def test_a_path_may_have_any_characters(tmp_path):
    """Blanks, percent signs, question marks and other alphabets are no syntax in it."""
    root = tmp_path / "a b%20c#d?e é"
    with SqlStateStore("sqlite:///deep/state.db", root=root) as store:
        store.create("lineage", "shop")
        assert store.version() is not None
    assert (root / "deep" / "state.db").exists()


def test_an_empty_file_is_no_state_yet(store, path):
    """It is what a process leaves that was killed while it made the state; making it goes on."""
    path.parent.mkdir()
    path.touch()
    assert store.version() is None
    assert store.fingerprints() == {}
    made = store.create("lineage", "shop")
    assert made == StateVersion(lineage="lineage", serial=0, project="shop")


def test_a_file_that_is_no_database_is_said_so(store, path):
    """It is neither read nor written over."""
    path.parent.mkdir()
    content = b"segments, I think\n" * 1_000
    path.write_bytes(content)
    for touch in (store.version, lambda: store.create("lineage", "shop"), store.break_lease):
        with pytest.raises(CorruptStateError, match="is no SQLite database") as caught:
            touch()
        assert str(path) in caught.value.message
        assert caught.value.hint
    assert path.read_bytes() == content


def test_a_damaged_database_is_said_so(store, path):
    """Where pages are missing, a person must look."""
    store.create("lineage", "shop")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * 8192)
    with pytest.raises(CorruptStateError, match="is damaged"):
        store.version()


def test_another_programs_database_is_not_touched(store, path):
    """A database with other tables is refused, and stays as it was."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE customers (id)")
    content = path.read_bytes()
    for touch in (store.version, lambda: store.create("lineage", "shop")):
        with pytest.raises(CorruptStateError, match="not a state of segflow"):
            touch()
    assert path.read_bytes() == content


def test_a_database_without_its_tables_is_said_so(store, path):
    """Tables that somebody took away are not taken for an empty state."""
    store.create("lineage", "shop")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TABLE objects")
    with pytest.raises(CorruptStateError, match="no such table: objects"):
        store.fingerprints()


def test_a_folder_in_the_files_place_is_said_so(store, path):
    """What is there can't be opened as a file."""
    path.mkdir(parents=True)
    with pytest.raises(StateUnavailableError, match="can't be opened"):
        store.version()


def test_a_file_in_the_folders_place_is_said_so(store, path):
    """The folder can't be made; there is no state to read either."""
    path.parent.write_text("")
    assert store.version() is None
    with pytest.raises(StateUnavailableError, match="can't be read or written"):
        store.create("lineage", "shop")


def test_a_state_that_may_not_be_read_is_said_so(store, path):
    """The operating system's refusal is told as such."""
    store.create("lineage", "shop")
    path.chmod(0o000)
    with bound_by_permissions(), pytest.raises(StateUnavailableError, match="can't be opened"):
        store.version()


def test_a_state_that_may_not_be_written_is_said_so(store, path):
    """It can be read; nobody gets the lease."""
    store.create("lineage", "shop")
    path.chmod(0o444)
    with bound_by_permissions():
        assert store.version() is not None
        with pytest.raises(StateUnavailableError, match="can't be written") as caught:
            store.acquire("ann", "apply", 0, MINUTE)
    assert "let this user" in caught.value.hint


def test_a_folder_that_may_not_be_written_is_said_so(store, path, tmp_path):
    """No state can be made there, and none in it can be opened."""
    tmp_path.chmod(0o555)
    with bound_by_permissions(), pytest.raises(StateUnavailableError, match="Permission denied"):
        store.create("lineage", "shop")
    tmp_path.chmod(0o755)
    store.create("lineage", "shop")
    path.parent.chmod(0o555)
    with bound_by_permissions(), pytest.raises(StateUnavailableError) as caught:
        store.version()
    path.parent.chmod(0o755)
    assert "the file and its folder" in caught.value.hint


def test_a_full_disk_undoes_the_write(store):
    """What did not fit is not there at all, and the next write succeeds."""
    store.create("lineage", "shop")
    lease = store.acquire("ann", "apply", 0, MINUTE)
    content = b"x" * 1_000_000

    with files_limited_to(200_000), pytest.raises(StateUnavailableError, match="disk"):
        store.put_blob(lease, digest(content), content)

    assert store.blob(digest(content)) is None
    store.put_blob(lease, digest(content), content)
    assert store.blob(digest(content)) == content


def test_a_busy_database_is_tried_again_later(path):
    """A writer waits for another's transaction, then says that the database is busy."""
    with SqlStateStore(f"sqlite:///{path}", busy_ms=1) as store:
        store.create("lineage", "shop")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StateUnavailableError, match="is busy"):
                store.acquire("ann", "apply", 0, MINUTE)
            assert store.version() is not None
        assert store.acquire("ann", "apply", 0, MINUTE).expires_at == MINUTE_MS


def test_a_state_that_was_moved_away_is_not_made_anew(store, path):
    """A writer whose database is gone says so, and makes no empty one in its place."""
    store.create("lineage", "shop")
    lease = store.acquire("ann", "apply", 0, MINUTE)
    path.rename(path.with_name("elsewhere.db"))
    with pytest.raises(StateUnavailableError, match="there is no state database"):
        store.put_blob(lease, digest(b""), b"")
    store.release(lease)
    assert not path.exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cret@db.example/state", "postgresql://***@db.example/state"),
        ("postgresql://db.example/state?password=s3cret", "postgresql://db.example/state?***"),
        ("mysql://ann:s3@cret@db.example/x", "mysql://***@db.example/x"),
        ("sqlite:///state.db?password=s3cret", "sqlite:///state.db?***"),
        ("sqlite://ann:s3cret@host/state.db", "sqlite://***@host/state.db"),
        ("sqlite:///file:state.db", "sqlite:///file:state.db"),
    ],
)
def test_other_databases_are_refused_without_their_passwords(url, shown):
    """The url is named so that a person knows which; what may be secret is not in it."""
    with pytest.raises(RefusedError) as caught:
        SqlStateStore(url)
    assert shown in caught.value.message
    assert "s3cret" not in repr(caught.value) + str(caught.value.hint)


def test_a_url_that_is_none_is_refused_unseen():
    """Text that can't be taken apart may hold a password anywhere."""
    with pytest.raises(RefusedError) as caught:
        SqlStateStore("ann:s3cret@db.example")
    assert "s3cret" not in caught.value.message
    assert "sqlite:///" in caught.value.hint
