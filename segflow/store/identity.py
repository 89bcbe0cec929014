"""Which state a database holds: lineage, serial and owner."""

from dataclasses import asdict

from sqlalchemy import Connection, insert, select, update

from segflow.model.state import StateVersion
from segflow.store.tables import STATE

_VERSION = select(STATE.c.lineage, STATE.c.serial, STATE.c.project, STATE.c.timezone)


def read_version(connection: Connection) -> StateVersion | None:
    """The identity, or None where it was not given yet."""
    row = connection.execute(_VERSION).one_or_none()
    return None if row is None else StateVersion(**row._mapping)


def settle_version(connection: Connection, lineage: str, project: str) -> StateVersion:
    """The identity; where there is none, the given one with serial 0 from now on."""
    if (found := read_version(connection)) is not None:
        return found
    version = StateVersion(lineage=lineage, serial=0, project=project)
    connection.execute(insert(STATE).values(id=1, **asdict(version)))
    return version


def next_version(connection: Connection, timezone: str | None = None) -> StateVersion:
    """Counts one more write, notes the project's time zone where it is given, and gives the
    identity as it is then."""
    noted = {} if timezone is None else {STATE.c.timezone: timezone}
    connection.execute(update(STATE).values({STATE.c.serial: STATE.c.serial + 1, **noted}))
    return StateVersion(**connection.execute(_VERSION).one()._mapping)
