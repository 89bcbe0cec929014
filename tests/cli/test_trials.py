"""`segflow test`: what it prints, writes and ends with."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import edit

PASSING = """\
where: {did_not: purchase, within: 30d}
tests:
  - {name: bought yesterday, as_of: 2026-03-31, events: [{purchase: 1d}], expect: out}
  - {name: bought long ago, as_of: 2026-03-31, events: [{purchase: 90d}], expect: in}
"""
FAILING = """\
---
check: spenders
segment: big_spenders
tests:
  - name: just enough
    as_of: 2026-03-31T00:00:00Z
    events: [{purchase: 2d, amount: 100.00}, {purchase: 1d, amount: 50.00}]
    expect: out
  - name: nothing bought
    as_of: 2026-03-31T00:00:00Z
    expect: out
"""
CLUB = """\
segment: club
entity: customer
where: {all: [{did: purchase}, {segment: big_spenders}]}
tests:
  - name: "\\e neither"
    as_of: 2026-03-31
    expect: out
    because: {did: purchase}
"""
TREE = """\
failed: big_spenders: just enough
 --> checks/spenders.yaml:5:5
  expected out, but the user is in

  as of 2026-03-31T00:00:00Z
  ✓ sum: purchase.amount, gte: 150  <- decides
      sum: purchase.amount = 150  (2 events)
"""


@pytest.fixture
def tested(shop: Path) -> Path:
    """The example project with two tests that pass."""
    edit(shop, PASSING.partition("\n")[0] + "\n", PASSING)
    return shop


def write(shop: Path, name: str, text: str) -> None:
    (shop / name).parent.mkdir(exist_ok=True)
    (shop / name).write_text(text)


def test_tests_that_pass_are_counted(tested, segflow):
    """A line per segment and one for all, without colour; the command ends with 0."""
    done = segflow("test")
    assert (done.code, done.err) == (0, "")
    assert done.out == "✓ lapsed_30d   2 passed\n\nPassed: 2 tests, 2 passed.\n"


def test_no_source_and_no_state_is_asked(tested, segflow):
    """Without the project's data the tests run as they do with it, and nothing is made."""
    shutil.rmtree(tested / "data")
    before = sorted(tested.rglob("*"))
    assert segflow("test", "--engine", "duckdb").code == 0
    assert sorted(tested.rglob("*")) == before


def test_a_test_that_fails_is_explained(tested, segflow):
    """Its place, what was expected, and the tree with the leaf that decides; the command ends
    with 1."""
    write(tested, "checks/spenders.yaml", FAILING)
    done = segflow("test")
    assert done.code == 1
    assert done.out.startswith("✗ big_spenders   1 passed, 1 failed\n✓ lapsed_30d     2 passed\n\n")
    assert TREE in done.out
    assert done.out.endswith("\n\nFailed: 4 tests, 3 passed, 1 failed.\n")


def test_an_engine_says_the_same(tested, segflow):
    """With --engine each test is put to that engine too, and what it says is told apart."""
    write(tested, "checks/spenders.yaml", FAILING)
    done = segflow("test", "big_spenders", "--engine", "duckdb")
    assert done.code == 1
    assert "  expected out, but the user is in\n  expected out, but duckdb says in\n" in done.out
    assert segflow("test", "lapsed_30d", "--engine", "duckdb").code == 0


def test_the_leaf_of_because_must_decide(tested, segflow):
    """The answer is right and the reason is not: another leaf is false too."""
    write(tested, "segments/club.yaml", CLUB)
    done = segflow("test", "club")
    assert done.code == 1
    assert "  because: {did: purchase} does not decide\n" in done.out
    assert "<- decides" not in done.out


def test_a_name_chooses_segments(tested, segflow):
    """Of the named ones all tests run, of others none; an unknown one, and one without tests, is
    told."""
    write(tested, "checks/spenders.yaml", FAILING)
    assert segflow("test", "lapsed_30d").out.startswith("✓ lapsed_30d   2 passed\n\nPassed")
    unknown = segflow("test", "lapsed_3d")
    assert (unknown.code, unknown.out) == (1, "")
    assert "there is no segment lapsed_3d" in unknown.err
    assert "did you mean lapsed_30d?" in unknown.err
    without = segflow("test", "win_back")
    assert without.code == 1
    assert "segment win_back has no tests" in without.err


def test_a_project_without_tests_is_told_so(shop, segflow):
    """That is no failure, unless coverage is asked for."""
    done = segflow("test")
    assert (done.code, done.out) == (
        0,
        "There are no tests: they stand below `tests:` in a segment.\n",
    )
    assert segflow("test", "--min-coverage", "1%").code == 1


def test_engines_of_servers_can_not_be_named(tested, segflow):
    """Only what runs inside of segflow can be given a test's tables."""
    done = segflow("test", "--engine", "postgres")
    assert done.code == 1
    assert "'postgres' is not one of 'duckdb', 'sqlite'" in done.err


# --- coverage --------------------------------------------------------------------------------


def test_coverage_names_the_leaves_that_were_seen_one_way(tested, segflow):
    """Of each tested segment, each leaf may be seen true and false."""
    write(tested, "segments/club.yaml", CLUB)
    done = segflow("test", "--coverage")
    assert (
        "segment      seen     coverage\n"
        "club         2 of 4   50%\n"
        "lapsed_30d   2 of 2   100%\n"
        "all          4 of 6   66%\n"
        "  club: never true: did: purchase\n"
        "  club: never true: segment: big_spenders\n"
    ) in done.out


@pytest.mark.parametrize(("least", "code"), [("100%", 0), ("100", 0), ("0%", 0)])
def test_coverage_that_is_enough(tested, segflow, least, code):
    """The percentage is reached by what is there."""
    assert segflow("test", "--min-coverage", least).code == code


def test_coverage_that_is_not_enough_fails(tested, segflow):
    """Though every test passes."""
    edit(
        tested,
        "  - {name: bought long ago, as_of: 2026-03-31, events: [{purchase: 90d}], expect: in}\n",
        "",
    )
    done = segflow("test", "--min-coverage", "51%")
    assert (done.code, done.err) == (1, "error: the coverage of leaves is below 51%\n")
    assert done.out.endswith("Passed: 1 test, 1 passed.\n")
    assert segflow("test", "--min-coverage", "50%").code == 0


@pytest.mark.parametrize("word", ["101%", "-1", "half", "٥"])
def test_coverage_is_a_percentage(tested, segflow, word):
    """Anything else is a usage error."""
    done = segflow("test", f"--min-coverage={word}")
    assert done.code == 1
    assert "is not a percentage: write it like 80%" in done.err


# --- for programs ----------------------------------------------------------------------------


def test_junit_has_a_suite_per_segment(tested, segflow, tmp_path):
    """With counts, places, and the tree of what failed; what XML can't hold is replaced."""
    write(tested, "checks/spenders.yaml", FAILING)
    write(tested, "segments/club.yaml", CLUB)
    assert segflow("test", "--junit", str(tmp_path / "junit.xml")).code == 1
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (root.tag, root.attrib) == (
        "testsuites",
        {"name": "segflow", "tests": "5", "failures": "2", "errors": "0"},
    )
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["segment.big_spenders", "segment.club", "segment.lapsed_30d"]
    failed, passed = suites["segment.big_spenders"]
    assert failed.attrib == {
        "classname": "segment.big_spenders",
        "name": "just enough",
        "file": "checks/spenders.yaml",
        "line": "5",
    }
    (failure,) = failed
    assert failure.tag == "failure"
    assert failure.get("message") == "expected out, but the user is in"
    assert "sum: purchase.amount, gte: 150  <- decides" in (failure.text or "")
    assert len(passed) == 0
    assert [case.get("name") for case in suites["segment.club"]] == ["� neither"]


def test_json_has_every_test(tested, segflow):
    """Answers, faults and the tree; coverage where it is asked for."""
    write(tested, "checks/spenders.yaml", FAILING)
    done = segflow("test", "--json", "--coverage", "--engine", "duckdb")
    assert done.code == 1
    told = json.loads(done.out)
    assert (told["passed"], told["failed"]) == (3, 1)
    failed, passed, *_ = told["tests"]
    assert failed["answers"] == {"reference": "in", "duckdb": "in"}
    assert (failed["expect"], failed["passed"], failed["line"]) == ("out", False, 5)
    assert failed["deciding"] == ["sum: purchase.amount, gte: 150"]
    assert failed["because"]["holds"] is True
    assert (passed["faults"], passed["because"]) == ([], None)
    assert told["coverage"]["percent"] == 100
    assert json.loads(segflow("test", "--json").out)["coverage"] is None


# --- beside what is deployed -----------------------------------------------------------------


def test_adding_tests_changes_nothing_deployed(deployed, segflow):
    """The plan is empty after tests were added to a segment and in a file of checks, and the
    segments are deployed as they are written."""
    edit(deployed, PASSING.partition("\n")[0] + "\n", PASSING)
    write(deployed, "checks/spenders.yaml", FAILING)
    done = segflow("plan", "--detailed-exitcode")
    assert (done.code, done.out) == (0, "No changes.\n")
    listed = json.loads(segflow("segment", "list", "--json").out)
    assert {one["status"] for one in listed["segments"]} == {"deployed"}


def test_wrong_tests_are_found_when_the_files_are_checked(tested, segflow):
    """validate, and every command that reads the files, shows all that is wrong with tests."""
    edit(tested, "events: [{purchase: 1d}]", "events: [{purchse: 1d}]")
    edit(tested, "events: [{purchase: 90d}]", "user: {vip: true}")
    done = segflow("validate", "--no-sources")
    assert done.code == 1
    assert "error[RES001]: there is no event 'purchse'\n --> segments/shop.yaml:6:" in done.out
    assert "^^^^^^^\n  = help: did you mean 'purchase', declared at catalog/shop.yaml:" in done.out
    assert "entity 'customer' has no field 'vip'" in done.out
    assert "Found 2 errors, 0 warnings." in done.out
    assert segflow("test").code == segflow("plan").code == 1


def test_validate_counts_checks(tested, segflow):
    """They are declared as objects are."""
    write(tested, "checks/spenders.yaml", FAILING)
    assert "3 segments, 1 source, 1 check." in segflow("validate", "--no-sources").out
