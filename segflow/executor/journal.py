"""The journal of one apply: "begin" is durable before a step acts, "end" before it counts."""

from segflow.executor.effects import Effects
from segflow.executor.lease import Hold
from segflow.model.codec import canonical, from_canonical
from segflow.model.instant import Instant
from segflow.model.state import ApplyRecord, JournalEntry, LogEntry, Membership

StepResult = Membership | LogEntry
"""What a step makes: the new membership of a segment, or the exit of a dropped one."""


class Journal:
    """What was begun and what was ended, read once and then written line by line."""

    def __init__(self, effects: Effects, hold: Hold, record: ApplyRecord) -> None:
        self._effects = effects
        self._hold = hold
        self._apply_id = record.id
        lines = effects.state.journal(record.id)
        self._begun = {line.step for line in lines}
        self._ended = {line.step: line.result for line in lines if line.phase == "end"}

    def result(self, step: int) -> StepResult | None:
        """What an ended step made; None where the step was not ended."""
        found = self._ended.get(step)
        if found is None:
            return None
        made: StepResult = from_canonical(found)
        return made

    def has_ended(self, step: int) -> bool:
        """Whether a step was ended."""
        return step in self._ended

    def begin(self, step: int) -> None:
        """Note that a step is about to act; a second begin of one step changes nothing."""
        if step not in self._begun:
            self._write(step, None)
            self._begun.add(step)

    def end(self, step: int, made: StepResult) -> None:
        """Note what a step made."""
        self._write(step, canonical(made))

    def _write(self, step: int, result: str | None) -> None:
        phase = "begin" if result is None else "end"
        self._effects.failpoint(f"apply.journal.before.{phase}.{step}")
        entry = JournalEntry(
            apply_id=self._apply_id,
            step=step,
            phase="begin" if result is None else "end",
            at=Instant(self._effects.clock.now()),
            result=result,
        )
        self._effects.state.append_journal(self._hold.lease, entry)
        self._effects.failpoint(f"apply.journal.after.{phase}.{step}")
