"""The schema has a version: older databases are brought up to date, newer ones are refused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Column, Text, create_engine, inspect, text

from segflow.errors import StateUnavailableError, UnsupportedVersionError
from segflow.model.state import StateVersion
from segflow.store.schema import MIGRATIONS, Migration
from segflow.store.state import SqlStateStore
from segflow.store.tables import METADATA
from tests.store.records import MINUTE, apply, channel, membership, segment

TODAY = MIGRATIONS[-1].version


def add_note(connection):
    connection.execute(text("ALTER TABLE objects ADD COLUMN note TEXT"))


def fail_halfway(connection):
    connection.execute(text("CREATE TABLE half (done TEXT)"))
    raise RuntimeError("the migration broke")


NEXT = (*MIGRATIONS, Migration(version=TODAY + 1, name="note", migrate=add_note))
AFTER_NEXT = (*NEXT, Migration(version=TODAY + 2, name="note2", migrate=lambda connection: None))
BROKEN = (*MIGRATIONS, Migration(version=TODAY + 1, name="half", migrate=fail_halfway))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def today(path):
    """A store of today's version with content."""
    with SqlStateStore(f"sqlite:///{path}") as store:
        store.create("lineage", "shop")
        lease = store.acquire("ann", "apply", 0, MINUTE)
        apply(store, lease, put=(channel("mail"), segment("vip")))
        store.commit_refresh(lease, (membership("vip", 10, [1, 2]),))
        store.release(lease)
        yield store


def later(path, migrations=NEXT):
    """A store of a version to come, on the same file."""
    return SqlStateStore(f"sqlite:///{path}", migrations=migrations)


def versions(path):
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute("SELECT version FROM segflow_migrations ORDER BY version").fetchall()
        return [version for (version,) in found]


def beside(path):
    return sorted(found.name for found in path.parent.iterdir())


def described(engine):
    """Columns, keys and indexes of every table."""
    found = inspect(engine)
    return {
        table: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)],
            found.get_pk_constraint(table)["constrained_columns"],
            sorted(index["name"] for index in found.get_indexes(table)),
            sorted(tuple(made["column_names"]) for made in found.get_unique_constraints(table)),
            sorted(
                (*key["constrained_columns"], key["referred_table"], *key["referred_columns"])
                for key in found.get_foreign_keys(table)
            ),
            sorted(made["sqltext"] for made in found.get_check_constraints(table)),
        )
        for table in found.get_table_names()
    }


def test_the_migrations_lead_to_the_tables_of_today():
    """Running all of them makes just what tables.py describes."""
    migrated, described_today = create_engine("sqlite://"), create_engine("sqlite://")
    with migrated.begin() as connection:
        for migration in MIGRATIONS:
            migration.migrate(connection)
    METADATA.create_all(described_today)

    assert described(migrated) == described(described_today)


def test_a_difference_from_the_tables_of_today_is_seen():
    """The comparison above is no empty one: a column more would be found."""
    with_note = create_engine("sqlite://")
    METADATA.create_all(with_note)
    before = described(with_note)
    with with_note.begin() as connection:
        add_note(connection)
    assert described(with_note) != before


def test_migrations_are_numbered_without_gaps():
    """The first is 1, and each has a name of its own."""
    assert [made.version for made in MIGRATIONS] == list(range(1, TODAY + 1))
    assert len({made.name for made in MIGRATIONS}) == TODAY


def test_a_new_state_has_todays_version(today, path):
    """Every migration is on record."""
    assert versions(path) == list(range(1, TODAY + 1))


def test_an_older_state_can_be_read_without_changing_it(today, path):
    """A plan after an upgrade of segflow works, and writes nothing."""
    content = path.read_bytes()
    with later(path) as store:
        assert store.version() == today.version()
        assert store.deployed() == today.deployed()
        assert store.log("vip") == today.log("vip")
    assert path.read_bytes() == content
    assert beside(path) == ["state.db"]


def test_an_older_state_is_not_written(today, path):
    """It is brought up to date first."""
    with later(path) as store, pytest.raises(StateUnavailableError, match="older version"):
        store.acquire("ann", "apply", 0, MINUTE)


@pytest.mark.parametrize("migrations", [NEXT, AFTER_NEXT], ids=["one step", "two steps"])
def test_an_older_state_is_brought_up_to_date_after_a_backup(today, path, migrations):
    """The copy beside it is the database as it was; the content is the same in both."""
    before = (today.version(), today.deployed(), today.snapshots(), today.log("vip"))

    with later(path, migrations) as store:
        store.create("another", "other")
        assert (store.version(), store.deployed(), store.snapshots(), store.log("vip")) == before
        store.release(store.acquire("ann", "apply", 0, MINUTE))

    assert versions(path) == [made.version for made in migrations]
    backup = path.with_name(f"state.db.v{TODAY}.backup")
    assert beside(path) == ["state.db", backup.name]
    assert versions(backup) == list(range(1, TODAY + 1))
    with SqlStateStore(f"sqlite:///{backup}") as old:
        assert (old.version(), old.deployed(), old.snapshots(), old.log("vip")) == before


def test_a_state_of_today_is_not_backed_up(today, path):
    """Only a migration makes a copy."""
    today.create("another", "other")
    assert beside(path) == ["state.db"]


def test_a_lease_can_be_broken_right_after_an_upgrade(today, path):
    """The person with the new segflow need not know that the state is older."""
    lease = today.acquire("ann", "apply", 0, MINUTE)
    today.close()
    with later(path) as store:
        assert store.break_lease() == lease
        assert store.lease() is None


def test_a_migration_that_fails_changes_nothing(today, path):
    """Its transaction is undone as a whole; the older segflow goes on with the state."""
    before = (today.version(), today.deployed())
    with later(path, BROKEN) as store, pytest.raises(RuntimeError, match="broke"):
        store.create("another", "other")
    assert versions(path) == list(range(1, TODAY + 1))
    assert (today.version(), today.deployed()) == before
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall() == []


def test_a_newer_state_is_refused(today, path):
    """It is neither read nor written, and the hint says what helps."""
    with later(path) as store:
        store.create("another", "other")
    content = path.read_bytes()

    for act in (
        today.version,
        today.fingerprints,
        today.lease,
        today.break_lease,
        lambda: today.create("another", "other"),
        lambda: today.acquire("ann", "apply", 0, MINUTE),
    ):
        with pytest.raises(UnsupportedVersionError, match=f"version is {TODAY + 1}") as caught:
            act()
        assert caught.value.hint == "upgrade segflow"
    assert path.read_bytes() == content


def test_an_older_segflow_stops_when_the_state_is_upgraded_under_it(today, path):
    """Its lease still counts, but it does not know the tables any more."""
    lease = today.acquire("ann", "apply", 0, MINUTE)
    with later(path) as store:
        store.create("another", "other")
    with pytest.raises(UnsupportedVersionError):
        today.renew(lease, 1, MINUTE)


def test_a_state_made_now_says_so_to_a_later_segflow(path):
    """Two processes of different versions may make the state one after the other."""
    with SqlStateStore(f"sqlite:///{path}") as store:
        store.create("lineage", "shop")
    with later(path) as store:
        assert store.create("another", "other") == StateVersion(
            lineage="lineage", serial=0, project="shop"
        )


def test_columns_of_text_and_numbers_are_portable():
    """No table uses a type that another database lacks."""
    kinds = {
        type(column.type).__name__
        for table in METADATA.tables.values()
        for column in table.columns
        if isinstance(column, Column)
    }
    assert kinds == {Text.__name__, "BigInteger", "LargeBinary"}
