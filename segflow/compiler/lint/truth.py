"""Conditions that nobody can satisfy, and such that everyone does."""

from collections.abc import Iterator
from typing import NamedTuple

from segflow.compiler.lint.bounds import Left, atoms, of_count, of_sum, opposite
from segflow.compiler.lint.codes import ALWAYS, NEVER
from segflow.compiler.lint.subjects import Linted, Root
from segflow.compiler.passes.walk import list_key
from segflow.model.operator import CountTest
from segflow.model.predicate import (
    Aggregate,
    All,
    AnyOf,
    Everyone,
    Feature,
    FieldFeature,
    NoneOf,
    Not,
    Predicate,
    Sample,
    Test,
)
from segflow.model.project import KeyPath
from segflow.model.window import Window, Within
from segflow.model.wording import phrase


class _Part(NamedTuple):
    """A condition that must hold, or must not, together with others."""

    node: Predicate
    path: KeyPath
    holds: bool


class _Clash(NamedTuple):
    """Parts that can't be together: the one where it shows, and the one it clashes with, or that
    part itself."""

    part: _Part
    other: _Part


def truth(linted: Linted) -> None:
    """Warn of contradictions, and of conditions that say nothing."""
    for root in linted.roots:
        told: set[KeyPath] = set()
        for node, path in _groups(root.node, root.path):
            _group(linted, root, node, path, told)


def _groups(node: Predicate, path: KeyPath) -> Iterator[tuple[Predicate, KeyPath]]:
    """The node and all below it that may be judged as one, the innermost first."""
    match node:
        case All(items=items) | AnyOf(items=items) | NoneOf(items=items):
            for number, item in enumerate(items):
                inner = (*path, list_key(node), number)
                if isinstance(node, All) and isinstance(item, All):
                    yield from _within(item, inner)
                else:
                    yield from _groups(item, inner)
            yield node, path
        case Not(item=Everyone()):
            yield node, path
        case Not(item=item):
            yield from _groups(item, (*path, "not"))
        case Test() | Sample():
            yield node, path
        case _:
            pass


def _within(node: All, path: KeyPath) -> Iterator[tuple[Predicate, KeyPath]]:
    """What is below a list that is judged together with the list it stands in."""
    for number, item in enumerate(node.items):
        inner = (*path, "all", number)
        yield from _within(item, inner) if isinstance(item, All) else _groups(item, inner)


def _group(linted: Linted, root: Root, node: Predicate, path: KeyPath, told: set[KeyPath]) -> None:
    if isinstance(node, AnyOf):
        clash, code = _clash(linted, root, _parts(node, path, holds=False)), ALWAYS
    else:
        clash, code = _clash(linted, root, _parts(node, path, holds=True)), NEVER
        if clash is None and not isinstance(node, All):
            clash, code = _empty(linted, root, node, path), ALWAYS
    if clash is None or clash.part.path in told or clash.other.path in told:
        return
    told |= {clash.part.path, clash.other.path}
    summary, help = _told(clash, node, code)
    linted.warn(code, root.address, clash.part.path, summary, help)


def _told(clash: _Clash, node: Predicate, code: str) -> tuple[str, str]:
    """What is wrong, and the fix."""
    # What is read as an item of any or none is asked as what must not hold.
    asked = not isinstance(node, AnyOf | NoneOf) and code == NEVER
    part, other = _words(clash.part, asked=asked), _words(clash.other, asked=asked)
    if clash.part == clash.other:
        if asked:
            return f"nobody satisfies {part}", "write what can be true, or remove it"
        return f"everyone satisfies {part}", "remove it, or write what tells users apart"
    if asked:
        return f"nobody satisfies {part} beside {other}", "change one of the two"
    return f"everyone satisfies {other} or {part}", "change one of the two"


def _words(part: _Part, *, asked: bool) -> str:
    return f"{{{phrase(part.node if part.holds == asked else Not(item=part.node))}}}"


def _empty(linted: Linted, root: Root, node: Predicate, path: KeyPath) -> _Clash | None:
    """A condition of its own that everyone satisfies: none of its tests can fail."""
    part = _Part(node, path, holds=False)
    if isinstance(node, Sample):
        return _Clash(part, part) if node.low == 0 and node.high == 100 else None
    if not isinstance(node, Test):
        return None
    for operator in node.operators:
        one = Test(
            feature=node.feature,
            operators=(operator,),
            ignore_case=node.ignore_case,
            user_zone=node.user_zone,
        )
        if _clash(linted, root, iter((_Part(one, path, holds=False),))) is None:
            return None
    return _Clash(part, part)


def _parts(node: Predicate, path: KeyPath, *, holds: bool) -> Iterator[_Part]:
    """What must hold together where the node holds, or where it does not."""
    match node, holds:
        case Not(item=item), _:
            yield from _parts(item, (*path, "not"), holds=not holds)
        case All(items=items), True:
            for number, item in enumerate(items):
                yield from _parts(item, (*path, "all", number), holds=True)
        case AnyOf(items=items), False:
            for number, item in enumerate(items):
                yield from _parts(item, (*path, "any", number), holds=False)
        case NoneOf(items=items), True:
            for number, item in enumerate(items):
                yield from _parts(item, (*path, "none", number), holds=False)
        case _:
            yield _Part(node, path, holds)


# --- what can't be together ------------------------------------------------------------------


def _clash(linted: Linted, root: Root, parts: Iterator[_Part]) -> _Clash | None:
    """The first part that can't hold together with those before it."""
    seen: dict[Predicate, _Part] = {}
    left: dict[object, tuple[Left, _Part]] = {}
    counts: dict[object, _Events] = {}
    for part in parts:
        other = seen.setdefault(part.node, part)
        if other.holds != part.holds:
            return _Clash(part, other)
        if isinstance(part.node, Everyone) and not part.holds:
            return _Clash(part, part)
        if isinstance(part.node, Test):
            clash = _narrowed(linted, root, part, part.node, left) or _absent(
                part, part.node, counts
            )
            if clash is not None:
                return clash
    return None


def _narrowed(
    linted: Linted,
    root: Root,
    part: _Part,
    test: Test,
    left: dict[object, tuple[Left, _Part]],
) -> _Clash | None:
    """The clash with an earlier test of the same feature, or within the test."""
    key = (test.feature, test.user_zone)
    if key not in left:
        left[key] = (_all_of(linted, root, test.feature), part)
    values, first = left[key]
    found = [atoms(operator, folded=test.ignore_case) for operator in test.operators]
    if not part.holds:
        known = found[0] if len(found) == 1 else None
        found = [None if known is None else opposite(known)]
    for some in found:
        for atom in some or ():
            if values.narrow(atom):
                return _Clash(part, first)
    return None


def _all_of(linted: Linted, root: Root, feature: Feature) -> Left:
    """What a feature's values can be at all."""
    aggregate = feature if isinstance(feature, Aggregate) else None
    if isinstance(feature, FieldFeature):
        aggregate = linted.derived(root.entity, feature)
    if aggregate is None:
        return Left()
    if aggregate.kind in ("count", "count_distinct"):
        return of_count()
    return of_sum() if aggregate.kind == "sum" else Left()


class _Events:
    """Of some events: the widest window without any, and the narrowest with one."""

    def __init__(self) -> None:
        self.without: tuple[float, _Part] | None = None
        self.with_one: tuple[float, _Part] | None = None


def _absent(part: _Part, test: Test, counts: dict[object, _Events]) -> _Clash | None:
    """The clash of events that did not happen with such that did in a part of that time."""
    feature = test.feature
    if not isinstance(feature, Aggregate) or feature.kind != "count":
        return None
    length = _length(feature.window)
    if length is None:
        return None
    some = counts.setdefault((feature.events, feature.where), _Events())
    never, once = _of_times(test, holds=part.holds)
    if never and (some.without is None or length > some.without[0]):
        some.without = (length, part)
    elif once and (some.with_one is None or length < some.with_one[0]):
        some.with_one = (length, part)
    if some.without is None or some.with_one is None or some.with_one[0] > some.without[0]:
        return None
    one = some.with_one[1]
    return _Clash(part, some.without[1] if one is part else one)


def _of_times(test: Test, *, holds: bool) -> tuple[bool, bool]:
    """Whether the number of events is surely 0, and whether it is surely 1 or more."""
    never, once = False, False
    for operator in test.operators:
        if isinstance(operator, CountTest):
            match operator.op:
                case "at_least":
                    once = once or operator.count >= 1
                case "more_than":
                    once = True
                case "exactly":
                    never, once = never or operator.count == 0, once or operator.count > 0
                case "at_most":
                    never = never or operator.count == 0
                case "fewer_than":
                    never = never or operator.count <= 1
    if holds:
        return never, once
    at_all = CountTest(op="at_least", count=1)
    return test.operators == (at_all,), never and len(test.operators) == 1


def _length(window: Window | None) -> float | None:
    """How far back a window reaches from T, in milliseconds; None where that is not known."""
    if window is None:
        return float("inf")
    return window.duration.milliseconds if isinstance(window, Within) else None
