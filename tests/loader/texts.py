"""Hypothesis strategies for the texts of YAML files: noise, and cases with something changed."""

from hypothesis import strategies as st

from segflow.loader.kinds import SHAPES
from segflow.loader.predicate import HEADS
from tests.loader.grammar import modifiers
from tests.loader.projects import case, case_files

TEXTS = tuple(case(path)["text"] for path in case_files())
WORDS = sorted(
    {*HEADS, *SHAPES, *(key for keys in modifiers().values() for key in keys)}
    | {"entity", "null", "true", "7d", "10%", "2026-01-01", "purchase", "purchase.amount", "user"}
    | {"${X}", "<<", "5", "1.5", "[]", "{}", "0%", "-1", "30m", "'5'", "x_1", "X y"}
)
YAML = [*"{}[]:,-#&*!|>'\"%@`?\n\t ", ": ", "- ", "\n  ", "---\n", "...\n", "\u2028", "\x00", "😀"]

fragments = st.sampled_from(WORDS) | st.sampled_from(YAML) | st.text(max_size=5)
noise = st.lists(fragments, max_size=40).map("".join)


@st.composite
def mutated(draw) -> str:
    """A text of the cases, in a few places of which something else stands."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(fragments) + text[end:]
    return text


@st.composite
def swapped(draw) -> str:
    """A text of the cases with some words exchanged for other words of the language."""
    parts = draw(st.sampled_from(TEXTS)).split(" ")
    for _ in range(draw(st.integers(1, 4))):
        index = draw(st.integers(0, len(parts) - 1))
        bare = parts[index].strip("{}[]:,\n")
        parts[index] = parts[index].replace(bare, draw(st.sampled_from(WORDS)), 1)
    return " ".join(parts)
