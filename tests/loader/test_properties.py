"""Whatever a file holds, the loader returns a report, and every error lies inside of its file."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from segflow.diagnostics import Diagnostic, Report
from segflow.loader.codes import CODES
from segflow.loader.settings import load_settings
from tests.loader.projects import CASE_FILE, load, load_text, write
from tests.loader.texts import mutated, noise, swapped


def check(found: Diagnostic, path: str, text: str) -> None:
    """The finding is documented, and its span lies inside of the text."""
    assert found.code in CODES
    assert found.summary
    assert "\n" not in found.summary + (found.help or "")
    span = found.span
    assert span is not None
    assert span.path == path
    assert 1 <= span.line <= span.end_line
    assert 1 <= span.column <= len(span.text) + 1
    assert (span.end_line, span.end_column) > (span.line, span.column)
    assert span.text in text


def loaded(text: str) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        project, report = load_text(Path(folder), text)
    for loaded_object in project:
        assert project.sources.value(loaded_object.address) is not None
    return report


@given(text=noise)
def test_any_text(text):
    """Noise made of YAML and of words of the language."""
    for found in loaded(text):
        check(found, CASE_FILE, text)


@given(text=st.text(max_size=200))
def test_any_characters(text):
    """Any characters at all, those that no file can hold left out."""
    text = text.encode("utf-8", "ignore").decode()
    for found in loaded(text):
        check(found, CASE_FILE, text)


@given(text=mutated())
def test_a_right_text_with_wrong_places(text):
    """A document that was right, cut and pasted."""
    for found in loaded(text):
        check(found, CASE_FILE, text)


@given(text=swapped())
def test_a_right_text_with_other_words(text):
    """A document that was right, with keys and values exchanged for others."""
    for found in loaded(text):
        check(found, CASE_FILE, text)


@given(content=st.binary(max_size=100))
def test_any_bytes(content):
    """Bytes that are no text are told as such, once and with their place."""
    with tempfile.TemporaryDirectory() as folder:
        _, report = load(Path(folder), {CASE_FILE: content})
    text = content.decode("utf-8-sig", "replace")
    for found in report:
        check(found, CASE_FILE, text)
    is_text = "\ufffd" not in text
    assert is_text or [found.code for found in report] == ["YML007"] or "\ufffd".encode() in content


toml_tables = ["[project]", "[state]", "[environments.prod]", "[secrets]", "[paths]"]
toml_keys = ["name", "timezone", "url", "allow", "include"]
toml_values = ['"x"', '"UTC"', "[]", "{}", "5", "true", '"${X}"', '"../x"', '["a"]']
toml_signs = ["=", "[[", "]]", '"""', ".", "\n", "#"]
toml_words = st.sampled_from([*toml_tables, *toml_keys, *toml_values, *toml_signs])


@given(
    text=st.lists(toml_words | st.text(max_size=4), max_size=30).map(" ".join),
    environment=st.none() | st.sampled_from(["prod", "default", "x"]),
)
def test_any_settings(text, environment):
    """segflow.toml may hold anything; there are always settings, and a place for every error."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {"segflow.toml": text})
        found: list[Diagnostic] = []
        settings = load_settings(Path(folder), environment, found)
    assert settings.name
    assert settings.paths
    for fault in found:
        check(fault, "segflow.toml", text)
