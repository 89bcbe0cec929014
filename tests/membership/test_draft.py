"""Records of an evaluation and the bytes that they point to fit each other."""

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64

from segflow.membership.bitmaps import from_bytes
from segflow.membership.changes import Previous
from segflow.membership.draft import draft_exit, draft_membership
from segflow.model.codec import canonical, digest, from_canonical
from tests.membership.sets import sets, small_sets

previous_ones = st.none() | st.builds(
    Previous, definition=st.just("old"), members=small_sets, now=st.none() | small_sets
)


def draft(members, previous=None, definition="d"):
    return draft_membership(
        segment="lapsed", as_of=5, definition=definition, members=members, previous=previous
    )


@given(previous_ones, sets | small_sets, st.sampled_from(["old", "new"]))
def test_every_record_finds_its_bytes(previous, members, definition):
    """Each digest of the records is that of one of the contents, with the size on record."""
    made = draft(members, previous, definition)
    stored = {digest(content): from_bytes(content) for content in made.contents}
    snapshot = made.membership.snapshot

    assert len(stored) == len(made.contents)
    assert stored[snapshot.digest] == members
    assert snapshot.size == len(members)
    for entry in made.membership.entries:
        for size, name in (
            (entry.entered, entry.entered_digest),
            (entry.exited, entry.exited_digest),
        ):
            assert (name is None) == (size == 0)
            assert name is None or len(stored[name]) == size


@given(previous_ones, small_sets)
def test_a_membership_survives_the_journal(previous, members):
    """Its canonical JSON, which the journal holds, gives the same records back."""
    made = draft(members, previous).membership
    assert from_canonical(canonical(made)) == made


def test_the_first_snapshot_is_stored_once():
    """Those who entered at first are the snapshot: one content serves both."""
    assert len(draft(BitMap64([1, 2])).contents) == 1


def test_a_drop_is_the_exit_of_everyone():
    """Deleting a segment lets its members out by its definition."""
    made = draft_exit(segment="lapsed", as_of=5, definition="d", members=BitMap64([1, 2]))
    (content,) = made.contents

    assert (made.entry.cause, made.entry.entered, made.entry.exited) == ("definition", 0, 2)
    assert made.entry.exited_digest == digest(content)
    assert from_bytes(content) == BitMap64([1, 2])


def test_a_drop_of_an_empty_segment_needs_no_bytes():
    """Where nobody was in, the entry stands alone."""
    made = draft_exit(segment="lapsed", as_of=5, definition="d", members=BitMap64())
    assert (made.entry.exited, made.entry.exited_digest, made.contents) == (0, None, ())
