"""Golden cases: a project as applied, a project as written, and the plan that a person reads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from segflow.model.cost import Cost
from segflow.model.plan import CommitState, DropSegment, EvaluateSegment, Impact
from segflow.planner.planfile import from_bytes, to_bytes
from segflow.planner.render import render_plan, text_of
from tests.planner.worlds import CATALOG, compile_text, plan, question

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def impact(now=None, after=None, entered=0, left=0, from_snapshot=False) -> Impact:
    return Impact(
        size_now=now, size_after=after, entered=entered, left=left, from_snapshot=from_snapshot
    )


def made(case: dict, folder: Path):
    catalog_after = CATALOG
    for old, new in case.get("catalog_after", {}).items():
        catalog_after = catalog_after.replace(old, new)
    before = None
    if "before" in case:
        files = case.get("files_before", {})
        before = compile_text(folder / "before", CATALOG + case["before"], files=files)
    after = compile_text(
        folder / "after",
        catalog_after + case["after"],
        case.get("timezone_after", "UTC"),
        case.get("files_after", {}),
    )
    impacts = case.get("impacts")
    if impacts is None:
        return plan(before, after)
    moved = {name: impact(**counts) for name, counts in impacts.items()}
    return plan(before, after, moved, asked(case.get("refreshed", ())))


def asked(refreshed: Sequence[dict]) -> Mapping[str, Sequence[Cost]]:
    """What the last refreshes cost: questions to the warehouse, each of several segments."""
    found: dict[str, list[Cost]] = {}
    for one in refreshed:
        of = question(
            "warehouse", *one["read"], segments=len(one["segments"]), seconds=one["seconds"]
        )
        of = replace(of, rows_read=one.get("rows"), bytes_read=one.get("bytes"))
        for name in one["segments"]:
            found.setdefault(name, []).append(Cost(question=of, ids=1))
    return found


def named(step) -> str:
    match step:
        case EvaluateSegment(segment=segment):
            return f"evaluate {segment}"
        case DropSegment(segment=segment):
            return f"drop {segment}"
        case CommitState():
            return "commit"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path, tmp_path):
    """The plan is rendered as written, has the steps that are listed, and survives its file."""
    case = read(path)
    found = made(case, tmp_path)

    assert text_of(render_plan(found)) == case["plan"]
    if "steps" in case:
        assert [named(step) for step in found.steps] == case["steps"]
    assert from_bytes(to_bytes(found)) == found
