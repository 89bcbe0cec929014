"""Which version the state database's schema has, and how an older one is brought up to date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, inspect, select

from segflow.errors import CorruptStateError, StateUnavailableError, UnsupportedVersionError
from segflow.store.migrations import m0001_first, m0002_runs, m0003_files, m0004_stale, m0005_costs
from segflow.store.sqlite import SqliteDatabase
from segflow.store.tables import MIGRATIONS as RUN
from segflow.store.trouble import RESTORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema; `migrate` takes the version before to `version`."""

    version: int
    name: str
    migrate: Callable[[Connection], None]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(version=1, name="first", migrate=m0001_first.migrate),
    Migration(version=2, name="runs", migrate=m0002_runs.migrate),
    Migration(version=3, name="files", migrate=m0003_files.migrate),
    Migration(version=4, name="stale", migrate=m0004_stale.migrate),
    Migration(version=5, name="costs", migrate=m0005_costs.migrate),
)
"""Every migration, oldest first."""


class Schema:
    """The versions that this segflow knows, and how to get from one to the next."""

    def __init__(self, place: str, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self._place = place
        self.migrations = migrations
        self.newest = migrations[-1].version

    def version(self, connection: Connection) -> int:
        """The database's version; 0 where it has no tables at all.

        Raises UnsupportedVersionError for a newer one and CorruptStateError for tables that are
        not segflow's.
        """
        inspector = inspect(connection)
        if not inspector.has_table(RUN.name):
            if inspector.get_table_names():
                raise CorruptStateError(
                    f"the database {self._place} is not a state of segflow: its tables are others",
                    hint="give the state a file of its own in segflow.toml",
                )
            return 0
        found = connection.execute(select(func.max(RUN.c.version))).scalar()
        if found is None:
            raise CorruptStateError(
                f"the state database {self._place} does not say its version", hint=RESTORE
            )
        if found > self.newest:
            raise UnsupportedVersionError(
                f"the state database {self._place} was written by a newer segflow: "
                f"its version is {found}, this one knows {self.newest}",
                hint="upgrade segflow",
            )
        return int(found)

    def require_newest(self, connection: Connection) -> None:
        """Raises StateUnavailableError where the database was not brought up to date yet, and as
        version() does."""
        if self.version(connection) != self.newest:
            raise StateUnavailableError(
                f"the state database {self._place} is of an older version",
                hint="`segflow apply` brings it up to date",
            )

    def upgrade(self, connection: Connection) -> None:
        """Runs every migration that the database lacks, in the transaction of `connection`."""
        version = self.version(connection)
        for migration in self.migrations:
            if migration.version > version:
                _run(connection, migration)

    def upgrade_durably(self, database: SqliteDatabase) -> None:
        """Runs every migration that the database lacks, each in a transaction of its own.

        An older database is first copied to a file beside it ("state.db.v1.backup").
        """
        backed_up = False
        for migration in self.migrations:
            with database.write() as connection:
                version = self.version(connection)
                if migration.version <= version:
                    continue
                # Under the write lock, so that the copy is surely of the older version.
                if version and not backed_up:
                    database.back_up(f".v{version}.backup")
                backed_up = True
                _run(connection, migration)


def _run(connection: Connection, migration: Migration) -> None:
    migration.migrate(connection)
    connection.execute(insert(RUN).values(version=migration.version, name=migration.name))
