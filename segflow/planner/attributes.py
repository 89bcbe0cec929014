"""What differs between two versions of an object, by attribute, in the words of the YAML."""

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from segflow.model.plan import AttributeChange
from segflow.model.wording_text import Plain, Word, Words, flow

Changes = tuple[AttributeChange, ...]

Tokens = tuple[str | int, ...]
"""A way into words: keys of mappings and positions in lists."""

_LONG = 90

_UNORDERED = frozenset(
    ("all", "any", "none", "in", "not_in", "has_any", "has_all", "has_none", "did", "did_not")
    + ("environments", "windows")
)
"""Lists whose order says nothing."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z")


def declared(words: Words) -> Changes:
    """Every attribute of a new object, long mappings key by key; its first key, which names it, is
    not repeated."""
    return tuple(
        AttributeChange(path=path_text(way), before=None, after=json_text(value))
        for key, word in list(words.items())[1:]
        for way, value in _spread((key,), word)
    )


def _spread(way: Tokens, word: Word) -> Iterator[tuple[Tokens, Word]]:
    if isinstance(word, dict) and len(flow(word)) > _LONG:
        for key, value in word.items():
            yield from _spread((*way, key), value)
    else:
        yield way, word


def differences(before: Words, after: Words, shown_before: Words, shown_after: Words) -> Changes:
    """The attributes that differ, in the order of their paths; empty where both say the same.

    The shown words have the shape of the real ones and hold what may be shown of them. A path is
    that of the new words; of what is gone, that of the old ones.
    """
    compared = _compare(json.loads(json_text(before)), json.loads(json_text(after)))
    found: dict[Tokens, _Pair] = {}
    for old, new in compared:
        # What went and what came in the same place are told as one change.
        place = (old if new is None else new) or ()
        gone, come = found.get(place, (None, None))
        found[place] = (old or gone, new or come)
    return tuple(
        _change(place, found[place], shown_before, shown_after)
        for place in sorted(found, key=_sort_key)
    )


def replaced(before: Words, after: Words, shown_before: Words, shown_after: Words) -> Changes:
    """The first keys whose values are written differently, each as a whole: for what differs in
    nothing but an order that says nothing."""
    keys = [key for key in after if json_text(before.get(key)) != json_text(after[key])]
    return tuple(_change((key,), ((key,), (key,)), shown_before, shown_after) for key in keys)


def path_text(tokens: Tokens) -> str:
    """A path as a person writes it: where.all[0].within."""
    text = ""
    for token in tokens:
        if isinstance(token, str) and _KEY.match(token):
            text += f".{token}" if text else token
        else:
            text += f"[{json.dumps(token, ensure_ascii=False)}]"
    return text


def json_text(word: Word) -> str:
    """JSON text in the order of the words; plain digits are numbers, exactly as written."""
    match word:
        case Plain() if _NUMBER.match(word) or word in ("true", "false"):
            return str(word)
        case dict():
            items = (f"{json_text(str(key))}:{json_text(value)}" for key, value in word.items())
            return f"{{{','.join(items)}}}"
        case list():
            return f"[{','.join(json_text(item) for item in word)}]"
        case _:
            return json.dumps(word, ensure_ascii=False)


# --- comparing -------------------------------------------------------------------------------

_Pair = tuple[Tokens | None, Tokens | None]
"""One difference: the way to it in the old and in the new words; None where it is not there."""

_Ways = tuple[Tokens, Tokens]
"""The ways to one list in the old and in the new words."""


def _compare(before: Any, after: Any) -> tuple[_Pair, ...]:
    # Imported when something differs: a plan without changes must not wait for it.
    from deepdiff import DeepDiff

    tree = DeepDiff(
        before,
        after,
        view="tree",
        ignore_order_func=lambda level: _is_unordered(level),
        iterable_compare_func=lambda first, second, _level=None: _is_same_item(first, second),
        # Every item of an unordered list is compared with every other, however many differ.
        cutoff_intersection_for_pairs=1,
        max_passes=1_000_000,
    )
    pairs: list[_Pair] = []
    moves: dict[_Ways, dict[int, int]] = {}
    for kind, levels in tree.items():
        for level in levels:
            old, new = _ways(level)
            if kind == "iterable_item_moved":
                moves.setdefault((old[:-1], new[:-1]), {})[_index(old)] = _index(new)
            elif kind.endswith("_added"):
                pairs.append((None, new))
            else:
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
    agreeing = sum(1 for key in first if key in second and first[key] == second[key])
    return 2 * agreeing >= max(len(first), len(second)) or (
        first.keys() == second.keys() and len(first) == 1
    )


def _is_reordered(ways: _Ways, moved: Mapping[int, int], pairs: Iterable[_Pair]) -> bool:
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


def _is_below(pair: _Pair, lists: Container[Tokens]) -> bool:
    place = pair[1] or pair[0] or ()
    return any(place[:length] in lists for length in range(len(place)))


# --- showing ---------------------------------------------------------------------------------


def _change(place: Tokens, pair: _Pair, shown_before: Words, shown_after: Words) -> AttributeChange:
    old, new = pair
    return AttributeChange(
        path=path_text(place),
        before=None if old is None else json_text(_at(shown_before, old)),
        after=None if new is None else json_text(_at(shown_after, new)),
    )


def _at(words: Word, way: Tokens) -> Word:
    found: Any = words
    for token in way:
        found = found[token]
    word: Word = found
    return word


def _sort_key(way: Tokens) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, token, "") if isinstance(token, int) else (1, 0, token) for token in way)
