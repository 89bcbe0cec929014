"""Where two JSON-like values differ. The only module that knows the library which compares, and
imported only when something differs: a plan without changes must not wait for it.
"""

from collections.abc import Container, Iterable, Mapping
from itertools import pairwise
from typing import Any

from deepdiff import DeepDiff
from deepdiff.helper import CannotCompare

from segflow.model.wording_text import Word, Words
from segflow.planner.paths import Pair, Tokens

_Ways = tuple[Tokens, Tokens]
"""The ways to one list in the old and in the new words."""

_UNORDERED = frozenset(
    ("all", "any", "none", "in", "not_in", "has_any", "has_all", "has_none", "did", "did_not")
    + ("environments", "windows")
)
"""Lists whose order says nothing."""

_PLACE = "\0place"
"""No key of any word."""


def compare(before: Words, after: Words) -> tuple[Pair, ...]:
    """Every difference, as small as it can be told; a list whose items changed places, where that
    counts, as a whole."""
    pairs: list[Pair] = []
    moves: dict[_Ways, dict[int, int]] = {}
    for kind, levels in DeepDiff(_marked(before), _marked(after), **_OPTIONS).items():
        for level in levels:
            old, new = _ways(level)
            if kind == "iterable_item_moved":
                moves.setdefault((old[:-1], new[:-1]), {})[_index(old)] = _index(new)
            elif kind.endswith("_added"):
                pairs.append((None, new))
            elif old[-1:] != (_PLACE,):
                pairs.append((old, None if kind.endswith("_removed") else new))
    reordered = [ways for ways, moved in moves.items() if _is_reordered(ways, moved, pairs)]
    lists = {new for _, new in reordered}
    return (*(pair for pair in pairs if not _is_below(pair, lists)), *reordered)


def _ways(level: Any) -> tuple[Tokens, Tokens]:
    """The ways to a level in the old and in the new words, read off its ancestors: the library's
    own paths mix both once an item of a list has moved."""
    old: list[str | int] = []
    new: list[str | int] = []
    step = level.all_up
    while step is not level:
        first, second = step.t1_child_rel, step.t2_child_rel
        old.append((first or second).param)
        new.append((second or first).param)
        step = step.down
    return tuple(old), tuple(new)


def _is_unordered(level: Any) -> bool:
    _, way = _ways(level)
    return bool(way) and way[-1] in _UNORDERED


def _is_same_item(first: Any, second: Any) -> bool:
    """Whether two items of a list are versions of one: at least half of their keys agree."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return bool(first == second)
    keys = (first.keys() | second.keys()) - {_PLACE}
    if len(keys) == 1:
        return first.keys() == second.keys()
    agreeing = sum(
        1 for key in keys if key in first and key in second and first[key] == second[key]
    )
    return 2 * agreeing >= max(len(first.keys() - {_PLACE}), len(second.keys() - {_PLACE}))


def _marked(word: Word, key: str | None = None) -> Any:
    """The word as plain JSON values. Mappings in ordered lists are given their places, since the
    library takes equal items of such a list for one."""
    match word:
        case dict():
            return {name: _marked(value, name) for name, value in word.items()}
        case list():
            ordered = key not in _UNORDERED
            return [
                _marked_item(item, place if ordered else None) for place, item in enumerate(word)
            ]
        case str():
            return str(word)
        case _:
            return word


def _marked_item(item: Word, place: int | None) -> Any:
    marked = _marked(item)
    return {**marked, _PLACE: place} if isinstance(marked, dict) and place is not None else marked


def _is_reordered(ways: _Ways, moved: Mapping[int, int], pairs: Iterable[Pair]) -> bool:
    """Whether items that stayed in a list stand in another order; those that only made room for
    others or took it do not."""
    places = dict(moved)
    gone = {_index(old) for old, new in pairs if old and new is None and old[:-1] == ways[0]}
    come = {_index(new) for old, new in pairs if new and old is None and new[:-1] == ways[1]}
    # Items that neither moved, went nor came stayed where they were.
    edge = max((*moved, *moved.values()), default=0)
    stayed = set(range(edge)) - gone - come - set(moved) - set(moved.values())
    places |= {at: at for at in stayed}
    ordered = [places[old] for old in sorted(places)]
    return any(second < first for first, second in pairwise(ordered))


def _index(way: Tokens) -> int:
    last = way[-1]
    return last if isinstance(last, int) else 0


def _is_below(pair: Pair, lists: Container[Tokens]) -> bool:
    place = pair[1] or pair[0] or ()
    return any(place[:length] in lists for length in range(len(place)))


def _pairs_up(first: Any, second: Any, level: Any = None) -> bool:
    # A level is given for ordered lists only; those of plain values are compared by place.
    if level is not None and not (isinstance(first, dict) and isinstance(second, dict)):
        raise CannotCompare
    return _is_same_item(first, second)


_OPTIONS: Mapping[str, Any] = {
    "view": "tree",
    "ignore_order_func": _is_unordered,
    "iterable_compare_func": _pairs_up,
    # Every item of an unordered list is compared with every other, however many differ.
    "cutoff_intersection_for_pairs": 1,
    "max_passes": 1_000_000,
}
