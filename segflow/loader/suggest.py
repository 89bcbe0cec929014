"""Did you mean …: the nearest known name, or none where nothing is near."""

from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one. Short words must be nearer than long ones."""
    best: tuple[float, str] | None = None
    matcher = SequenceMatcher(b=word.lower())
    for candidate in known:
        matcher.set_seq1(candidate)
        ratio = matcher.ratio()
        if ratio >= _threshold(word, candidate) and (best is None or ratio > best[0]):
            best = (ratio, candidate)
    return best[1] if best else None


def _threshold(word: str, candidate: str) -> float:
    """About one wrong letter in four, at least one; ratio counts the letters that agree twice."""
    length = len(word) + len(candidate)
    wrong = max(1, round(max(len(word), len(candidate)) / 4))
    return (length - 2 * wrong) / length


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence of help: the nearest word, or all of them."""
    names = list(known)
    near = nearest(word, names)
    if near is not None:
        return f"did you mean `{near}`?"
    return "known here: " + ", ".join(names)
