"""Did you mean …: the nearest known name, or none where nothing is near."""

from collections.abc import Iterable
from difflib import SequenceMatcher

MOST_LISTED = 16


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, of which about one letter in four may be wrong."""
    best: tuple[float, str] | None = None
    matcher = SequenceMatcher(b=word.lower())
    for candidate in known:
        matcher.set_seq1(candidate.lower())
        ratio = matcher.ratio()
        longer = max(len(word), len(candidate))
        wrong = longer - ratio * (len(word) + len(candidate)) / 2
        if wrong <= max(1, round(longer / 4)) and (best is None or ratio > best[0]):
            best = (ratio, candidate)
    return best[1] if best else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A sentence of help with the nearest word, if any is near."""
    near = nearest(word, known)
    return None if near is None else f"did you mean `{near}`?"


def did_you_mean_or_list(word: str, known: Iterable[str]) -> str:
    """A sentence of help: the nearest word, or all of them, or the first of many."""
    names = list(known)
    return did_you_mean(word, names) or listed(names)


def listed(known: Iterable[str]) -> str:
    """A sentence of help with all words, or the first of many."""
    names = list(known)
    shown = ", ".join(names[:MOST_LISTED]) + (", …" if len(names) > MOST_LISTED else "")
    return f"known here: {shown}"
