"""Desired against deployed: which objects are created, updated, deleted or recomputed, and why."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from segflow.errors import CorruptStateError
from segflow.model.address import KINDS, Address
from segflow.model.codec import canonical, from_canonical
from segflow.model.compiled import Compiled
from segflow.model.observed import Observed
from segflow.model.plan import AttributeChange, Change
from segflow.model.project import Object
from segflow.model.segment import Segment
from segflow.model.state import DeployedObject
from segflow.model.wording import to_words
from segflow.planner.attributes import Changes, declared, differences, replaced
from segflow.planner.files import changed_contents, changed_lists, named_files
from segflow.planner.paths import json_text
from segflow.planner.privacy import masked, personal_fields
from segflow.planner.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Every change, in order of address from sources to rules, and how many objects have none."""

    changes: tuple[Change, ...]
    unchanged: int


def difference(compiled: Compiled, observed: Observed) -> Difference:
    """What it takes to make the deployed objects those of the project; impact is not yet known.

    An object whose text differs only in what says nothing (quotes, the order of keys or of a
    boolean list) is unchanged. Raises CorruptStateError for a deployed object that can't be read.
    """
    suspects = [
        address for address in compiled.fingerprints if _differs(address, compiled, observed)
    ]
    deleted = [address for address in observed.deployed if address not in compiled.fingerprints]
    if not suspects and not deleted:
        return Difference(changes=(), unchanged=len(compiled.fingerprints))
    sides = _Sides(compiled, observed, _personal(compiled, observed))
    found = [sides.change(address) for address in suspects]
    changes = [change for change in found if change is not None]
    unchanged = len(compiled.fingerprints) - len(changes)
    changes += [_deleted(observed.deployed[address]) for address in deleted]
    return Difference(changes=_explained(changes, compiled, observed), unchanged=unchanged)


def deployed_object(deployed: DeployedObject) -> Object:
    """The object as it was applied. Raises CorruptStateError when its text can't be read."""
    try:
        thing: Object = from_canonical(deployed.canonical)
    except ValueError as error:
        raise CorruptStateError(
            f"{deployed.address} in the state can't be read: {error}",
            hint="restore the state from a backup, or use the segflow that wrote it",
        ) from error
    return thing


def _differs(address: Address, compiled: Compiled, observed: Observed) -> bool:
    before = observed.deployed.get(address)
    return (
        before is None
        or before.fingerprint != compiled.fingerprints[address]
        or before.definition != compiled.definition(address)
        or before.files != named_files(address, compiled)
    )


def _personal(compiled: Compiled, observed: Observed) -> frozenset[str]:
    deployed = (
        deployed_object(thing)
        for address, thing in observed.deployed.items()
        if address.kind in ("entity", "address")
    )
    return personal_fields(deployed) | personal_fields(compiled.project.objects.values())


def _deleted(before: DeployedObject) -> Change:
    return Change(
        address=before.address,
        action="delete",
        before_fingerprint=before.fingerprint,
        before_definition=before.definition,
        before_files=before.files,
    )


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both worlds, and the fields whose values are not shown."""

    compiled: Compiled
    observed: Observed
    personal: frozenset[str]

    def change(self, address: Address) -> Change | None:
        """The change of one desired object that is not deployed just so; None for no change."""
        thing = self.compiled.project.objects[address]
        after = Change(
            address=address,
            action="create",
            canonical=canonical(thing),
            fingerprint=self.compiled.fingerprints[address],
            definition=self.compiled.definition(address),
            files=named_files(address, self.compiled),
        )
        before = self.observed.deployed.get(address)
        contents = changed_contents(address, before, self.compiled, self.observed.former)
        if before is None:
            attributes = declared(masked(to_words(thing), self.personal))
            return replace(after, attributes=attributes + contents)
        return self.between(before, thing, after, contents)

    def between(
        self, before: DeployedObject, thing: Object, after: Change, contents: Changes
    ) -> Change | None:
        """The change of an object that is deployed in another form; `contents` are those of its
        files that say what it does, not whom it is about."""
        old = deployed_object(before)
        redefined = before.definition != after.definition
        attributes = self.attributes(old, thing, redefined=redefined) + contents
        if not (attributes or redefined or before.files != after.files):
            return None
        return replace(
            after,
            action="update" if attributes else "recompute",
            before_fingerprint=before.fingerprint,
            before_definition=before.definition,
            before_files=before.files,
            attributes=attributes + changed_lists(before, self.compiled),
            frozen=redefined and _is_static(old) and _is_static(thing),
        )

    def attributes(self, old: Object, new: Object, *, redefined: bool) -> Changes:
        """What differs in words; an order that says nothing only where it redefines a segment."""
        before, after = to_words(old), to_words(new)
        if json_text(before) == json_text(after):
            return ()
        shown = masked(before, self.personal), masked(after, self.personal)
        found = differences(before, after, *shown)
        return found or (replaced(before, after, *shown) if redefined else ())


def _is_static(thing: Object) -> bool:
    return isinstance(thing, Segment) and thing.mode == "static"


# --- why and what for ------------------------------------------------------------------------


def _explained(
    changes: Iterable[Change], compiled: Compiled, observed: Observed
) -> tuple[Change, ...]:
    """The changes in order, each with what forces it and what it reaches."""
    by_address = {change.address: change for change in changes}
    audiences = {rule.address: rule.audience.depends for rule in compiled.rules.values()}
    reach = Reach(compiled.depends, audiences, by_address)
    zone = _zone_change(compiled, observed)
    return tuple(_explain(by_address[address], reach, zone) for address in _ordered(by_address))


def _explain(change: Change, reach: Reach, zone: Changes) -> Change:
    match change.action:
        case "recompute":
            because = reach.causes(change.address)
            attributes = change.attributes or (() if because else zone)
            # What lies above is reached by the cause already, and told there.
            reaches = () if because else reach.effects(change.address)
            return replace(change, because=because, attributes=attributes, reaches=reaches)
        case "update":
            return replace(change, reaches=reach.effects(change.address))
        case _:
            return change


def _zone_change(compiled: Compiled, observed: Observed) -> Changes:
    after = compiled.project.settings.timezone
    before = after if observed.version is None else observed.version.timezone
    if before == after:
        return ()
    return (
        AttributeChange(path="project.timezone", before=json_text(before), after=json_text(after)),
    )


def _ordered(addresses: Iterable[Address]) -> list[Address]:
    """Sources first and rules last; by name within a kind."""
    return sorted(addresses, key=lambda address: (-KINDS.index(address.kind), address.name))
