"""The membership log tells the members at every instant."""

from dataclasses import replace

import pytest
from hypothesis import given
from pyroaring import BitMap64

from segflow.errors import CorruptStateError
from segflow.membership.bitmaps import from_bytes
from segflow.membership.changes import Previous
from segflow.membership.draft import draft_exit, draft_membership
from segflow.membership.log import drops, members_at
from segflow.model.codec import digest
from tests.membership.sets import Dropped, Refreshed, happenings


class Recorder:
    """Keeps a segment's log and contents in memory, and what it should show at which instant."""

    def __init__(self):
        self.log, self.contents, self.expected = [], {}, [(0, BitMap64())]
        self.now, self.snapshot, self.definition = 0, None, None
        self.snapshots, self.drops = [], set()

    def take(self, happening):
        self.now += happening.later
        match happening:
            case Refreshed():
                self._refresh(happening)
            case Dropped() if self.snapshot is not None:
                self._drop()

    def read(self, name):
        return from_bytes(self.contents[name])

    def snapshot_at(self, at):
        return max(
            (found for found in self.snapshots if found.as_of <= at),
            key=lambda found: found.as_of,
            default=None,
        )

    def _refresh(self, happening):
        previous = None
        if self.snapshot is not None:
            previous = Previous(
                definition=self.definition, members=self.snapshot, now=happening.now
            )
        made = draft_membership(
            segment="lapsed",
            as_of=self.now,
            definition=happening.definition,
            members=happening.members,
            previous=previous,
        )
        self.snapshot, self.definition = happening.members, happening.definition
        self.snapshots.insert(0, made.membership.snapshot)  # of two at one instant the later wins
        self._keep(made.membership.entries, made.contents)

    def _drop(self):
        made = draft_exit(
            segment="lapsed", as_of=self.now, definition=self.definition, members=self.snapshot
        )
        self.snapshot = None
        self._keep([made.entry], made.contents)
        self.drops.add(len(self.log))

    def _keep(self, entries, contents):
        for entry in entries:
            self.log.append(replace(entry, sequence=len(self.log) + 1))
        self.contents |= {digest(content): content for content in contents}
        self.expected.append((self.now, self.snapshot or BitMap64()))


def recorded(history):
    recorder = Recorder()
    for happening in history:
        recorder.take(happening)
    return recorder


@given(happenings())
def test_folding_the_log_gives_every_snapshot(history):
    """At each evaluation's instant the log shows its members, and nobody after a drop."""
    recorder = recorded(history)
    for at, members in recorder.expected:
        assert members_at(recorder.log, at, recorder.read) == members


@given(happenings(shortest=2))
def test_between_two_entries_the_earlier_holds(history):
    """Until something new is on record, the members are those of before."""
    recorder = recorded(history)
    for (_, members), (following, _) in zip(recorder.expected, recorder.expected[1:], strict=False):
        assert members_at(recorder.log, following - 1, recorder.read) == members


@given(happenings())
def test_the_log_tells_when_a_segment_was_deleted(history):
    """Drops are told from new definitions that leave nobody, and from segments of nobody."""
    recorder = recorded(history)
    assert drops(recorder.log, recorder.snapshot_at) == recorder.drops


FULL, NOBODY = BitMap64([1, 2]), BitMap64()


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([Refreshed(1, "a", FULL, None), Dropped(0)], {2}),
        ([Refreshed(1, "a", FULL, None), Refreshed(0, "b", NOBODY, FULL)], set()),
        ([Refreshed(1, "a", NOBODY, None), Dropped(0)], {2}),
        ([Refreshed(1, "a", FULL, None), Refreshed(0, "b", FULL, FULL), Dropped(0)], {2}),
        (
            [
                Refreshed(1, "a", FULL, None),
                Refreshed(0, "b", NOBODY, FULL),
                Refreshed(0, "a", FULL, NOBODY),
            ],
            set(),
        ),
        ([Refreshed(1, "a", FULL, None), Dropped(0), Refreshed(0, "a", FULL, None)], {2}),
        ([Refreshed(1, "a", FULL, None), Dropped(0), Refreshed(0, "b", FULL, None)], {2}),
        ([Refreshed(1, "a", FULL, None), Dropped(1), Refreshed(0, "a", BitMap64([3]), None)], {2}),
    ],
)
def test_a_drop_is_told_at_one_instant_too(history, expected):
    """Whoever applies again and again as of one instant reads when the segment was deleted."""
    recorder = recorded(history)
    assert recorder.drops == expected
    assert drops(recorder.log, recorder.snapshot_at) == expected


@pytest.fixture
def story():
    """Two evaluations: 1 and 2, then 2 and 3."""
    return recorded(
        [Refreshed(1, "d", BitMap64([1, 2]), None), Refreshed(1, "d", BitMap64([2, 3]), None)]
    )


def test_a_log_with_a_gap_is_refused(story):
    """A missing entry is noticed by its number."""
    with pytest.raises(CorruptStateError, match="segment.lapsed is broken at entry 2"):
        members_at(story.log[1:], 9, story.read)


def test_a_log_that_goes_back_in_time_is_refused(story):
    """Entries are in order of their instants."""
    story.log[1] = replace(story.log[1], as_of=0)
    with pytest.raises(CorruptStateError, match="entry 2"):
        members_at(story.log, 9, story.read)


def test_a_size_that_does_not_fit_is_refused(story):
    """The numbers on record are checked against the sets."""
    story.log[1] = replace(story.log[1], entered=2)
    with pytest.raises(CorruptStateError, match="sizes"):
        members_at(story.log, 9, story.read)


@pytest.mark.parametrize("swap", ["entered_digest", "exited_digest"])
def test_an_entry_that_does_not_follow_is_refused(story, swap):
    """Nobody enters who is in already, and nobody exits who is not."""
    digests = {
        "entered_digest": story.log[1].exited_digest,
        "exited_digest": story.log[1].entered_digest,
    }
    story.log[1] = replace(story.log[1], **{swap: digests[swap]})
    with pytest.raises(CorruptStateError, match="somebody"):
        members_at(story.log, 9, story.read)
