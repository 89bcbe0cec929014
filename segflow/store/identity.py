"""Which state a database holds: lineage, serial and owner."""

from sqlalchemy import Connection, insert, select, update

from segflow.model.state import StateVersion
from segflow.store.tables import STATE

_VERSION = select(STATE.c.lineage, STATE.c.serial, STATE.c.project)


def read_version(connection: Connection) -> StateVersion | None:
    """The identity, or None where it was not given yet."""
    row = connection.execute(_VERSION).one_or_none()
    if row is None:
        return None
    return StateVersion(lineage=row.lineage, serial=row.serial, project=row.project)


def settle_version(connection: Connection, lineage: str, project: str) -> StateVersion:
    """The identity; where there is none, the given one with serial 0 from now on."""
    if (found := read_version(connection)) is not None:
        return found
    connection.execute(insert(STATE).values(id=1, lineage=lineage, serial=0, project=project))
    return StateVersion(lineage=lineage, serial=0, project=project)


def next_version(connection: Connection) -> StateVersion:
    """Counts one more write and gives the identity with the new serial."""
    connection.execute(update(STATE).values(serial=STATE.c.serial + 1))
    row = connection.execute(_VERSION).one()
    return StateVersion(lineage=row.lineage, serial=row.serial, project=row.project)
