"""`segflow lint`: what it says, as text and as JSON, and how it ends."""

import json
from pathlib import Path

ODD = """\
segment: odd
entity: customer
where: {last: purchase.amount, within: 30d, ne: 5.00}
"""
BROKEN = "segment: broken\nentity: custmer\nwhere: {everyone: true}\n"


def settings(folder: Path, more: str) -> None:
    file = folder / "segflow.toml"
    file.write_text(file.read_text() + more)


def test_a_clean_project_ends_with_0(segflow, shop):
    """Of the project that init makes nothing is said."""
    result = segflow("lint")
    assert (result.code, result.out, result.err) == (0, "Nothing to say.\n", "")


def test_a_warning_ends_with_1(segflow, shop):
    """A warning is shown with its line, caret and fix."""
    (shop / "segments" / "odd.yaml").write_text(ODD)
    result = segflow("lint")
    assert result.code == 1
    assert result.out == (
        "warning[LNT005]: {last: purchase.amount, within: 30d, ne: 5} also holds for who has no "
        "purchase\n"
        " --> segments/odd.yaml:3:45\n"
        "  |\n"
        "3 | where: {last: purchase.amount, within: 30d, ne: 5.00}\n"
        "  |                                             ^^\n"
        "  = help: {did: purchase} beside it leaves them out\n"
        "\n"
        "Found 0 errors, 1 warning.\n"
    )


def test_warnings_are_passed_over(segflow, shop):
    """Codes of the settings are not shown, and do not count; those of validate neither."""
    (shop / "segments" / "odd.yaml").write_text(ODD + "---\n" + ODD.replace("odd", "odd_2"))
    (shop / "lists").mkdir(exist_ok=True)
    (shop / "lists" / "old.csv").write_text("1\n")
    (shop / "lists" / ".hidden").write_text("1\n")
    codes = [one["rule"] for one in json.loads(segflow("lint", "--json").out)["diagnostics"]]
    assert codes == ["LNT003", "LNT005", "LNT010", "LNT005"]
    settings(shop, '\n[lint]\nignore = ["LNT003", "LNT005", "LNT010"]\n')
    assert segflow("lint").code == 0


def test_validates_warnings_are_shown(segflow, shop):
    """A warning of the files is one of lint, too, and may be passed over there."""
    settings(shop, '\n[paths]\ninclude = ["catalog", "segments", "nowhere"]\n')
    result = segflow("lint", "--json")
    assert (result.code, json.loads(result.out)["warning_count"]) == (1, 1)
    settings(shop, '\n[lint]\nignore = ["TOM006"]\n')
    assert segflow("lint").code == 0
    assert "TOM006" in segflow("validate", "--no-sources").out


def test_errors_are_shown_instead(segflow, shop):
    """A project with errors is not linted: its errors are shown, and are the result."""
    (shop / "segments" / "broken.yaml").write_text(BROKEN)
    result = segflow("lint", "--json")
    printed = json.loads(result.out)
    assert (result.code, printed["valid"]) == (1, False)
    assert [one["rule"] for one in printed["diagnostics"]] == ["RES001"]
