"""Facts about the grammar as a whole."""

import re
from pathlib import Path

import pytest

from segflow.loader.codes import CODES
from segflow.loader.kinds import REFUSED, SHAPES
from segflow.loader.predicate import HEADS, INSTEAD
from segflow.loader.records import Record
from segflow.model.address import KINDS
from segflow.model.predicate import Predicate
from tests.loader.grammar import modifiers, walk
from tests.loader.projects import case, case_files

LOADER = Path(__file__).parents[2] / "segflow" / "loader"
WINDOWS = {"within", "ago", "since", "until", "calendar"}


def valid_texts() -> str:
    return "\n".join(told["text"] for path in case_files() if "errors" not in (told := case(path)))


def test_no_head_is_a_modifier():
    """A head key is never a modifier of another leaf, so a mapping can't be read two ways."""
    clashes = {
        (head, other) for head in HEADS for other, keys in modifiers().items() if head in keys
    }
    assert clashes == set()


def test_every_kind_is_read_or_refused():
    """A kind of the language is either read or refused by name."""
    assert set(SHAPES) | set(REFUSED) == set(KINDS)
    assert set(SHAPES) & set(REFUSED) == set()


def test_every_head_has_a_valid_case():
    """Each head of a predicate stands in a valid case; count stands as a feature."""
    text = valid_texts()
    assert [head for head in HEADS if not re.search(rf"\b{head}:", text)] == []


def test_every_key_has_a_valid_case():
    """Each key of each mapping of the grammar stands in a valid case."""
    text = valid_texts()
    keys = {
        key
        for reader in SHAPES.values()
        for shape in walk(reader, set())
        if isinstance(shape, Record)
        for key in shape.keys
    }
    assert len(keys) > 150
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}:", text)] == []


def test_every_predicate_of_the_model_is_made_by_a_case():
    """No predicate of the model is beyond the grammar."""
    made = {
        name
        for path in case_files()
        for name in re.findall(r"\$: ([A-Za-z]+)", path.read_text(encoding="utf-8"))
    }
    assert {part.__name__ for part in Predicate.__args__} - made == set()


@pytest.mark.parametrize("head", ["did", "did_not", "sum", "first_time", "last_time", "sequence"])
def test_event_forms_have_every_window(head):
    """What looks at events takes all forms of windows."""
    assert modifiers()[head] >= WINDOWS


def test_windows_are_not_tests():
    """A word that tests an instant never chooses events, and the other way round."""
    tests = {"before", "after", "in_last", "older_than", "in_next", "ahead", "anniversary"}
    for head in ("did", "did_not", "count_distinct"):
        assert modifiers()[head] & tests == set()
    assert modifiers()["field"] & {"within", "ago"} == set()


def test_words_from_elsewhere_are_no_words_of_ours():
    """Advice on foreign words is only given for words that are foreign."""
    assert set(INSTEAD) & set(HEADS) == set()


def test_codes_are_documented():
    """Every code that the loader gives has its title, and every title is given."""
    given = {
        code
        for file in LOADER.glob("*.py")
        if file.name != "codes.py"
        for code in re.findall(r'"([A-Z]{3}[0-9]{3})"', file.read_text(encoding="utf-8"))
    }
    assert given == set(CODES)
