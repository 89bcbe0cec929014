"""How a plan reads: the summary first, verbs of what would be, nothing that stays."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model.address import Address
from segflow.model.plan import AttributeChange, Change, Impact, Plan
from segflow.planner.render import render_plan, text_of
from tests.planner.shops import FEWER, shops
from tests.planner.worlds import AS_OF, plan

NOTHING = Plan(
    id="",
    project="shop",
    environment="default",
    lineage=None,
    serial=0,
    as_of=AS_OF,
    with_impact=True,
    changes=(),
    unchanged=7,
    steps=(),
    bases=(),
)


def change(name: str, **others) -> Change:
    return Change(address=Address("segment", name), **({"action": "update"} | others))


def text(*changes: Change) -> str:
    return text_of(render_plan(replace(NOTHING, changes=changes)))


def attribute(before: str | None, after: str | None) -> str:
    """How one attribute reads."""
    found = text(change("s", attributes=(AttributeChange(path="p", before=before, after=after),)))
    return found.splitlines()[4].strip()


def test_no_changes_come_first_and_alone():
    """A plan without changes is one line."""
    assert text() == "No changes.\n"


@FEWER
@given(st.none() | shops(), shops())
def test_every_change_has_its_line_and_nothing_else_has(before, after):
    """Each changed object is headed once by its sign and address, in the order of the plan."""
    found = plan(before, after)
    signs = {"create": "+", "update": "~", "delete": "-", "recompute": "↻"}
    heads = [line for line in text_of(render_plan(found)).splitlines() if "  would be " in line]

    assert [head.split("  would be ")[0] for head in heads] == [
        f"  {signs[one.action]} {one.address}" for one in found.changes
    ]


def test_the_summary_counts():
    """Numbers have separators; recomputed objects are counted where there are some."""
    impact = Impact(size_now=5, size_after=2000, entered=1998, left=3)
    found = text(change("a", impact=impact), change("b", action="recompute"))

    assert found.splitlines()[0] == (
        "Plan: 0 to create, 1 to update, 0 to delete, 1 to recompute. "
        "1,998 would enter and 3 would leave."
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('"7d"', '"14d"', "p: 7d → 14d"),
        (None, '"growth"', "p: growth"),
        ("true", None, "p: true → (none)"),
        ("5", "5.00", "p: 5 → 5.00"),
        ('"5"', '"on"', 'p: "5" → "on"'),
        (None, '"2026-01-31T00:00:00Z"', "p: 2026-01-31T00:00:00Z"),
        (None, '{"did":"p","at_least":2}', "p: {did: p, at_least: 2}"),
        (None, '["US","a, b"]', 'p: [US, "a, b"]'),
        (None, f'"sha256:{"0123456789abcdef" * 4}"', "p: sha256:01234567"),
    ],
)
def test_attributes_read_like_yaml(before, after, expected):
    """Values are written as in the file; what was not there is not shown."""
    assert attribute(before, after) == expected


def below(before: object, after: object) -> list[str]:
    """The lines of one attribute, which must not be wider than a terminal."""
    values = [None if value is None else json.dumps(value) for value in (before, after)]
    change_of = AttributeChange(path="p", before=values[0], after=values[1])
    lines = text(change("s", attributes=(change_of,))).splitlines()[4:]
    assert all(len(line) <= 100 and line.startswith(" " * 6) for line in lines)
    return [line[6:] for line in lines]


LONG_TEXT = " ".join(["words"] * 30)
BOUGHT = {"did": "purchase", "within": "30d", "at_least": 3, "where": {"property": "amount"}}
SPENT = {"sum": "purchase.amount", "within": "365d", "gte": 100, "where": {"property": "sku"}}


def test_long_values_of_new_objects_are_shown_whole():
    """A list of conditions has a line for each; text and lists of values fill lines."""
    assert below(None, [BOUGHT, SPENT]) == [
        "p:",
        "  - {did: purchase, within: 30d, at_least: 3, where: {property: amount}}",
        "  - {sum: purchase.amount, within: 365d, gte: 100, where: {property: sku}}",
    ]
    head, *wrapped = below(None, LONG_TEXT)
    assert (head, " ".join(line.strip() for line in wrapped)) == ("p:", LONG_TEXT)
    head, *filled = below(None, list(range(100)))
    assert len(filled) == 5
    assert " ".join(line.strip() for line in filled) == str(list(range(100)))


def test_long_changes_show_both_sides_whole():
    """Where both do not fit into a line the old one stands above the new one."""
    assert below([BOUGHT], [SPENT]) == [
        "p:",
        "    - {did: purchase, within: 30d, at_least: 3, where: {property: amount}}",
        "  → - {sum: purchase.amount, within: 365d, gte: 100, where: {property: sku}}",
    ]
    assert below(LONG_TEXT, None)[-1] == "  → (none)"
    assert below(LONG_TEXT, "x")[-1] == "  → x"


def test_endless_values_end():
    """Of a value of hundreds of lines the first are shown, and the rest is counted."""
    lines = below(None, [{"segment": f"s{number}"} for number in range(1040)])
    assert (len(lines), lines[-1]) == (42, "  … 1,000 more lines")


def test_null_is_a_value():
    """What is null is told from what is absent."""
    assert attribute(None, "null") == "p: null"
    assert attribute("null", None) == "p: null → (none)"


def test_long_lines_go_on_below():
    """The names of what is reached, and of what forces it, are broken between names."""
    names = tuple(Address("segment", f"{'long_' * 5}{number}") for number in range(8))
    lines = text(change("s", action="recompute", because=names, reaches=names)).splitlines()
    assert all(len(line) <= 100 for line in lines[1:])
    assert "  ↻ segment.s  would be recomputed" in lines
    assert sum("segment.long_long_" in line for line in lines) > 5


def test_many_names_are_counted():
    """Of many objects that a change reaches the first are named."""
    reaches = tuple(Address("segment", f"s{number}") for number in range(12))

    assert "reaches segment.s0, " in text(change("s", reaches=reaches))
    assert "segment.s7 and 4 more\n" in text(change("s", reaches=reaches))


def test_pieces_make_up_lines():
    """Styles are apart from the text, and no piece holds an end of line."""
    before = AttributeChange(path="description", before='"a\\nb"', after=None)
    lines = render_plan(replace(NOTHING, changes=(change("s", attributes=(before,)),)))

    assert ("segment.s", "bold") in [(piece.text, piece.style) for line in lines for piece in line]
    assert not [piece for line in lines for piece in line if "\n" in piece.text]
    assert 'description: "a\\nb" → (none)' in text_of(lines)
