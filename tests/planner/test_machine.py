"""A plan as JSON for programs follows its published schema."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model.plan import Impact, Plan
from segflow.planner.machine import FORMAT_VERSION, to_json
from tests.planner.shops import FEWER, shops
from tests.planner.test_cases import CASES, made, read
from tests.planner.worlds import plan

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "plan.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

impacts = st.builds(
    Impact,
    size_now=st.none() | st.integers(0, 99),
    size_after=st.none() | st.integers(0, 99),
    entered=st.integers(0, 99),
    left=st.integers(0, 99),
    digest=st.none() | st.just("ab"),
    from_snapshot=st.booleans(),
)


def test_the_schema_is_one():
    """The published schema is itself valid, and is of the major version that is written."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    assert FORMAT_VERSION.partition(".")[0] == "1"


@FEWER
@given(st.none() | shops(), shops(), st.dictionaries(st.sampled_from("abcde"), impacts))
def test_every_plan_follows_the_schema(before, after, found):
    """Whatever differs, the JSON is what the schema says, and nothing that it does not name."""
    document = json.loads(json.dumps(to_json(plan(before, after, found))))

    VALIDATOR.validate(document)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_case_follows_the_schema(path, tmp_path):
    """So do the golden cases, with lists, time zones, renames and guards."""
    VALIDATOR.validate(json.loads(json.dumps(to_json(made(read(path), tmp_path)))))


def case(name: str, folder: Path) -> tuple[Plan, dict]:
    path = next(path for path in CASES if path.stem == name)
    found = made(read(path), folder)
    return found, to_json(found)


def test_an_update_in_full(tmp_path):
    """What a reader finds of a changed segment."""
    found, document = case("update", tmp_path)

    assert document["id"] == found.id
    assert document["as_of"] == "1998-01-01T00:00:00Z"
    assert document["summary"] == {
        "create": 1,
        "update": 1,
        "delete": 0,
        "recompute": 1,
        "unchanged": 3,
        "entered": 21869,
        "left": 1329,
    }
    assert document["changes"][0] == {
        "address": "segment.lapsed",
        "kind": "segment",
        "name": "lapsed",
        "action": "update",
        "attributes": [
            {"path": "owner", "before": None, "after": "growth", "lines": []},
            {"path": "where.within", "before": "7d", "after": "14d", "lines": []},
        ],
        "because": [],
        "reaches": ["segment.lapsed_us"],
        "frozen": False,
        "definition": found.changes[0].definition,
        "impact": {
            "size_now": 23194,
            "size_after": 21877,
            "entered": 12,
            "left": 1329,
            "digest": None,
            "from_snapshot": False,
        },
        "rule": None,
        "scans": [],
    }
    assert document["steps"][0] == {"step": "evaluate", "segment": "lapsed"}
    assert document["steps"][-1] == {"step": "commit"}


def test_a_rule_in_full(tmp_path):
    """Who would get what share of the audience, and when; users of rules are in no total."""
    _, document = case("rule_created", tmp_path)
    rule = next(one for one in document["changes"] if one["address"] == "rule.winback")

    assert rule["impact"]["size_after"] == 23194
    assert rule["rule"] == {
        "holdout": "10",
        "variants": [{"name": "five_off", "share": "50"}, {"name": "ten_off", "share": "50"}],
        "next_run": "1998-01-01T09:00:00Z",
    }
    assert (document["summary"]["entered"], document["summary"]["left"]) == (0, 0)


def test_a_changed_file_in_full(tmp_path):
    """Digests of the two contents, and what differs; of codes their numbers and nothing else."""
    _, document = case("rule_files", tmp_path)
    (codes,), (_, short) = (one["attributes"] for one in document["changes"])

    assert codes["lines"] == ["3 new in the file, 1 gone from it"]
    assert short["path"] == 'templates["short.j2"]'
    assert short["lines"] == ["+Bye"]
    assert short["before"].startswith("sha256:") != short["after"]


def test_numbers_lose_no_digit(tmp_path):
    """A fraction is a string with the digits as written; whole numbers are numbers."""
    _, document = case("algebra", tmp_path)
    added = document["changes"][0]["attributes"][0]

    assert added["after"] == {"sum": "purchase.amount", "gte": "100.50"}
