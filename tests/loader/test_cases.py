"""One behaviour of the grammar per file of tests/cases/loader: text in, object or errors out."""

from pathlib import Path

import pytest

from segflow.loader.kinds import READERS
from segflow.model import codec
from segflow.model.segment import Segment
from tests.loader.projects import CASE_FILE, at, case, case_files, load_case, load_text, name_of

KEYS = {"fact", "text", "files", "where", "object", "means", "errors", "schema"}


@pytest.mark.parametrize("path", case_files(), ids=name_of)
def test_case(path: Path, tmp_path: Path):
    """The text becomes this object or where, or what another text becomes, or has exactly these
    errors, in this order."""
    told = case(path)
    assert set(told) <= KEYS
    assert len({"where", "object", "means", "errors"} & set(told)) == 1
    project, report = load_case(tmp_path, told)
    if "errors" in told:
        found = []
        for error in report:
            assert error.span is not None
            assert error.span.path == CASE_FILE
            said = {"code": error.code, "at": at(error), "says": error.summary}
            said |= {"help": error.help} if error.help else {}
            found.append({**said, "detail": error.detail} if error.detail else said)
        assert found == told["errors"]
        return
    assert [error.summary for error in report] == []
    if "means" in told:
        meant, report = load_text(tmp_path / "meant", told["means"])
        assert [error.summary for error in report] == []
        assert project.objects == meant.objects
        return
    (loaded,) = (*project, *project.checks.values())
    if "where" in told:
        assert isinstance(loaded, Segment)
        assert codec.to_json(loaded.where) == told["where"]
    else:
        assert codec.to_json(loaded) == told["object"]
    assert codec.from_canonical(codec.canonical(loaded)) == loaded


def test_every_kind_has_a_case():
    """No kind of object is left without a valid case."""
    made = {
        codec.from_json(told["object"]).address.kind
        for path in case_files()
        if "object" in (told := case(path))
    }
    assert made == set(READERS)


def test_facts_are_told_once():
    """No two cases say the same."""
    facts = [case(path)["fact"] for path in case_files()]
    assert len(facts) == len(set(facts))
