"""Objects with an error in their text are judged all the same, and nothing is said twice."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.compiler.codes import CODES
from segflow.diagnostics import Diagnostic, Report
from tests.compiler.faults import (
    DOCUMENTS,
    HOW,
    TEXT,
    Path_,
    changed,
    judged,
    judged_text,
    paths,
    spoilt,
)
from tests.compiler.projects import CATALOG
from tests.loader.texts import mutated, swapped

ENTITY, EVENT, SEGMENT, RULE = 1, 3, 6, 11
LEAVES: Path_ = (SEGMENT, "where", "all")

# What is wrong in its meaning, and which places it is seen by, beside its own.
MEANINGS: dict[Path_, tuple[str, tuple[Path_, ...]]] = {
    (ENTITY, "population", "source"): ("nowhere", ()),
    (ENTITY, "fields", "age", "at", "source"): ("nowhere", ()),
    (ENTITY, "fields", "spend", "is", "sum"): ("purchase.nothing", ()),
    (ENTITY, "fields", "spend", "type"): ("integer", ((ENTITY, "fields", "spend", "is"),)),
    (EVENT, "at", "source"): ("nowhere", ()),
    (SEGMENT, "entity"): ("nobody", ()),
    (*LEAVES, 0, "did"): ("nothing", ((*LEAVES, 0, "where", "gte"),)),
    (*LEAVES, 0, "where", "property"): ("nothing", ((*LEAVES, 0),)),
    (*LEAVES, 0, "where", "gte"): ("much", ((*LEAVES, 0),)),
    (*LEAVES, 1, "did_not", 0): ("nothing", ()),
    (*LEAVES, 2, "any", 0, "field"): ("nothing", ((SEGMENT, "entity"),)),
    (*LEAVES, 2, "any", 1, "sum"): ("purchase.nothing", ((*LEAVES, 2, "any", 1, "gt"),)),
    (*LEAVES, 2, "any", 1, "gt", "sum"): ("purchase.nothing", ((*LEAVES, 2, "any", 1, "sum"),)),
    (*LEAVES, 3, "not", "last_time"): ("nothing", ()),
    (*LEAVES, 4, "none", 0, "segment"): ("nothing", ((SEGMENT, "segment"),)),
    (SEGMENT, "tests", 0, "user", "seen"): ("soon", ((SEGMENT, "entity"),)),
    (SEGMENT, "tests", 0, "events", 0, "purchase"): (
        "soon",
        ((SEGMENT, "entity"), (SEGMENT, "tests", 0, "events", 1)),
    ),
    (SEGMENT, "tests", 0, "events", 0, "amount"): (
        "much",
        ((SEGMENT, "entity"), (SEGMENT, "tests", 0, "events")),
    ),
    (SEGMENT, "tests", 0, "members_of", 0): (
        "nothing",
        ((SEGMENT, "entity"), (SEGMENT, "segment")),
    ),
    (RULE, "segment"): ("nothing", ((RULE, "where"),)),
    (RULE, "where", "field"): ("nothing", ((RULE, "segment"), (RULE, "where"))),
    (RULE, "where", "gte"): ("much", ((RULE, "segment"), (RULE, "where"))),
    (RULE, "goal", "event"): ("nothing", ((RULE, "goal"),)),
    (RULE, "goal", "value"): ("nothing", ((RULE, "goal"),)),
    (RULE, "trigger", "gap"): ("skip", ((RULE, "trigger", "cron"),)),
    (RULE, "variants", 0, "name"): ("holdout", ()),
    (RULE, "variants", 0, "send", 0, "channel"): ("nothing", ((RULE, "variants", 0, "send", 0),)),
    (RULE, "variants", 0, "send", 1, "channel"): ("nothing", ()),
    (RULE, "cap", 0, "window"): ("calendar", ()),
}
# Names that others refer to: another name is a fault of meaning, and told wherever it is used.
_NAMES = {(ENTITY, "fields"), (EVENT, "properties"), (EVENT, "entities")}
PLACES = tuple(path for path in paths(DOCUMENTS) if len(path) > 1)


def is_name(path: Path_, how: str) -> bool:
    if how in ("misspelt", "foreign"):
        return path[:-1] in _NAMES
    return how == "text" and len(path) == 2 and path[1] == next(iter(DOCUMENTS[path[0]]))


FAULTS = tuple((path, how) for path in PLACES for how in HOW if not is_name(path, how))


def said(report: Report) -> set[tuple[str, str]]:
    return {(found.code, found.summary) for found in report}


@cache
def of_meaning(path: Path_) -> Report:
    """What is said of one fault of meaning."""
    _, is_whole, report = judged(changed(DOCUMENTS, path, MEANINGS[path][0]))
    assert not is_whole
    return report


@cache
def of_shape(path: Path_, how: str) -> tuple[Diagnostic, ...]:
    """What is said of one fault of shape."""
    project, is_whole, report = judged(spoilt(DOCUMENTS, path, how))
    assert not is_whole or not project.broken
    return tuple(report)


def test_the_project_is_right():
    """Nothing is said of the project that the tests below break."""
    project, is_whole, report = judged(DOCUMENTS)
    assert (list(report), is_whole, project.broken) == ([], True, {})


@given(fault=st.sampled_from(FAULTS))
def test_one_fault_of_shape_is_told_once(fault):
    """Whatever key or value is broken: one error, and none about what rests on it."""
    found = of_shape(*fault)
    assert len(found) <= 1, [each.summary for each in found]


@pytest.mark.parametrize("path", MEANINGS)
def test_one_fault_of_meaning_is_told_once(path):
    """So it is told where it is and nowhere else."""
    assert len(of_meaning(path)) == 1


@given(data=st.data(), meaning=st.sampled_from(tuple(MEANINGS)))
def test_a_fault_of_meaning_is_told_beside_one_of_shape(data, meaning):
    """Of two faults of one object that have nothing to do with each other both are told, in the
    order of the file, and nothing else is."""
    value, witnesses = MEANINGS[meaning]
    alone = of_meaning(meaning)
    apart = [
        (path, how)
        for path, how in FAULTS
        if path[0] == meaning[0]
        and path != meaning[: len(path)]
        and not any(path == seen[: len(path)] or seen == path[: len(seen)] for seen in witnesses)
        and meaning != path[: len(meaning)]
    ]
    shape = data.draw(st.sampled_from(apart))
    wrong = changed(DOCUMENTS, meaning, value)
    _, is_whole, report = judged(spoilt(wrong, *shape))
    assert not is_whole
    assert said(report) == said(alone) | {(each.code, each.summary) for each in of_shape(*shape)}
    places = [(found.span.line, found.span.column) for found in report if found.span]
    assert places == sorted(places)


@given(text=mutated() | swapped())
def test_any_text_can_be_judged(text):
    """A text that was right and is changed anywhere, beside a catalog: no crash, and with an error
    nothing is compiled."""
    project, is_whole, report = judged_text(f"{CATALOG}---\n{text}")
    of_compiler = any(found.code in CODES for found in report.errors)
    assert is_whole == (not project.broken and not of_compiler)


def told(text: str) -> list[str]:
    """Code and summary of all that is said of a text beside the catalog."""
    return [f"{found.code} {found.summary}" for found in judged_text(f"{CATALOG}---\n{text}")[2]]


NAMED = "segment: s\nentity: customer\nwhere: {{any: [{{segment: {0}}}, {{segment: nowhere}}]}}\n"


@pytest.mark.parametrize(
    "other",
    [
        "segment: Big Spenders\nentity: customer\nwhere: {everyone: true}\n",
        "segmnt: big_spenders\nentity: customer\nwhere: {everyone: true}\n",
        "name: big_spenders\nentity: customer\nwhere: {everyone: true}\n",
        "segments:\n  - segment: big_spenders\n    entity: customer\n",
        "zzz: big_spenders\n",
    ],
)
def test_an_object_is_known_by_the_name_that_is_meant(other):
    """Who names it is not called wrong, and other names are looked up as ever."""
    said = told(f"{NAMED.format('big_spenders')}---\n{other}")
    assert len(said) == 2
    assert "RES001 there is no segment 'nowhere'" in said


@pytest.mark.parametrize("name", ["", "[a, b]", "{a: b}"])
def test_an_object_without_a_name_may_be_any(name):
    """As long as a name of its kind is missing, only names that are like another are wrong."""
    other = f"segment: {name}\nentity: customer\nwhere: {{field: contry, eq: US}}\n"
    said = told(f"{NAMED.format('s')}---\n{other}")
    assert [line for line in said if "nowhere" in line] == []
    assert "RES001 entity 'customer' has no field 'contry'" in said


def test_what_a_broken_file_declares_is_not_called_missing():
    """Broken YAML ends a file; objects that its lines name are known to be there."""
    rest = "segment: t\nentity: customer\nwhere: {\n---\nsegment: u\n"
    said = told(f"{NAMED.format('u')}---\n{rest}")
    assert [line[:6] for line in said] == ["RES001", "YML001"]
    assert "nowhere" in said[0]


def test_both_objects_of_one_name_are_judged():
    """The second is no reason to pass over its faults."""
    twice = "segment: s\nentity: customer\nwhere: {did: purchas}\n"
    said = told(f"{twice}---\n{twice.replace('purchas', 'vist')}")
    assert [line[:6] for line in said] == ["RES001", "NAM002", "RES001"]
    assert ("purchas" in said[0], "vist" in said[2]) == (True, True)


@pytest.mark.parametrize(
    ("actions", "codes"),
    [
        ("[{channel: codes, ofer: five}, {channel: push, offer: five}]", ["RUL001"]),
        ("[{channel: cods}, {channel: push, offer: five}]", ["RES001"]),
        ("[{chanel: codes}, {channel: push, offer: five}]", ["KEY002"]),
        ("[{channel: codes, offer: Five}, {channel: push, offer: five}]", ["NAM001"]),
        ("[{channel: cods}, {channel: push, template: t.j2}]", ["RES001"]),
    ],
)
def test_a_coupon_that_may_be_given_is_not_missed(actions, codes):
    """Where an action can't be read, what comes after it may have its coupon."""
    sends = "send: [{channel: codes, offer: five}, {channel: push, offer: five}]"
    assert sends in TEXT
    assert sorted(line[:6] for line in told(TEXT.replace(sends, f"send: {actions}"))) == codes
