"""What it cost to find the members of each snapshot, and what reading a table costs."""

from sqlalchemy import Connection, text

_STATEMENTS = (
    "ALTER TABLE snapshots ADD COLUMN costs TEXT",
    """
    CREATE TABLE scan_costs (
        source TEXT NOT NULL,
        "table" TEXT NOT NULL,
        level BIGINT NOT NULL,
        segments BIGINT NOT NULL,
        last TEXT NOT NULL,
        PRIMARY KEY (source, "table")
    )
    """,
)


def migrate(connection: Connection) -> None:
    """Of the snapshots that there are nobody knows what they cost."""
    for statement in _STATEMENTS:
        connection.execute(text(statement))
