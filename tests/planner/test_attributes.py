"""Attribute differences: complete, minimal where it can be, in the words of the YAML."""

import json

import pytest
from hypothesis import given

from segflow.model.wording import to_words
from segflow.model.wording_text import Plain
from segflow.planner.attributes import declared, differences
from segflow.planner.paths import json_text, path_text
from tests.model.strategies import objects, of_one_kind, variations

UNORDERED = {"all", "any", "none", "in", "not_in", "has_any", "has_all", "has_none"}
UNORDERED |= {"did", "did_not", "environments", "windows"}


def told(before, after):
    """The differences of two values of `where`, as short lines."""
    first, second = {"segment": "s", "where": before}, {"segment": "s", "where": after}
    return [
        f"{one.path.removeprefix('where')}: {one.before} > {one.after}"
        for one in differences(first, second, first, second)
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"did": "p", "within": "7d"}, {"did": "p", "within": "14d"}, ['.within: "7d" > "14d"']),
        ({"did": "p"}, {"did": "p", "within": "7d"}, ['.within: None > "7d"']),
        ({"did": "p", "within": "7d"}, {"did": "p"}, ['.within: "7d" > None']),
        ({"did": "p"}, {"not": {"did": "p"}}, [': {"did":"p"} > {"not":{"did":"p"}}']),
        ({"field": "c", "in": ["a", "b"]}, {"field": "c", "in": ["b", "a"]}, []),
        (
            {"field": "c", "in": ["a", "b"]},
            {"field": "c", "in": ["b", "d"]},
            ['.in[0]: "a" > None', '.in[1]: None > "d"'],
        ),
        (
            {"field": "c", "between": ["1", "2"]},
            {"field": "c", "between": ["2", "2"]},
            ['.between[0]: "1" > "2"'],
        ),
        (
            {"sequence": [{"did": "a"}]},
            {"sequence": [{"did": "a"}, {"did_not": "b"}, {"did": "a"}]},
            ['.sequence[1]: None > {"did_not":"b"}', '.sequence[2]: None > {"did":"a"}'],
        ),
        (
            {"all": [{"did": "a"}, {"did": "b"}]},
            {"all": [{"did": "b"}, {"did": "a"}]},
            [],
        ),
        (
            {"sequence": [{"did": "a"}, {"did": "b"}]},
            {"sequence": [{"did": "b"}, {"did": "a"}]},
            ['.sequence[0].did: "a" > "b"', '.sequence[1].did: "b" > "a"'],
        ),
    ],
)
def test_differences(before, after, expected):
    """An edit is told at the attribute that differs; lists of boolean algebra and of values have no
    order, all others have."""
    assert told(before, after) == expected


def test_a_new_item_does_not_disturb_the_others():
    """An item put in front of a list is told alone, although all others have moved."""
    send = [{"channel": "a", "offer": "x"}, {"channel": "b", "template": "t"}]

    assert told({"send": send}, {"send": [{"channel": "c"}, *send]}) == [
        '.send[0]: None > {"channel":"c"}'
    ]
    assert told({"send": [{"channel": "c"}, *send]}, {"send": send}) == [
        '.send[0]: {"channel":"c"} > None'
    ]


def test_a_reordered_list_is_told_as_a_whole():
    """Where the order counts and items changed places, the list is shown before and after."""
    send = [{"channel": "a", "offer": "x"}, {"channel": "b", "template": "t"}]

    assert told({"send": send}, {"send": send[::-1]}) == [
        f".send: {json_text(send)} > {json_text(send[::-1])}"
    ]


def plain(word, key=None):
    """The words without what says nothing: types of text, and the order of unordered lists."""
    match word:
        case dict():
            return {name: plain(value, name) for name, value in word.items()}
        case list():
            items = [plain(item) for item in word]
            if key in UNORDERED:
                return sorted({json.dumps(item, sort_keys=True): item for item in items})
            return items
        case str():
            return str(word)
    return word


@given(of_one_kind)
def test_every_difference_is_told(pair):
    """Two objects have differences exactly where their words differ in more than an order that
    says nothing, and each difference has a path of its own and two different sides."""
    first, second = pair
    for other in (second, *variations(first, second)):
        before, after = to_words(first), to_words(other)
        found = differences(before, after, before, after)

        assert bool(found) == (plain(before) != plain(after))
        assert len({change.path for change in found}) == len(found)
        assert all(change.before != change.after for change in found)


@given(objects)
def test_the_sides_of_a_difference_are_json(thing):
    """What a new object declares is JSON and tells all of it but its name."""
    words = to_words(thing)
    found = declared(words)

    assert all(change.before is None for change in found)
    assert {change.path.partition(".")[0].partition("[")[0] for change in found} == {
        path_text((key,)).partition("[")[0] for key in list(words)[1:]
    }
    assert all(json.loads(change.after) is not None for change in found)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ((), ""),
        (("where", "all", 0, "within"), "where.all[0].within"),
        (("tables", "my table"), 'tables["my table"]'),
        (("lists", "lists/vips.csv"), 'lists["lists/vips.csv"]'),
        (("at", "when", 'a"b'), 'at.when["a\\"b"]'),
    ],
)
def test_paths_are_written_as_people_write_them(way, expected):
    """Dots between names, brackets around places in lists and around odd keys."""
    assert path_text(way) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (Plain("100.50"), "100.50"),
        (Plain("true"), "true"),
        (Plain("0123"), '"0123"'),
        (Plain("2026-01-01"), '"2026-01-01"'),
        ("100.50", '"100.50"'),
        ({"b": [1, None, True], "a": "é"}, '{"b":[1,null,true],"a":"é"}'),
    ],
)
def test_json_keeps_digits_as_written(word, expected):
    """Numbers without quotes are JSON numbers with the very digits; all other text is text."""
    assert json_text(word) == expected
