"""YAML as trees: what is kept of the text, and that both parsers give the same."""

import pytest
from yaml.loader import SafeLoader

from segflow.loader import yamlsource
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, SourceFile
from segflow.loader.yamlsource import MAX_DEPTH, documents
from tests.loader.projects import case, case_files, name_of


def plain(node: Node):
    """The tree with the text of its scalars and where they stand."""
    match node:
        case Scalar():
            ends = (node.start.line, node.start.column, node.end.line, node.end.column)
            return (node.text, node.quoted, ends)
        case ListNode():
            return [plain(item) for item in node.items]
        case MapNode():
            return {key: (plain(at), plain(value)) for key, (at, value) in node.entries.items()}


def read(text: str) -> tuple[list[Node], list[tuple]]:
    found: list = []
    roots = list(documents(SourceFile("a.yaml", text), found))
    return roots, [(fault.code, fault.span.line, fault.span.column) for fault in found]


@pytest.mark.parametrize("path", case_files(), ids=name_of)
def test_both_parsers_agree(path, monkeypatch):
    """Where libyaml is missing, the parser in Python gives the same trees and codes."""
    text = case(path)["text"]
    roots, faults = read(text)
    monkeypatch.setattr(yamlsource, "EventParser", SafeLoader)
    slow_roots, slow_faults = read(text)
    assert [plain(root) for root in slow_roots] == [plain(root) for root in roots]
    assert [fault[0] for fault in slow_faults] == [fault[0] for fault in faults]


@pytest.mark.parametrize(
    ("written", "text", "quoted"),
    [
        ("on", "on", False),
        ("022", "022", False),
        ("1_000", "1_000", False),
        ("'on'", "on", True),
        ('"a\\tb"', "a\tb", True),
        ("two words", "two words", False),
        ("|\n  a\n  b\n", "a\nb\n", True),
        (">-\n  a\n  b\n", "a b", True),
        ("~", "~", False),
        ("", "", False),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", False),
    ],
)
def test_scalars_keep_their_text(written, text, quoted):
    """No scalar is turned into anything but its text."""
    (root,), faults = read(f"key: {written}\n")
    assert faults == []
    value = root.entries["key"][1]
    assert (value.text, value.quoted) == (text, quoted)


def test_nesting_up_to_the_bound():
    """Lists may be as deep as the bound, and no deeper."""
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)[1] == []
    deeper = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
    assert read(deeper)[1] == [("YML005", 1, MAX_DEPTH + 1)]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_depth_that_would_end_the_process(opening):
    """A file that nests a hundred thousand times is one error, and quick."""
    roots, faults = read(opening * 100_000)
    assert roots == []
    assert [code for code, *_ in faults] == ["YML005"]


def test_an_anchor_may_not_hold_itself():
    """An alias inside of its own anchor has nothing to stand for yet."""
    roots, faults = read("a: &x [1, *x]\n")
    assert roots == []
    assert [code for code, *_ in faults] == ["YML001"]


def test_anchors_end_with_their_document():
    """A name of one document means nothing in the next."""
    roots, faults = read("a: &x 1\nb: *x\n---\nc: *x\n")
    assert len(roots) == 1
    assert [code for code, *_ in faults] == ["YML001"]


def test_an_alias_of_many_nodes_is_counted_as_often_as_it_stands():
    """What counts is the number of nodes after expansion, not that of aliases."""
    wide = "a: &x [" + "1, " * 998 + "1]\n"
    assert read(wide + "b: [" + "*x, " * 10 + "]\n")[1] == []
    assert [code for code, *_ in read(wide + "b: [" + "*x, " * 11 + "]\n")[1]] == ["YML006"]


def test_aliases_nest_no_deeper_than_text():
    """A chain of aliases, each inside of the next, is as deep as if it were written out."""
    link = "- &x{} {}*x{}{}\n"
    chain = [link.format(n + 1, "[" * 20, n, "]" * 20) for n in range(30)]
    roots, faults = read("- &x0 1\n" + "".join(chain))
    assert roots == []
    assert faults == [("YML005", 5, 27)]


def test_of_a_key_that_stands_twice_the_first_counts():
    """The document is read on with the first value."""
    (root,), faults = read("a: 1\na: 2\n")
    assert [code for code, *_ in faults] == ["YML002"]
    assert root.entries["a"][1].text == "1"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_lines_end_as_yaml_says(end):
    """Positions count every line end that YAML knows."""
    text = end.join(["a: 1", "b: 2", "c: ["])
    _, ((code, line, _),) = read(text)
    assert code == "YML001"
    assert line == 3


def test_columns_count_characters():
    """Text beyond ASCII, and beyond 16 bits, counts one column a character."""
    (root,), _ = read('a: {größe: "😀😀", b: 1}\n')
    inner = root.entries["a"][1]
    assert inner.entries["b"][0].start.column == 17
