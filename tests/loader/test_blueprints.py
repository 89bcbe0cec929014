"""What blueprints make: one object for each of their values, with the places of their text."""

import pytest

from segflow.compiler.pipeline import compile_project
from segflow.loader import blueprint
from segflow.model.address import Address
from tests.loader.projects import CASE_FILE, at, codes, load, load_text

LAPSED = """\
blueprint: lapsed_{days}d
parameters: {days: {type: integer, min: 1}}
for_each:
- {days: 7}
- {days: 30}
object:
  segment: lapsed_{days}d
  entity: customer
  where: {did_not: purchase, within: {param: days, unit: d}}
"""
OTHER = """\
segment: other
entity: customer
where: {segment: lapsed_7d}
"""


def test_ten_thousand_objects_are_made(tmp_path):
    """A blueprint makes as many objects as a project may need."""
    rows = "".join(f"- {{days: {days}}}\n" for days in range(1, 10_001))
    project, report = load_text(tmp_path, LAPSED.replace("- {days: 7}\n- {days: 30}\n", rows))
    assert codes(report) == []
    assert len(project.objects) == 10_000


def test_too_many_objects_are_refused(tmp_path, monkeypatch):
    """One object more than the bound, and none is made; the bound is told."""
    monkeypatch.setattr(blueprint, "MOST_OBJECTS", 2)
    project, report = load_text(tmp_path / "two", LAPSED)
    assert (len(project.objects), codes(report)) == (2, [])
    monkeypatch.setattr(blueprint, "MOST_OBJECTS", 1)
    project, report = load_text(tmp_path / "one", LAPSED)
    (error,) = report
    assert (error.code, at(error), len(project.objects)) == ("BLP008", "3:1-9", 0)
    assert error.summary == "2 objects are more than the 1 that a blueprint may make"


def test_texts_that_grow_without_bound_are_refused(tmp_path):
    """Long values in many places are told before anything is made of them."""
    text = (
        "blueprint: b\nparameters: {a: {type: string}}\nfor_each:\n"
        + f"- {{a: {'x' * 10_000}}}\n"
        + f"object: {{segment: s, owner: '{'{a}' * 10_000}'}}\n"
    )
    _, report = load_text(tmp_path, text)
    assert codes(report) == ["BLP008"]


def test_a_deep_object_is_refused_as_any_is(tmp_path):
    """The object of a blueprint is not nested deeper than what is written out may be."""
    deep = "{not: " * 70 + "{everyone: true}" + "}" * 70
    _, report = load_text(tmp_path, LAPSED.replace("{did_not: purchase, within", deep + " # "))
    assert codes(report) == ["YML005"]


def test_what_the_compiler_finds_has_the_places_of_the_blueprint(tmp_path):
    """An error of meaning points into the object, names the first that has it, and how many do."""
    project, report = load_text(tmp_path, LAPSED)
    assert codes(report) == []
    compiled, report = compile_project(project)
    assert compiled is None
    found = [(one.code, at(one), one.detail, one.address) for one in report]
    assert found == [
        (code, place, "in 2 objects, first segment.lapsed_30d, made with days: 30 in line 5", name)
        for name in ["segment.lapsed_30d"]
        for code, place in (("RES001", "8:11-19"), ("RES001", "9:20-28"))
    ]


def test_what_is_wrong_with_one_object_names_its_values(tmp_path):
    """An error that only one object has is told of that one alone."""
    _, report = load_text(tmp_path, LAPSED.replace("30", "9999999"))
    (error,) = report
    assert (error.code, at(error), error.address) == (
        "VAL004",
        "9:38-60",
        "segment.lapsed_9999999d",
    )
    assert error.detail == "in segment.lapsed_9999999d, made with days: 9999999 in line 5"


def test_places_of_made_objects_are_those_of_the_object(tmp_path):
    """Every key path of a made object leads to the text that it was made of."""
    project, _ = load_text(tmp_path, LAPSED)
    for days in (7, 30):
        address = Address("segment", f"lapsed_{days}d")
        span = project.sources.value(address, ("where", "within"))
        assert span is not None
        assert (span.path, span.line, span.text[span.column - 1 :]) == (
            CASE_FILE,
            9,
            "{param: days, unit: d}}",
        )


@pytest.mark.parametrize(
    "broken",
    [
        LAPSED.replace("- {days: 7}", "- {days: x}"),
        LAPSED.replace("for_each", "for_ech"),
        LAPSED.replace("parameters:", "parameters: ["),
        LAPSED.replace("lapsed_{days}d\n  entity", "lapsed_{day}d\n  entity"),
    ],
    ids=["wrong value", "no values", "no YAML", "wrong name"],
)
def test_what_may_be_made_is_not_unknown(broken, tmp_path):
    """Of a name that a broken blueprint may make nothing is said beside the blueprint's errors."""
    project, report = load(tmp_path, {"segments/a.yaml": broken, "segments/b.yaml": OTHER})
    assert report.has_errors
    _, found = compile_project(project)
    assert [one.summary for one in found if "segment" in one.summary] == []
