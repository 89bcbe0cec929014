"""The files of a plan: read, checked against the plan, and kept before anything begins."""

from collections.abc import Mapping

from segflow.errors import StalePlanError
from segflow.executor.effects import Effects, ReadFile
from segflow.executor.lease import Hold
from segflow.model.codec import digest
from segflow.model.plan import Plan
from segflow.planner.stale import PLAN_AGAIN
from segflow.ports import StateReader


def planned_files(plan: Plan, state: StateReader, read_file: ReadFile) -> Mapping[str, bytes]:
    """The contents, by digest, of the plan's files that are not kept yet.

    Raises StalePlanError where a file is not the one that was planned.
    """
    wanted = {pair for change in plan.changes for pair in change.files}
    found: dict[str, bytes] = {}
    for path, expected in sorted(wanted):
        if expected in found or state.blob(expected) is not None:
            continue
        content = read_file(path)
        if digest(content) != expected:
            raise StalePlanError(
                f"{path} has changed since the plan was made",
                hint=PLAN_AGAIN,
            )
        found[expected] = content
    return found


def keep_files(effects: Effects, hold: Hold, contents: Mapping[str, bytes]) -> None:
    """Make the contents durable, so that a resumed apply needs no file."""
    for number, (name, content) in enumerate(contents.items()):
        effects.failpoint(f"apply.blob.before.put.{number}")
        effects.state.put_blob(hold.lease, name, content)
        effects.failpoint(f"apply.blob.after.put.{number}")
