"""The lists that in_file names: which keys are read, and what is said of other lines."""

import hashlib
import os

import pytest

from tests.loader.projects import codes, load

CATALOG = """\
entity: customer
key: {type: integer}
population: {source: w, table: customers, key: customer_id}
---
entity: account
key: {type: string}
population: {source: w, table: accounts, key: account_id}
---
relation: account
from: {entity: customer, column: account_id}
to: {entity: account}
"""
KEYS_ARE = "keys are whole numbers from 0 to 18446744073709551615: mend the line, or remove it"
VIPS = "segment: vips\nentity: customer\nwhere: {in_file: lists/vips.csv}\n"
ACCOUNTS = VIPS.replace("customer", "account")


def read(root, content, segments=VIPS):
    """Project and report with this list."""
    files = {"catalog/a.yaml": CATALOG, "segments/a.yaml": segments, "lists/vips.csv": content}
    return load(root, files)


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("1\n2\n3\n", ("1", "2", "3")),
        ("3\n1\n3\n", ("3", "1")),
        ("# the best\n\n 17 \n# and one more\n18", ("17", "18")),
        ("customer_id\n5\n", ("5",)),
        ('name,customer_id\nAda,5\n"Lovelace, A.",6\n', ("5", "6")),
        ("5,Ada\n6,Grace\n", ("5", "6")),
        ("\ufeff7\r\n8\r\n", ("7", "8")),
        ("18446744073709551615\n0\n", ("18446744073709551615", "0")),
    ],
)
def test_keys(tmp_path, content, keys):
    """The first column, or the one under the key's name; each key once, in file order."""
    project, report = read(tmp_path, content)
    assert codes(report) == []
    listed = project.lists["lists/vips.csv"]
    assert listed.keys == keys
    assert listed.content == content.encode()
    assert listed.digest == hashlib.sha256(content.encode()).hexdigest()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("abc", "`abc` is not a whole number"),
        ("-1", "`-1` is negative, and a key is not"),
        ("1.0", "`1.0` is not a whole number"),
        ("007", "`007` begins with 0, and a whole number does not"),
        ("18446744073709551616", "`18446744073709551616` is larger than a key of 64 bits can be"),
        ("9" * 5000, "is larger than a key of 64 bits can be"),
        ("²", "`²` is not a whole number"),
        (",Ada", "the line has no key"),
        ('5,"open', "not a line of CSV"),
    ],
)
def test_junk(tmp_path, line, reason):
    """A line that is no key makes the project invalid, and is told with its file and line."""
    project, report = read(tmp_path, f"1\n# comment\n{line}\n")
    (found,) = report
    assert found.code == "LST003"
    assert reason in found.summary
    assert found.span is not None
    assert (found.span.path, found.span.line) == ("lists/vips.csv", 3)
    assert line.startswith(found.span.text[:10])
    assert project.lists == {}


@pytest.mark.parametrize(
    ("line", "help"),
    [
        ("abc", KEYS_ARE),
        ("-1", KEYS_ARE),
        ("007", "write 7, if that is the customer_id"),
        (",Ada", "write its customer_id, or remove the line"),
        ('5,"open', "close the quote, or double a quote that is part of a value"),
    ],
)
def test_every_junk_line_has_its_fix(tmp_path, line, help):
    """What to do about a line says what a key is."""
    _, report = read(tmp_path, f"1\n{line}\n")
    assert [found.help for found in report] == [help]


@pytest.mark.parametrize("content", ["", "\n\n", "# nobody yet\n", "customer_id\n", "\ufeff"])
def test_a_list_without_keys_is_a_warning(tmp_path, content):
    """It may be meant, but a segment of nobody is more often a mistake."""
    project, report = read(tmp_path, content)
    (found,) = report
    assert (found.code, found.severity) == ("LST005", "warning")
    assert found.summary == "the list has no keys, so nobody is in it"
    assert found.span is not None
    assert (found.span.path, found.span.line) == ("lists/vips.csv", 1)
    assert project.lists["lists/vips.csv"].keys == ()


def test_a_foreign_header_is_junk_with_the_right_name(tmp_path):
    """A header that is not the key's name is told like any junk line, with the name wanted."""
    _, report = read(tmp_path, "id\n5\n")
    (found,) = report
    assert found.help is not None
    assert "customer_id" in found.help


def test_many_junk_lines_are_told_up_to_twenty(tmp_path):
    """Twenty lines are told one by one, the rest as a number."""
    _, report = read(tmp_path, "x\n" * 1000)
    told = list(report)
    assert len(told) == 21
    assert [found.span.line for found in told if found.span] == list(range(1, 22))
    assert "980 more lines" in told[-1].summary


def test_string_keys(tmp_path):
    """Where keys are strings, any text is one."""
    project, report = read(tmp_path, "a-1\n007\n", ACCOUNTS)
    assert codes(report) == []
    assert project.lists["lists/vips.csv"].keys == ("a-1", "007")


SPACES = "remove the spaces, or put the key into quotes if they are part of it"


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("a\nA\n\u00e9\ne\u0301\na\n", ("a", "A", "\u00e9", "e\u0301")),
        ('"a "\n" a"\n"  "\n""\n', ("a ", " a", "  ", "")),
        ('name,account_id\n"Ada, ""A""","a "\nBob,""\nC"c,c\n', ("a ", "", "c")),
        ('"#1"\n# no key\n"say ""hi"""\n"x,y"\n', ("#1", 'say "hi"', "x,y")),
        (' account_id ,name\na,Ada\n"b ",Bob\n', ("a", "b ")),
    ],
)
def test_a_text_is_the_key_that_it_is(tmp_path, content, keys):
    """Case and composition count, and in quotes so do spaces, commas and signs of comments."""
    project, report = read(tmp_path, content, ACCOUNTS)
    assert [found.summary for found in report] == []
    listed = project.lists["lists/vips.csv"]
    assert listed.keys == keys
    assert tuple(listed.typed()) == keys


@pytest.mark.parametrize(
    ("line", "reason", "help"),
    [
        ("a ", "`a` has spaces around it", SPACES),
        (" a,Ada", "`a` has spaces around it", SPACES),
        ('a\u3000,"a\u3000"', "`a` has spaces around it", SPACES),
        (" ,Ada", "the line has no key", "write its account_id, or remove the line"),
        (",b", "the line has no key", "write its account_id, or remove the line"),
        ('"a\nb"', "the key goes on in the next line", "write a key on one line"),
        ("a\0b", "`a\0b` has a zero byte, and a key has none", "remove the line"),
    ],
)
def test_a_text_that_nobody_sees_is_junk(tmp_path, line, reason, help):
    """What is not to be seen in a list is not taken for a key, nor left out of one."""
    project, report = read(tmp_path, f"x\n{line}\n", ACCOUNTS)
    assert [(found.code, found.summary, found.help) for found in report] == [
        ("LST003", reason, help)
    ]
    assert project.lists == {}


def test_a_list_behind_a_relation_has_the_keys_of_the_other_entity(tmp_path):
    """Inside of via and members the list is one of related keys."""
    segments = (
        "segment: s\nentity: customer\n"
        "where: {any: [{via: account, where: {not: {in_file: lists/vips.csv}}},\n"
        "  {members: account, where: {in_file: lists/vips.csv}}]}\n"
    )
    project, report = read(tmp_path, "a-1\n", segments)
    assert codes(report) == []
    assert project.lists["lists/vips.csv"].keys == ("a-1",)


def test_a_list_in_a_rule_has_the_keys_of_its_segment(tmp_path):
    """A rule's filter is about the users of its segment."""
    rule = (
        "rule: r\nsegment: everybody\nwhere: {in_file: lists/vips.csv}\n"
        "trigger: {every: 1d}\nsend: [{channel: c}]\n---\n"
        "segment: everybody\nentity: customer\nwhere: {everyone: true}\n"
    )
    _, report = read(tmp_path, "a-1\n", rule)
    assert codes(report) == ["LST003"]


def test_one_list_for_two_kinds_of_keys(tmp_path):
    """A list serves entities whose keys are alike only."""
    other = "---\nsegment: others\nentity: account\nwhere: {in_file: lists/vips.csv}\n"
    project, report = read(tmp_path, "1\n", VIPS + other)
    (found,) = report
    assert found.code == "LST004"
    assert found.address == "segment.others"
    assert project.lists == {}


def test_a_list_of_an_unknown_entity_is_not_judged(tmp_path):
    """Whose keys they are is unknown; that the entity is unknown is told elsewhere."""
    project, report = read(tmp_path, "junk\n", VIPS.replace("customer", "custmer"))
    assert codes(report) == []
    assert project.lists == {}


def test_a_missing_list_is_told_where_it_is_named(tmp_path):
    """Every place that names it is told."""
    other = "---\nsegment: b\nentity: customer\nwhere: {not: {in_file: lists/gone.csv}}\n"
    segments = VIPS.replace("vips.csv", "gone.csv") + other
    _, report = read(tmp_path, "1\n", segments)
    assert [(found.code, found.address) for found in report] == [
        ("LST001", "segment.vips"),
        ("LST001", "segment.b"),
    ]
    spans = [found.span for found in report]
    assert [(span.line, span.column) for span in spans if span] == [(3, 18), (7, 24)]


def test_a_folder_is_no_list(tmp_path):
    """It is said that it is a folder, where it is named."""
    _, report = read(tmp_path, "1\n", VIPS.replace("lists/vips.csv", "lists"))
    (found,) = report
    assert (found.code, found.summary) == ("LST001", "lists is a folder")
    assert found.help == "name a file in it"
    assert found.span is not None
    assert (found.span.path, found.span.line, found.span.column) == ("segments/a.yaml", 3, 18)


def test_a_list_that_links_out_of_the_project(tmp_path):
    """A link can't bring in a file from outside."""
    outside = tmp_path / "outside.csv"
    outside.write_text("1\n")
    load(tmp_path / "shop", {"lists/x": ""})
    os.symlink(outside, tmp_path / "shop" / "lists" / "vips.csv")
    files = {"catalog/a.yaml": CATALOG, "segments/a.yaml": VIPS}
    project, report = load(tmp_path / "shop", files)
    assert codes(report) == ["LST002"]
    assert project.lists == {}


def test_a_list_that_is_not_text(tmp_path):
    """Bytes that are no UTF-8 are told with their line."""
    _, report = read(tmp_path, b"1\n2\n\xff\n")
    (found,) = report
    assert found.code == "LST003"
    assert found.summary == "not UTF-8 text"
    assert found.span is not None
    assert found.span.line == 3


def test_a_list_is_read_once(tmp_path):
    """Two segments that name a list share it, and its faults are told once."""
    other = "---\nsegment: b\nentity: customer\nwhere: {in_file: ./lists/vips.csv}\n"
    _, report = read(tmp_path, "junk\n", VIPS + other)
    assert codes(report) == ["LST003"]
