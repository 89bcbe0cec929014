"""Templates of rules and files of codes: what is read of them, and what is said of their faults."""

import hashlib

import pytest

from tests.loader.projects import codes, load

RULE = """\
rule: r
segment: s
trigger: {every: 1d}
send: [{channel: c, template: a.j2}]
"""
OFFER = "offer: o\ncodes: {file: codes/o.txt}\n"


def test_a_template_is_kept_as_it_is(tmp_path):
    """Its bytes and their digest, under its path in the folder of templates."""
    project, report = load(tmp_path, {"rules/a.yaml": RULE, "templates/a.j2": "Hi {{ user.x }}\n"})
    assert codes(report) == []
    file = project.files["templates/a.j2"]
    assert file.text == "Hi {{ user.x }}\n"
    assert file.digest == hashlib.sha256(file.content).hexdigest()
    assert file.codes == ()


def test_codes_are_lines(tmp_path):
    """In file order, without the spaces and line ends around them."""
    files = {"catalog/a.yaml": OFFER, "codes/o.txt": "\ufeffB-1\r\n A-1 \r\n"}
    project, report = load(tmp_path, files)
    assert codes(report) == []
    assert project.files["codes/o.txt"].codes == ("B-1", "A-1")


@pytest.mark.parametrize(
    ("content", "line", "summary"),
    [
        ("", 1, "the file has no codes"),
        ("A\n\nB\n", 2, "the line has no code"),
        ("A\nB\nA\n", 3, "the code stands in line 1 already"),
        ("A\nB\x07\n", 2, "a code has characters that can't be shown"),
        ("A" * 256, 1, "a code is longer than 255 characters"),
    ],
)
def test_what_is_no_code_is_told_at_its_line(tmp_path, content, line, summary):
    """A file with a line at fault is not taken at all; its codes are not shown."""
    project, report = load(tmp_path, {"catalog/a.yaml": OFFER, "codes/o.txt": content})
    (found,) = report
    assert found.span is not None
    told = (found.code, found.span.path, found.span.line, found.summary)
    assert told == ("FIL004", "codes/o.txt", line, summary)
    assert found.span.text == ""
    assert project.files == {}


def test_many_faults_are_told_up_to_twenty(tmp_path):
    """And how many more there are."""
    _, report = load(tmp_path, {"catalog/a.yaml": OFFER, "codes/o.txt": "A\n" * 30})
    assert len(report) == 21
    assert report.errors[-1].summary == "9 more lines are at fault, the first of them here"


def test_a_missing_file_is_told_where_it_is_named(tmp_path):
    """At the value in the YAML."""
    _, report = load(tmp_path, {"catalog/a.yaml": OFFER, "rules/a.yaml": RULE})
    told = [(one.code, one.span and (one.span.path, one.span.line)) for one in report]
    assert told == [("FIL001", ("catalog/a.yaml", 2)), ("FIL001", ("rules/a.yaml", 4))]


def test_a_template_that_links_out_of_the_project(tmp_path):
    """Nothing outside of the project is read."""
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    root = tmp_path / "project"
    (root / "templates").mkdir(parents=True)
    (root / "templates" / "a.j2").symlink_to(outside)
    project, report = load(root, {"rules/a.yaml": RULE})
    assert codes(report) == ["FIL002"]
    assert project.files == {}


def test_a_template_that_is_not_text(tmp_path):
    """It is told at the line of the first such byte."""
    _, report = load(tmp_path, {"rules/a.yaml": RULE, "templates/a.j2": b"Hi\n\xff"})
    (found,) = report
    assert found.span is not None
    assert (found.code, found.span.line) == ("FIL003", 2)
