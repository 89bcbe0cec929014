"""What differs between two versions of an object, by attribute, in the words of the YAML."""

from collections.abc import Iterator
from typing import Any

from segflow.model.plan import AttributeChange
from segflow.model.wording_text import Word, Words, flow
from segflow.planner.paths import Pair, Tokens, json_text, path_text

Changes = tuple[AttributeChange, ...]

_LONG = 90


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
    found: dict[Tokens, Pair] = {}
    for old, new in _pairs(before, after):
        # What went and what came in the same place are told as one change.
        place = (old if new is None else new) or ()
        gone, come = found.get(place, (None, None))
        found[place] = (gone if old is None else old, come if new is None else new)
    return tuple(
        _change(place, found[place], shown_before, shown_after)
        for place in sorted(found, key=_sort_key)
    )


def replaced(before: Words, after: Words, shown_before: Words, shown_after: Words) -> Changes:
    """The first keys whose values are written differently, each as a whole: for what differs in
    nothing but an order that says nothing."""
    keys = [key for key in after if json_text(before.get(key)) != json_text(after[key])]
    return tuple(_change((key,), ((key,), (key,)), shown_before, shown_after) for key in keys)


def _pairs(before: Words, after: Words) -> Iterator[Pair]:
    """Where the words differ: first keys that went or came, and what is other below the rest."""
    yield from (((key,), None) for key in before if key not in after)
    yield from ((None, (key,)) for key in after if key not in before)
    both = [key for key in before if key in after]
    if kept := [key for key in both if json_text(before[key]) != json_text(after[key])]:
        from segflow.planner.comparison import compare  # slow to import, seldom needed

        yield from compare({key: before[key] for key in kept}, {key: after[key] for key in kept})


def _change(place: Tokens, pair: Pair, shown_before: Words, shown_after: Words) -> AttributeChange:
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
