"""The guide is true: every command in it prints what the page shows."""

import io
import sys

import pytest

from tests.docs.pages import blocks as blocks_of
from tests.docs.pages import matches, pages
from tests.docs.story import Reader


@pytest.mark.parametrize("page", pages("guide"), ids=lambda page: page.stem)
def test_the_commands_of_a_page_print_what_it_shows(page, tmp_path, monkeypatch):
    """Followed from top to bottom, each page's commands give its output; … stands for anything."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    reader = Reader(tmp_path)
    told = [
        (f"{block} $ {command.words}", command.shown, said)
        for block in blocks_of(page)
        for command, said in reader.follow(block)
    ]
    assert told
    for place, shown, said in told:
        assert matches(shown, said), f"{place}\n--- the page shows\n{shown}\n--- it prints\n{said}"


@pytest.mark.parametrize(
    ("shown", "said", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("…\nd", "a\nd", True),
        ("plan … was", "plan 12ab was", True),
        ("plan … was", "plan 12\nab was", False),
        ("a\nb", "a\nb\nc", False),
        ("a.c", "abc", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_shown_output_is_compared_whole(shown, said, same):
    """A line of … is any lines, … in a line any text; everything else is literal."""
    assert matches(shown, said) is same
