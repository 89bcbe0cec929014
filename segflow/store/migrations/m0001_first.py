"""The first schema: identity, lease, objects, memberships, applies and blobs."""

from sqlalchemy import Connection, text

_BYTES = {"sqlite": "BLOB", "postgresql": "BYTEA"}

_STATEMENTS = (
    """CREATE TABLE segflow_migrations (
        version BIGINT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL
    )""",
    """CREATE TABLE state (
        id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
        lineage TEXT NOT NULL,
        serial BIGINT NOT NULL,
        project TEXT NOT NULL,
        timezone TEXT NOT NULL
    )""",
    """CREATE TABLE lease (
        id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
        token BIGINT NOT NULL,
        owner TEXT,
        purpose TEXT,
        acquired_at BIGINT,
        heartbeat_at BIGINT,
        expires_at BIGINT
    )""",
    "INSERT INTO lease (id, token) VALUES (1, 0)",
    """CREATE TABLE objects (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        definition TEXT,
        lists TEXT NOT NULL,
        canonical TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    )""",
    "CREATE INDEX objects_fingerprints ON objects (kind, name, fingerprint)",
    """CREATE TABLE segments (
        name TEXT NOT NULL PRIMARY KEY,
        snapshots BIGINT NOT NULL,
        entries BIGINT NOT NULL,
        last_as_of BIGINT NOT NULL,
        current BIGINT
    )""",
    """CREATE TABLE snapshots (
        segment TEXT NOT NULL REFERENCES segments (name),
        number BIGINT NOT NULL,
        as_of BIGINT NOT NULL,
        definition TEXT NOT NULL,
        size BIGINT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (segment, number)
    )""",
    "CREATE INDEX snapshots_as_of ON snapshots (segment, as_of, number)",
    """CREATE TABLE log_entries (
        segment TEXT NOT NULL REFERENCES segments (name),
        sequence BIGINT NOT NULL,
        as_of BIGINT NOT NULL,
        cause TEXT NOT NULL,
        definition TEXT NOT NULL,
        entered BIGINT NOT NULL,
        exited BIGINT NOT NULL,
        entered_digest TEXT,
        exited_digest TEXT,
        PRIMARY KEY (segment, sequence)
    )""",
    """CREATE TABLE applies (
        number BIGINT NOT NULL PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        plan_id TEXT NOT NULL,
        plan {bytes} NOT NULL,
        started_at BIGINT NOT NULL,
        finished_at BIGINT,
        serial BIGINT,
        abandoned TEXT
    )""",
    "CREATE INDEX applies_plan_id ON applies (plan_id)",
    """CREATE TABLE journal (
        apply_id TEXT NOT NULL REFERENCES applies (id),
        number BIGINT NOT NULL,
        step BIGINT NOT NULL,
        phase TEXT NOT NULL,
        at BIGINT NOT NULL,
        result TEXT,
        PRIMARY KEY (apply_id, number)
    )""",
    """CREATE TABLE blobs (
        digest TEXT NOT NULL PRIMARY KEY,
        content {bytes} NOT NULL
    )""",
)


def migrate(connection: Connection) -> None:
    """Makes the tables in an empty database."""
    for statement in _STATEMENTS:
        connection.execute(text(statement.format(bytes=_BYTES[connection.dialect.name])))
