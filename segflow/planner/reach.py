"""Along the dependencies: what forces a recompute, what a change reaches, what a plan rests on."""

from collections.abc import Iterable, Mapping

from segflow.model.address import Address
from segflow.model.plan import Change

Depends = Mapping[Address, tuple[Address, ...]]
"""The direct dependencies of every object."""

_REPORTED = ("segment", "rule")


class Reach:
    """The dependencies of the desired objects, both ways, as far as changes travel along them.
    `audiences` are what the audiences of rules rest on, directly: less than the rules do."""

    def __init__(
        self, depends: Depends, audiences: Depends, changes: Mapping[Address, Change]
    ) -> None:
        self._depends = depends
        self._audiences = audiences
        self._changes = changes
        self._dependents: dict[Address, list[Address]] = {}
        for dependent, needs in depends.items():
            for need in needs:
                self._dependents.setdefault(need, []).append(dependent)

    def causes(self, address: Address) -> tuple[Address, ...]:
        """The created and updated objects, and those with another list file, that the definition of
        an object rests on, directly or not, in order.

        Of segments only those whose definition or mode changes: a new owner forces nothing.
        """
        needs = self._audiences.get(address, (address,))
        return tuple(
            sorted(found for found in closure(self._depends, needs) if self._forces(found, address))
        )

    def effects(self, address: Address) -> tuple[Address, ...]:
        """The segments whose members a change can move, and the rules that use them or the object
        itself, in order; neither new ones nor frozen ones."""
        found: set[Address] = set()
        frontier = [address] if self._carries(address) else []
        while frontier:
            for dependent in self._dependents.get(frontier.pop(), ()):
                if dependent not in found and self._is_reached(dependent):
                    found.add(dependent)
                    frontier.append(dependent)
        return tuple(sorted(one for one in found - {address} if self._is_reported(one)))

    def _forces(self, found: Address, address: Address) -> bool:
        change = self._changes.get(found)
        if found == address or change is None:
            return False
        if change.action not in ("create", "update") and not change.attributes:
            return False  # recomputed itself, for a cause that is told
        return found.kind != "segment" or changes_members(change)

    def _carries(self, address: Address) -> bool:
        change = self._changes.get(address)
        return address.kind != "segment" or (change is not None and changes_members(change))

    def _is_reported(self, found: Address) -> bool:
        change = self._changes.get(found)
        is_apart = change is not None and (change.action == "create" or change.frozen)
        return found.kind in _REPORTED and not is_apart

    def _is_reached(self, dependent: Address) -> bool:
        return dependent.kind != "segment" or self._carries(dependent)


def changes_definition(change: Change) -> bool:
    """Whether the change gives a segment another definition."""
    return change.definition != change.before_definition


def changes_members(change: Change) -> bool:
    """Whether the change of a segment is one of who is in: of its definition, or of whether its
    members are frozen, which is what other segments see of it."""
    return changes_definition(change) or any(one.path == "mode" for one in change.attributes)


def closure(depends: Depends, addresses: Iterable[Address]) -> frozenset[Address]:
    """The objects and everything they rest on, directly or not."""
    found = set(addresses)
    frontier = list(found)
    while frontier:
        for need in depends.get(frontier.pop(), ()):
            if need not in found:
                found.add(need)
                frontier.append(need)
    return frozenset(found)
