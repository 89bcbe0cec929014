"""Pointing out renames: a deleted object and a created one that say the same."""

from collections.abc import Iterable

from segflow.model.address import Address
from segflow.model.compiled import Compiled
from segflow.model.observed import Observed
from segflow.model.plan import Change
from segflow.model.project import Object
from segflow.model.wording import to_words
from segflow.model.wording_text import Words
from segflow.planner.diff import deployed_object
from segflow.planner.paths import json_text

_LABELS = ("description", "owner")


def look_alikes(
    changes: Iterable[Change], compiled: Compiled, observed: Observed
) -> tuple[tuple[Address, Address], ...]:
    """Pairs of a deleted and a created object of one kind that differ in their names and labels
    only; each object in one pair at most, in order."""
    every = tuple(changes)
    created: dict[str, list[Address]] = {}
    deleted = [change.address for change in every if change.action == "delete"]
    if not deleted:
        return ()
    for change in every:
        if change.action == "create":
            likeness = _likeness(compiled.project.objects[change.address])
            created.setdefault(likeness, []).append(change.address)
    found: list[tuple[Address, Address]] = []
    for address in deleted:
        alike = created.get(_likeness(deployed_object(observed.deployed[address])))
        if alike:
            found.append((address, alike.pop(0)))
    return tuple(found)


def _likeness(thing: Object) -> str:
    """The words of an object without its name and labels."""
    (kind, _), *rest = to_words(thing).items()
    said: Words = {key: word for key, word in rest if key not in _LABELS}
    return f"{kind} {json_text(said)}"
