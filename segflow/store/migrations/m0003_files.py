"""Every file that an object names, when it was deployed, and codes that are looked up by code."""

from sqlalchemy import Connection, text

_STATEMENTS = (
    "ALTER TABLE objects RENAME COLUMN lists TO files",
    "ALTER TABLE objects ADD COLUMN deployed_at BIGINT",
    "CREATE INDEX codes_by_code ON codes (code)",
)


def migrate(connection: Connection) -> None:
    """Names the column for all files; of what is deployed already nobody knows since when."""
    for statement in _STATEMENTS:
        connection.execute(text(statement))
