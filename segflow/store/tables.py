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
    UniqueConstraint,
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

LEASES = Table(
    "leases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("owner", Text),
    Column("purpose", Text),
    Column("acquired_at", BigInteger),
    Column("heartbeat_at", BigInteger),
    Column("expires_at", BigInteger),
)
"""One row per name: the newest token, and its holder if there is one."""

OBJECTS = Table(
    "objects",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("definition", Text),
    Column("files", Text, nullable=False),
    Column("canonical", Text, nullable=False),
    Column("deployed_at", BigInteger),
    # Holds all that a plan without changes reads, so that it need not pass over the long texts.
    Index("objects_fingerprints", "kind", "name", "fingerprint"),
)
"""The deployed objects. `files` is canonical JSON; older versions did not note `deployed_at`."""

SEGMENTS = Table(
    "segments",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("snapshots", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("last_as_of", BigInteger, nullable=False),
    Column("current", BigInteger),
    Column("failed_as_of", BigInteger),
    Column("failed_reason", Text),
)
"""Where the history of each segment stands, dropped ones too: how many snapshots and log entries it
has, the newest instant in it, and the number of its current snapshot; and, if it was refreshed in
vain since, to which instant and why not."""

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("segment", Text, ForeignKey("segments.name"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("as_of", BigInteger, nullable=False),
    Column("definition", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("costs", Text),
    Index("snapshots_as_of", "segment", "as_of", "number"),
)
"""Every snapshot, numbered from 1 per segment. `costs` is canonical JSON; older versions did not
note it."""

SCAN_COSTS = Table(
    "scan_costs",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("table", Text, primary_key=True),
    Column("level", BigInteger, nullable=False),
    Column("segments", BigInteger, nullable=False),
    Column("last", Text, nullable=False),
)
"""What reading each table costs. `last` is canonical JSON of the question by which it is known."""

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
"""Kept bytes of the files that objects name."""

RUNS = Table(
    "runs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("scheduled", BigInteger, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("live", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("audience", BigInteger),
    Column("digest", Text),
    Column("reason", Text),
    UniqueConstraint("rule", "scheduled"),
    Index("runs_scheduled", "scheduled", "rule"),
)
"""Every run of a rule. `live` is 0 or 1."""

BUCKETS = Table(
    "buckets",
    METADATA,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("bucket", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("arm", Text),
    Column("count", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)
"""Where the users of a run are, numbered from 1 per run."""

EXPOSURES = Table(
    "exposures",
    METADATA,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("arm", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
)
"""Who counts as exposed, by run and arm."""

SENDS = Table(
    "sends",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("key", BigInteger, nullable=False),
    Column("variant", Text, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("action", BigInteger, nullable=False),
    Column("claimed_at", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("detail", Text),
    # Holds all that counting for caps reads, in the order in which it counts.
    Index("sends_reached", "run_id", "key", "channel", "status"),
)
"""Every send that was claimed. `key` is an ordinal of 64 bits, those from 2^63 on less 2^64."""

CODES = Table(
    "codes",
    METADATA,
    Column("offer", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("send_id", Text, ForeignKey("sends.id"), unique=True),
    CheckConstraint("(status = 'free') = (send_id IS NULL)"),
    Index("codes_in_stock", "offer", "status", "number"),
    Index("codes_by_code", "code"),
)
"""The codes of offers, numbered in the order in which they are given. `status` is free, reserved or
committed; `send_id` is the one send that has the code."""
