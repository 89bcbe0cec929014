"""Records to store, made short: objects, memberships of real sets, and whole applies."""

from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.membership.draft import draft_exit, draft_membership
from segflow.model.address import Address
from segflow.model.codec import digest
from segflow.model.cost import Question
from segflow.model.duration import Duration
from segflow.model.state import ApplyRecord, DeployedObject
from segflow.ports import StateCommit

MINUTE = Duration(count=1, unit="min")
MINUTE_MS = 60_000

# A database of text holds any text but halves of surrogate pairs, which are none.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
instants = st.integers(-(2**62), 2**62)


def segment(name, definition="d1", canonical=None, files=()):
    """A deployed segment whose text depends on its definition alone."""
    text = f"{name}:{definition}" if canonical is None else canonical
    return DeployedObject(
        address=Address("segment", name),
        canonical=text,
        fingerprint=digest(text),
        definition=definition,
        files=files,
    )


def channel(name, text="{}"):
    return DeployedObject(
        address=Address("channel", name), canonical=text, fingerprint=digest(text)
    )


def question(*tables, segments=1, microseconds=0, rows=None, source="warehouse"):
    """A question that DuckDB answered."""
    return Question(
        source=source,
        engine="duckdb",
        tables=tables,
        segments=segments,
        microseconds=microseconds,
        rows_read=rows,
    )


def membership(name, as_of, members, definition="d1", previous=None, costs=()):
    """The records of an evaluation; their bytes are stored nowhere."""
    return draft_membership(
        segment=name,
        as_of=as_of,
        definition=definition,
        members=BitMap64(members),
        previous=previous,
        costs=costs,
    ).membership


def exit_of(name, as_of, members, definition="d1"):
    return draft_exit(
        segment=name, as_of=as_of, definition=definition, members=BitMap64(members)
    ).entry


def begun(number=1, plan=b"a plan"):
    """The record of an apply that begins."""
    return ApplyRecord(id=f"apply-{number}", plan_id=f"plan-{number}", plan=plan, started_at=number)


def apply(store, lease, number=1, **content):
    """Begins an apply and commits it at once."""
    store.begin_apply(lease, begun(number))
    return store.commit_apply(lease, f"apply-{number}", StateCommit(**content), number)
