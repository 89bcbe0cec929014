"""The journal of an apply: what ended is known after a restart."""

from dataclasses import replace

from segflow.executor.effects import Effects
from segflow.executor.journal import Journal
from segflow.executor.lease import holding
from segflow.model.instant import Instant
from segflow.model.state import ApplyRecord, LogEntry, Membership, Snapshot
from tests.executor.worlds import effects

RECORD = ApplyRecord(id="a1", plan_id="p1", plan=b"plan", started_at=Instant(0))
ENTRY = LogEntry(
    segment="vip",
    sequence=0,
    as_of=Instant(7),
    cause="definition",
    definition="d1",
    entered=2,
    exited=0,
    entered_digest="e1",
)
MADE = Membership(
    snapshot=Snapshot(segment="vip", as_of=Instant(7), definition="d1", size=2, digest="s1"),
    entries=(ENTRY,),
)


def phases(world: Effects) -> list[tuple[int, str]]:
    return [(line.step, line.phase) for line in world.state.journal("a1")]


def test_ended_step_is_known_after_a_restart():
    """What a step made comes back as it was, also the exit of a dropped segment."""
    world = effects()
    with holding(world, "apply") as hold:
        world.state.begin_apply(hold.lease, RECORD)
        journal = Journal(world, hold, RECORD)
        for step, made in enumerate((MADE, ENTRY)):
            journal.begin(step)
            journal.end(step, made)
        restarted = Journal(world, hold, RECORD)
        assert [restarted.result(step) for step in range(3)] == [MADE, ENTRY, None]


def test_begun_step_is_begun_once():
    """A step that was interrupted is done again, and its beginning is not written again."""
    world = effects()
    with holding(world, "apply") as hold:
        world.state.begin_apply(hold.lease, RECORD)
        Journal(world, hold, RECORD).begin(0)
        restarted = Journal(world, hold, RECORD)
        assert restarted.result(0) is None
        restarted.begin(0)
        restarted.end(0, MADE)
    assert phases(world) == [(0, "begin"), (0, "end")]


def test_every_line_has_a_failpoint_on_either_side():
    """The place right before and right after each durable line has a name."""
    passed: list[str] = []
    world = replace(effects(), failpoint=passed.append)
    with holding(world, "apply") as hold:
        world.state.begin_apply(hold.lease, RECORD)
        journal = Journal(world, hold, RECORD)
        journal.begin(3)
        journal.end(3, MADE)
    assert passed[-4:] == [
        "apply.journal.before.begin.3",
        "apply.journal.after.begin.3",
        "apply.journal.before.end.3",
        "apply.journal.after.end.3",
    ]
