"""The source map: every key and value of every object is found where it was written."""

from pathlib import Path

import pytest

from segflow.model.address import Address
from tests.loader.projects import case, case_files, load_case, load_text, name_of

VALID = [path for path in case_files() if "errors" not in case(path)]
SEGMENT = """\
# a comment
segment: s
entity: customer
where:
  all:
    - {did: purchase, within: 7d}
    - field: country
      in: [US, "CN"]
description: >
  Two
  lines
"""
ADDRESS = Address("segment", "s")


def text_at(text: str, span) -> str:
    """What stands in the text where the span says."""
    lines = text.split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("segment",), "segment", "s"),
        (("where", "all", 0, "did"), "did", "purchase"),
        (("where", "all", 0, "within"), "within", "7d"),
        (("where", "all", 1, "in"), "in", '[US, "CN"]'),
        (("where", "all", 1), None, 'field: country\n      in: [US, "CN"]'),
        (("where", "all", 0), None, "{did: purchase, within: 7d}"),
        (("where", "all", 1, "in", 1), None, '"CN"'),
    ],
)
def test_places_of_keys_and_values(tmp_path, path, key, value):
    """Key paths lead to the span of the key and to that of the whole value."""
    project, _ = load_text(tmp_path, SEGMENT)
    span = project.sources.values[(ADDRESS, path)]
    assert text_at(SEGMENT, span) == value
    assert span.path == "catalog/case.yaml"
    assert span.text == SEGMENT.split("\n")[span.line - 1]
    if key is not None:
        assert text_at(SEGMENT, project.sources.keys[(ADDRESS, path)]) == key
    else:
        assert project.sources.keys.get((ADDRESS, path)) is None


def test_the_nearest_place_stands_in(tmp_path):
    """A path that was not written has the place of what is around it."""
    project, _ = load_text(tmp_path, SEGMENT)
    written = project.sources.values[(ADDRESS, ("where", "all", 0))]
    assert project.sources.value(ADDRESS, ("where", "all", 0, "timezone", "x")) == written
    assert project.sources.key(ADDRESS, ("where", "all", 0, "timezone")) == written
    assert (
        project.sources.value(ADDRESS, ("where", "all", 7))
        == project.sources.values[(ADDRESS, ("where", "all"))]
    )


def test_unknown_objects_have_no_place(tmp_path):
    """An address that no file declares has no span."""
    project, _ = load_text(tmp_path, SEGMENT)
    assert project.sources.value(Address("segment", "t")) is None
    assert project.sources.key(Address("entity", "s"), ("key",)) is None


def test_the_second_document_of_a_file(tmp_path):
    """Objects are found in their own document."""
    other = "\n---\n# here\nsegment: t\nentity: customer\nwhere: {did: refund}\n"
    project, _ = load_text(tmp_path, SEGMENT + other)
    span = project.sources.values[(Address("segment", "t"), ("where", "did"))]
    assert text_at(SEGMENT + other, span) == "refund"


@pytest.mark.parametrize("path", VALID, ids=name_of)
def test_every_place_of_every_case(path: Path, tmp_path: Path):
    """Each place lies inside of the file, and each key's place holds the key."""
    told = case(path)
    project, _ = load_case(tmp_path, told)
    lines = told["text"].split("\n")
    places = list(project.sources.values.items())
    assert len(places) > 2
    for _, span in places:
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert span.text == lines[span.line - 1]
        assert 1 <= span.column <= len(span.text) + 1
        assert (span.end_line, span.end_column) > (span.line, span.column)
    keys = list(project.sources.keys.items())
    assert 2 <= len(keys) < len(places)
    for (_, key_path), span in keys:
        assert text_at(told["text"], span).strip("\"'") == key_path[-1]
