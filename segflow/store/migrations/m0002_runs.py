"""Leases by name, and the ledger of rules: runs, buckets, exposures, sends and codes."""

from sqlalchemy import Connection, text

_STATEMENTS = (
    """CREATE TABLE leases (
        name TEXT NOT NULL PRIMARY KEY,
        token BIGINT NOT NULL,
        owner TEXT,
        purpose TEXT,
        acquired_at BIGINT,
        heartbeat_at BIGINT,
        expires_at BIGINT
    )""",
    """INSERT INTO leases (name, token, owner, purpose, acquired_at, heartbeat_at, expires_at)
        SELECT 'state', token, owner, purpose, acquired_at, heartbeat_at, expires_at FROM lease""",
    "INSERT INTO leases (name, token) VALUES ('runner', 0)",
    "DROP TABLE lease",
    """CREATE TABLE runs (
        id TEXT NOT NULL PRIMARY KEY,
        rule TEXT NOT NULL,
        scheduled BIGINT NOT NULL,
        as_of BIGINT NOT NULL,
        status TEXT NOT NULL,
        live BIGINT NOT NULL,
        fingerprint TEXT NOT NULL,
        definition TEXT NOT NULL,
        epoch TEXT NOT NULL,
        started_at BIGINT NOT NULL,
        finished_at BIGINT,
        audience BIGINT,
        digest TEXT,
        reason TEXT,
        UNIQUE (rule, scheduled)
    )""",
    "CREATE INDEX runs_scheduled ON runs (scheduled, rule)",
    """CREATE TABLE buckets (
        run_id TEXT NOT NULL REFERENCES runs (id),
        number BIGINT NOT NULL,
        bucket TEXT NOT NULL,
        reason TEXT NOT NULL,
        arm TEXT,
        count BIGINT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (run_id, number)
    )""",
    """CREATE TABLE exposures (
        run_id TEXT NOT NULL REFERENCES runs (id),
        arm TEXT NOT NULL,
        at BIGINT NOT NULL,
        count BIGINT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (run_id, arm)
    )""",
    """CREATE TABLE sends (
        id TEXT NOT NULL PRIMARY KEY,
        run_id TEXT NOT NULL REFERENCES runs (id),
        channel TEXT NOT NULL,
        key BIGINT NOT NULL,
        variant TEXT NOT NULL,
        step BIGINT NOT NULL,
        action BIGINT NOT NULL,
        claimed_at BIGINT NOT NULL,
        status TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        settled_at BIGINT,
        detail TEXT
    )""",
    "CREATE INDEX sends_reached ON sends (run_id, key, channel, status)",
    """CREATE TABLE codes (
        offer TEXT NOT NULL,
        code TEXT NOT NULL,
        number BIGINT NOT NULL,
        status TEXT NOT NULL,
        send_id TEXT UNIQUE REFERENCES sends (id),
        PRIMARY KEY (offer, code),
        CHECK ((status = 'free') = (send_id IS NULL))
    )""",
    "CREATE INDEX codes_in_stock ON codes (offer, status, number)",
)


def migrate(connection: Connection) -> None:
    """Adds the tables; the lease that is held stays held, under the name "state"."""
    for statement in _STATEMENTS:
        connection.execute(text(statement))
