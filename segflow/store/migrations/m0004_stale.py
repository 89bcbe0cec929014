"""Why a segment's last refresh failed, where it did."""

from sqlalchemy import Connection, text

_STATEMENTS = (
    "ALTER TABLE segments ADD COLUMN failed_as_of BIGINT",
    "ALTER TABLE segments ADD COLUMN failed_reason TEXT",
)


def migrate(connection: Connection) -> None:
    """Of refreshes that failed before nothing was kept."""
    for statement in _STATEMENTS:
        connection.execute(text(statement))
