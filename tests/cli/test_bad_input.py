"""Bad input and a bad world: a clear message, the right exit code, never a traceback."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import AS_OF, edit

Break = Callable[[Path], object]


def write(name: str, text: str | bytes) -> Break:
    """Put a file into the project."""
    content = text.encode() if isinstance(text, str) else text

    def act(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return act


def remove(name: str) -> Break:
    """Take a file out of the project."""
    return lambda folder: (folder / name).unlink()


BROKEN_FILES = [
    (write("segments/x.yaml", "segment: ["), "error[YML001]", "segments/x.yaml:"),
    (write("segments/x.yaml", b"\xff\xfe"), "error[YML007]", "segments/x.yaml:1:1"),
    (write("segments/x.yaml", "segment: a\nsegment: b"), "error[YML002]", "segments/x.yaml:2:1"),
    (write("segments/x.yaml", "just text"), "error[", "segments/x.yaml:1:1"),
    (
        write(
            "segments/x.yaml", "segment: x\nentity: customer\nwhere: {did: purchase, wihtin: 7d}"
        ),
        "did you mean `within`?",
        "segments/x.yaml:3:24",
    ),
    (
        write("segments/x.yaml", "segment: x\nentity: customer\nwhere: {did: purchas}"),
        "did you mean 'purchase'",
        "segments/x.yaml:3:14",
    ),
    (
        write("segments/x.yaml", "segment: x\nentity: customer\nwhere: {segment: x}"),
        "error[CYC001]",
        "segments/x.yaml:3:",
    ),
    (
        write(
            "segments/x.yaml",
            "segment: x\nentity: customer\nwhere: {sum: purchase.amount, gte: much}",
        ),
        "error[FIT002]",
        "segments/x.yaml:3:36",
    ),
    (
        write("segments/x.yaml", "segment: x\nentity: customer\nwhere: {in_file: none.csv}"),
        "error[LST001]",
        "segments/x.yaml:3:",
    ),
    (write("segflow.toml", "[project"), "error[TOM002]", "segflow.toml:1:"),
    (write("segflow.toml", '[project]\nnaem = "x"'), "error[TOM003]", "segflow.toml:2:1"),
]


@pytest.mark.parametrize(("damage", "said", "place"), BROKEN_FILES)
def test_broken_files_are_shown_with_their_place(segflow, shop, damage, said, place):
    """`validate` shows rule, place and fix on stdout; every other command the same on stderr."""
    damage(shop)
    validated = segflow("validate")
    assert validated.code == 1
    assert said in validated.out
    assert f" --> {place}" in validated.out
    planned = segflow("plan")
    assert (planned.code, planned.out, planned.err) == (1, "", validated.out)


def test_the_text_of_a_diagnostic_is_settled(segflow, shop):
    """Golden text, so that a change of it is meant."""
    write("segments/x.yaml", "segment: x\nentity: customer\nwhere: {did: purchase, wihtin: 7d}\n")(
        shop
    )
    assert segflow("validate").out == (
        "error[KEY001]: unknown key `wihtin` in `did`\n"
        " --> segments/x.yaml:3:24\n"
        "  |\n"
        "3 | where: {did: purchase, wihtin: 7d}\n"
        "  |                        ^^^^^^\n"
        "  = help: did you mean `within`?\n"
        "\n"
        "Found 1 error, 0 warnings.\n"
    )


@pytest.mark.parametrize(("damage", "said", "place"), BROKEN_FILES)
def test_broken_files_as_json(segflow, shop, damage, said, place):
    """validate prints its own shape; for other commands the diagnostics are the failure's."""
    damage(shop)
    validated = segflow("validate", "--json")
    assert (validated.code, validated.err) == (1, "")
    found = json.loads(validated.out)
    assert not found["valid"]
    assert found["error_count"] == len(found["diagnostics"]) > 0
    planned = segflow("plan", "--json")
    assert (planned.code, planned.err) == (1, "")
    failure = json.loads(planned.out)["error"]
    assert failure["kind"] == "invalid_project"
    assert failure["diagnostics"] == found["diagnostics"]


def test_all_errors_of_all_files_come_at_once(segflow, shop):
    """Two broken files and a wrong name are shown together, in file order, and counted."""
    write("segments/a.yaml", "segment: [")(shop)
    write("segments/b.yaml", "segment: b\nentity: customer\nwhere: {did: purchas, wihtin: 7d}")(
        shop
    )
    out = segflow("validate").out
    assert out.index("segments/a.yaml") < out.index("segments/b.yaml")
    assert out.index("did you mean 'purchase'") < out.index("did you mean `within`")
    assert "Found 3 errors" in out


def test_what_an_error_leads_to_is_not_shown(segflow, shop):
    """What the catalog has under a key that is broken is one error, whatever rests on it."""
    catalog = shop / "catalog" / "shop.yaml"
    catalog.write_text(catalog.read_text().replace("properties:\n  amount:", "zzz:\n  amount:"))
    assert "sum: purchase.amount" in (shop / "segments" / "shop.yaml").read_text()
    out = segflow("validate").out
    assert "unknown key `zzz` in an event" in out
    assert "Found 1 error, 0 warnings." in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("segment", "count", "win_bak"), "did you mean win_back?"),
        (("segment", "members", "win_bak"), "did you mean win_back?"),
        (("segment", "show", "win_bak"), "did you mean win_back?"),
        (("segment", "explain", "win_bak", "--key", "1"), "did you mean win_back?"),
        (("segment", "explain", "win_back", "--key", "x"), "'x' is not a key"),
        (("segment", "explain", "win_back", "--key", "-1"), "'-1' is not a key"),
        (("compile", "win_bak"), "did you mean win_back?"),
        (("compile", "win_back", "--engine", "spark"), "duckdb"),
        (("segment", "history", "win_back"), "nothing was ever recorded"),
        (("segment", "count", "win_back", "--recorded-at", AS_OF), "nothing was ever recorded"),
        (("refresh",), "nothing is deployed yet"),
        (("state", "show", "segment.win_back"), "is not deployed"),
        (("state", "show", "win_back"), "is not an address"),
        (("plan", "--as-of", "yesterday"), "write it like 2026-01-31T00:00:00Z"),
        (("plan", "--as-of", "2026-01-31"), "with Z or an offset"),
        (("plan", "--env", "prod"), "prod"),
        (("plan", "--out", "nowhere/x.segplan"), "nowhere/x.segplan: its folder does not exist"),
        (("plan", "--out", "segments"), "segments: it is a folder"),
        (("show", "none.segplan"), "none.segplan: No such file"),
        (("show", "segments"), "segments: Is a directory"),
        (("show", "segflow.toml"), "not a plan of segflow"),
        (("apply", "segflow.toml"), "not a plan of segflow"),
        (("plan", "--project", "segments"), "there is no segflow.toml in segments"),
    ],
)
def test_what_can_not_be_done_is_refused(segflow, shop, words, said):
    """Exit code 1, the reason on stderr, the same as JSON; stdout stays empty, nothing is made."""
    result = segflow(*words)
    assert (result.code, result.out) == (1, "")
    assert said in result.err
    assert "Traceback" not in result.err
    as_json = segflow(*words, "--json")
    assert (as_json.code, as_json.err) == (1, "")
    failure = json.loads(as_json.out)["error"]
    assert {"kind", "message", "hint", "retry"} <= failure.keys()
    assert failure["kind"] != "internal"
    assert not (shop / ".segflow").exists()


def test_outside_of_a_project(segflow, tmp_path, monkeypatch):
    """Where no folder upward is a project, the way to make one is told."""
    monkeypatch.chdir(tmp_path)
    result = segflow("plan")
    assert result.code == 1
    assert "segflow init" in result.err


@pytest.mark.parametrize(
    "damage", [remove("data/purchases.parquet"), write("data/purchases.parquet", "x")]
)
def test_data_that_can_not_be_read(segflow, shop, damage):
    """A source that is gone or broken is named; validate can check the files without it."""
    damage(shop)
    result = segflow("plan")
    assert (result.code, result.out) == (1, "")
    assert "purchases" in result.err
    assert json.loads(segflow("plan", "--json").out)["error"]["kind"] == "source_unavailable"
    validated = segflow("validate")
    assert validated.code == 1
    assert "error[SRC003]" in validated.out
    assert segflow("validate", "--no-sources").code == 0


def test_a_state_that_can_not_be_written(segflow, shop):
    """Apply says which file; what can be retried says so to programs."""
    write(".segflow", "in the way")(shop)
    result = segflow("apply", "--auto-approve", "--as-of", AS_OF)
    assert result.code == 1
    assert ".segflow/state.db" in result.err
    failure = json.loads(segflow("apply", "--auto-approve", "--json").out)["error"]
    assert (failure["kind"], failure["retry"]) == ("state_unavailable", True)


def test_a_state_that_is_no_database(segflow, shop):
    """Junk in place of the state database is named, not a crash."""
    (shop / ".segflow").mkdir()
    write(".segflow/state.db", "junk " * 1000)(shop)
    for words in (("plan",), ("state", "list"), ("apply", "--auto-approve")):
        result = segflow(*words)
        assert result.code == 1
        assert "state.db" in result.err
        assert "Traceback" not in result.err


def test_a_plan_is_applied_once(segflow, shop):
    """The same plan file is refused the second time."""
    segflow("plan", "--as-of", AS_OF, "--out", "a.segplan")
    assert segflow("apply", "a.segplan").code == 0
    result = segflow("apply", "a.segplan")
    assert result.code == 1
    assert "applied before" in result.err


def test_a_stale_plan_is_refused(segflow, deployed):
    """A plan whose ground moved says what moved and changes nothing."""
    edit(deployed, "gte: 150", "gte: 120")
    segflow("plan", "--as-of", AS_OF, "--out", "a.segplan")
    edit(deployed, "gte: 120", "gte: 140")
    assert segflow("apply", "--auto-approve", "--as-of", AS_OF).code == 0
    result = segflow("apply", "a.segplan", "--json")
    assert result.code == 1
    assert json.loads(result.out)["error"]["kind"] == "stale_plan"
    assert "gte: 140" in segflow("state", "show", "segment.big_spenders").out


def test_a_plan_of_another_project_is_refused(segflow, deployed):
    """Plan and state belong to one project."""
    toml = deployed / "segflow.toml"
    toml.write_text(toml.read_text().replace('"shop"', '"other"'))
    result = segflow("plan", "--json")
    assert result.code == 1
    assert json.loads(result.out)["error"]["kind"] == "foreign_plan"


def test_an_altered_plan_is_refused(segflow, shop):
    """A plan file that somebody edited is not applied."""
    segflow("plan", "--as-of", AS_OF, "--out", "a.segplan")
    plan = shop / "a.segplan"
    plan.write_text(plan.read_text().replace("lapsed", "lapsde", 1))
    result = segflow("apply", "a.segplan")
    assert result.code == 1
    assert "altered" in result.err
