"""The tables of the state database as they are today; the migrations lead here.

Instants are BIGINT milliseconds UTC, digests hex text. Only types and clauses that SQLite and
PostgreSQL share are used.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

METADATA = MetaData()

MIGRATIONS = Table(
    "segflow_migrations",
    METADATA,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)
"""One row per migration that was run; the largest version is the database's."""

STATE = Table(
    "state",
    METADATA,
    Column("id", BigInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("lineage", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("project", Text, nullable=False),
    Column("timezone", Text, nullable=False),
)
"""One row: which state this is."""

LEASE = Table(
    "lease",
    METADATA,
    Column("id", BigInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("token", BigInteger, nullable=False),
    Column("owner", Text),
    Column("purpose", Text),
    Column("acquired_at", BigInteger),
    Column("heartbeat_at", BigInteger),
    Column("expires_at", BigInteger),
)
"""One row: the newest token, and its holder if there is one."""

OBJECTS = Table(
    "objects",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("definition", Text),
    Column("lists", Text, nullable=False),
    Column("canonical", Text, nullable=False),
    # Holds all that a plan without changes reads, so that it need not pass over the long texts.
    Index("objects_fingerprints", "kind", "name", "fingerprint"),
)
"""The deployed objects. `lists` is canonical JSON."""

SEGMENTS = Table(
    "segments",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("snapshots", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("last_as_of", BigInteger, nullable=False),
    Column("current", BigInteger),
)
"""Where the history of each segment stands, dropped ones too: how many snapshots and log entries it
has, the newest instant in it, and the number of its current snapshot."""

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("segment", Text, ForeignKey("segments.name"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("as_of", BigInteger, nullable=False),
    Column("definition", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Index("snapshots_as_of", "segment", "as_of", "number"),
)
"""Every snapshot, numbered from 1 per segment."""

LOG_ENTRIES = Table(
    "log_entries",
    METADATA,
    Column("segment", Text, ForeignKey("segments.name"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("as_of", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("entered", BigInteger, nullable=False),
    Column("exited", BigInteger, nullable=False),
    Column("entered_digest", Text),
    Column("exited_digest", Text),
)
"""The membership log, append-only."""

APPLIES = Table(
    "applies",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("plan_id", Text, nullable=False),
    Column("plan", LargeBinary, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("serial", BigInteger),
    Column("abandoned", Text),
    Index("applies_plan_id", "plan_id"),
)
"""Every apply, numbered in the order begun."""

JOURNAL = Table(
    "journal",
    METADATA,
    Column("apply_id", Text, ForeignKey("applies.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("step", BigInteger, nullable=False),
    Column("phase", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("result", Text),
)
"""The journals of applies, append-only, numbered from 1 per apply."""

BLOBS = Table(
    "blobs",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""Kept bytes of list files and templates."""
