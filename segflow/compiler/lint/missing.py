"""Conditions whose answer surprises where there is no value, or where nothing ever happened."""

from collections.abc import Iterator
from typing import NamedTuple

from segflow.compiler.lint.bounds import atoms
from segflow.compiler.lint.codes import WITH_MISSING, WITH_NOBODYS, WITHOUT_NOBODYS
from segflow.compiler.lint.subjects import Linted, Root
from segflow.model.operator import Among, CountTest, Exists, ListMatch
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Compare,
    Feature,
    FieldFeature,
    Operator,
    Predicate,
    Scaled,
    Test,
)
from segflow.model.project import KeyPath
from segflow.model.wording import phrase

_NEVER_MISSING = ("count", "count_distinct", "sum")
_OF_A_VALUE = ("avg", "min", "max")


class _Beside(NamedTuple):
    """What must hold together with a test: the features that must have a value, and the events
    some of which must have happened."""

    features: frozenset[Feature] = frozenset()
    events: frozenset[str] = frozenset()

    def under(self, items: tuple[Predicate, ...]) -> "_Beside":
        """With the items of a list that must hold together, too."""
        tests = [item for item in items if isinstance(item, Test)]
        asked = [test.feature for test in tests if any(map(_asks_for_value, test.operators))]
        did = (
            event
            for test in tests
            if isinstance(test.feature, Aggregate) and any(map(_is_lower, test.operators))
            for event in test.feature.events
        )
        return _Beside(self.features.union(asked), self.events.union(did))


class _Placed(NamedTuple):
    """A test that must hold, and what must hold together with it."""

    test: Test
    path: KeyPath
    beside: _Beside

    def did(self, aggregate: Aggregate) -> bool:
        """True where some of the events that an aggregate is of must have happened."""
        return not self.beside.events.isdisjoint(aggregate.events)


def missing(linted: Linted) -> None:
    """Warn of tests that hold, or do not, for users of whom one did not think."""
    for root in linted.roots:
        for placed in _placed(root.node, root.path, _Beside()):
            for number, operator in enumerate(placed.test.operators):
                others = placed.test.operators[:number] + placed.test.operators[number + 1 :]
                _operator(linted, root, placed, operator, others)


def _placed(node: Predicate, path: KeyPath, beside: _Beside) -> Iterator[_Placed]:
    """The tests that must hold for a member, each with what else must; what must not hold is
    passed over, since whoever writes `not` says who is meant."""
    match node:
        case Test():
            yield _Placed(node, path, beside)
        case All(items=items):
            together = beside.under(items)
            for number, item in enumerate(items):
                yield from _placed(item, (*path, "all", number), together)
        case AnyOf(items=items):
            for number, item in enumerate(items):
                yield from _placed(item, (*path, "any", number), beside)
        case _:
            pass


def _operator(
    linted: Linted, root: Root, placed: _Placed, operator: Operator, others: tuple[Operator, ...]
) -> None:
    feature = placed.test.feature
    aggregate = feature if isinstance(feature, Aggregate) else None
    if isinstance(feature, FieldFeature):
        aggregate = linted.derived(root.entity, feature)
    kind = "" if aggregate is None else aggregate.kind
    if kind not in _NEVER_MISSING and _holds_of_nothing(operator):
        if not any(_asks_for_value(one) for one in others) and not _is_there(placed):
            _tell_missing(linted, root, placed, operator)
    elif aggregate is None or not _is_upper(operator) or any(map(_is_lower, others)):
        return
    elif not placed.did(aggregate):
        _tell_bound(linted, root, placed, operator, kind)


def _tell_missing(linted: Linted, root: Root, placed: _Placed, operator: Operator) -> None:
    feature = placed.test.feature
    what = "who has no such value"
    head = "exists: true beside it leaves them out"
    if isinstance(feature, Aggregate):
        what = f"who has no {feature.events[0]}"
        head = f"{{did: {feature.events[0]}}} beside it leaves them out"
    summary = f"{{{phrase(placed.test)}}} also holds for {what}"
    path = (*placed.path, _key(operator))
    linted.warn(WITH_MISSING, root.address, path, summary, head, at_key=True)


def _tell_bound(linted: Linted, root: Root, placed: _Placed, operator: Operator, kind: str) -> None:
    feature = placed.test.feature
    aggregate = feature
    if isinstance(feature, FieldFeature):
        aggregate = linted.derived(root.entity, feature) or feature
    event = aggregate.events[0] if isinstance(aggregate, Aggregate) else ""
    path = (*placed.path, _key(operator))
    words = f"{{{phrase(placed.test)}}}"
    if kind in _NEVER_MISSING:
        summary = f"{words} also holds for who has no {event}, of whom it is 0"
        help = f"{{did: {event}}} beside it leaves them out"
        linted.warn(WITH_NOBODYS, root.address, path, summary, help, at_key=True)
    elif kind in _OF_A_VALUE:
        summary = f"{words} leaves out who has no {event}"
        help = f"say so with {{did: {event}}} beside it, or take them in with any and did_not"
        linted.warn(WITHOUT_NOBODYS, root.address, path, summary, help, at_key=True)


def _holds_of_nothing(operator: Operator) -> bool:
    match operator:
        case Compare(op="ne", right=right):
            return not isinstance(right, Scaled)
        case Among(negated=True) | ListMatch(op="has_none"):
            return True
        case _:
            return False


def _asks_for_value(operator: Operator) -> bool:
    match operator:
        case Exists():
            return True
        case _:
            return not _holds_of_nothing(operator)


def _is_upper(operator: Operator) -> bool:
    """True for an upper bound, but not for none at all, which nobody misreads."""
    match operator:
        case Compare(op="lt" | "lte", right=right):
            return not isinstance(right, Scaled)
        case CountTest(op="at_most", count=count):
            return count > 0
        case CountTest(op="fewer_than", count=count):
            return count > 1
        case _:
            return False


def _is_lower(operator: Operator) -> bool:
    found = atoms(operator, folded=False) or ()
    return any(atom.op in ("gt", "gte", "in") for atom in found)


def _is_there(placed: _Placed) -> bool:
    """True where something else asks for a value of the same feature, or for the event."""
    feature = placed.test.feature
    if feature in placed.beside.features:
        return True
    return isinstance(feature, Aggregate) and placed.did(feature)


def _key(operator: Operator) -> str:
    match operator:
        case Compare(op=op) | CountTest(op=op) | ListMatch(op=op):
            return op
        case _:
            return "not_in"
