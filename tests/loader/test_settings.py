"""segflow.toml: what it gives, and what is said of a wrong one."""

from pathlib import Path

import pytest

from segflow.loader.project import load_project
from segflow.model.project import Settings, StateSettings
from tests.loader.projects import at, load

WHOLE = """\
[project]
name = "shop"
timezone = "Europe/Berlin"

[state]
url = "sqlite:///state.db"
snapshots = "snapshots"

[environments.prod]
timezone = "Asia/Shanghai"
state = {url = "postgresql://db/shop"}

[environments.staging.state]
snapshots = "staging"

[secrets]
allow = ["WAREHOUSE_URL"]

[paths]
include = ["conf", "./more/"]
"""

FOLDERS = {"conf/a.yaml": "", "more/a.yaml": ""}


def settings(root: Path, text: str, environment: str | None = None) -> Settings:
    project, report = load(root, {**FOLDERS, "segflow.toml": text}, environment)
    assert [found.summary for found in report] == []
    return project.settings


def errors(root: Path, text: str | bytes, environment: str | None = None) -> list[tuple[str, ...]]:
    """(code, place, summary, help) of every error, all of which are of the settings."""
    _, report = load(root, {**FOLDERS, "segflow.toml": text}, environment)
    assert {found.span and found.span.path for found in report} == {"segflow.toml"}
    return [(found.code, at(found), found.summary, found.help or "") for found in report]


def test_a_name_is_enough(tmp_path):
    """All but the name has a default."""
    assert settings(tmp_path, '[project]\nname = "shop"\n') == Settings(name="shop")


def test_everything_is_read(tmp_path):
    """Every table has its place in the settings; folders are normal paths."""
    assert settings(tmp_path, WHOLE) == Settings(
        name="shop",
        timezone="Europe/Berlin",
        state=StateSettings(url="sqlite:///state.db", snapshots="snapshots"),
        secrets=("WAREHOUSE_URL",),
        paths=("conf", "more"),
        environments=("prod", "staging"),
    )


def test_an_environment_overrides(tmp_path):
    """The chosen environment replaces what it names, key by key, and nothing else."""
    prod = settings(tmp_path, WHOLE, "prod")
    assert (prod.environment, prod.timezone) == ("prod", "Asia/Shanghai")
    assert prod.state == StateSettings(url="postgresql://db/shop", snapshots="snapshots")
    staging = settings(tmp_path, WHOLE, "staging")
    assert staging.timezone == "Europe/Berlin"
    assert staging.state == StateSettings(url="sqlite:///state.db", snapshots="staging")


def test_the_default_environment_needs_no_declaration(tmp_path):
    """Naming the default environment is like naming none."""
    assert settings(tmp_path, WHOLE, "default") == settings(tmp_path, WHOLE)


def test_unknown_environment(tmp_path):
    """An environment that is not declared is an error with the nearest one."""
    assert errors(tmp_path, WHOLE, "prd") == [
        (
            "TOM005",
            "9:2-19",
            "the environment `prd` is not declared",
            "did you mean `prod`? Otherwise add [environments.prd]",
        )
    ]


def test_missing_file(tmp_path):
    """A folder without segflow.toml is no project."""
    _, report = load_project(tmp_path)
    assert [found.code for found in report] == ["TOM001"]


@pytest.mark.parametrize(
    ("text", "code", "place", "summary", "help"),
    [
        (
            '[project]\nname = "shop\n',
            "TOM002",
            "2:13-14",
            "broken TOML: Illegal character '\\n'",
            "",
        ),
        ('[project]\nname = "a"\n[project]\n', "TOM002", "3:9-10", "broken TOML", ""),
        ("[project\n", "TOM002", "1:9-10", "broken TOML", ""),
        (
            '[project]\nname = "a"\nzone = "UTC"\n',
            "TOM003",
            "3:1-5",
            "unknown key `zone` in [project]",
            "known here: name, timezone",
        ),
        (
            '[project]\nname = "a"\n[secret]\nallow = []\n',
            "TOM003",
            "3:2-8",
            "unknown key `secret` in segflow.toml",
            "did you mean `secrets`?",
        ),
        (
            '[project]\nname = "a"\ntimezone = "Mars"  # far\n',
            "VAL005",
            "3:12-18",
            "`Mars` is not a known time zone",
            "an IANA name",
        ),
        ("[project]\nname = 5\n", "TOM004", "2:8-9", "`project.name` must be text in quotes", ""),
        ("[project]\n", "TOM004", "1:2-9", "the project has no name", "[project]"),
        ("", "TOM004", "1:1-2", "the project has no name", "[project]"),
        ('project = "shop"\n', "TOM004", "1:11-17", "`project` must be a table", ""),
        (
            '[project]\nname = "a"\n[paths]\ninclude = ["../other"]\n',
            "TOM004",
            "4:11-23",
            "`../other` leads out of the project",
            "",
        ),
        (
            '[project]\nname = "a"\n[lint]\nignore = ["LNT5"]\n',
            "TOM004",
            "4:10-18",
            "`LNT5` is no code",
            "a code is three letters and three digits, such as LNT005",
        ),
        (
            '[project]\nname = "a"\n[lint]\nunbounded = -1\n',
            "TOM004",
            "4:13-15",
            "`lint.unbounded` must be a whole number from 0",
            "",
        ),
        (
            '[project]\nname = "a"\n[paths]\ninclude = "conf"\n',
            "TOM004",
            "4:11-17",
            "`paths.include` must be a list of texts",
            "",
        ),
        (
            '[project]\nname = "a"\n[state]\nurl = "postgresql://${PASSWORD}@db"\n',
            "SEC002",
            "4:7-36",
            "a secret may not stand here",
            "",
        ),
        (
            '[project]\nname = "a"\n[environments.prod]\nstate = {ur = "x"}\n',
            "TOM003",
            "4:1-6",
            "unknown key `ur` in [environments.prod.state]",
            "did you mean `url`?",
        ),
        (b'[project]\nname = "\xff"\n', "YML007", "2:9-10", "not UTF-8 text", ""),
    ],
)
def test_what_is_wrong_is_told_at_its_place(tmp_path, text, code, place, summary, help):
    """Each fault has its code, its place and a fix where there is one."""
    first = errors(tmp_path, text)[0]
    assert first[:2] == (code, place)
    assert summary in first[2]
    assert help in first[3]


def test_all_faults_at_once(tmp_path):
    """Several faults are told together, in the order of the file."""
    text = '[project]\nnme = "a"\ntimezone = "X"\n[paths]\ninclude = 5\n'
    assert [error[1] for error in errors(tmp_path, text)] == [
        "1:2-9",
        "2:1-4",
        "3:12-15",
        "5:11-12",
    ]


def test_wrong_settings_do_not_hide_the_faults_of_objects(tmp_path):
    """What can still be read of the settings is used to read the rest."""
    toml = '[project]\nname = "a"\ncolour = "red"\n[secrets]\nallow = ["URL"]\n'
    yaml = "source: w\nengine: sqlite\nurl: ${URL}\n---\nsegment: s\n"
    project, report = load(tmp_path, {"segflow.toml": toml, "catalog/a.yaml": yaml})
    assert [found.code for found in report] == ["KEY002", "KEY002", "TOM003"]
    assert project.source("w") is not None


@pytest.mark.parametrize(
    ("folder", "says", "help"),
    [
        ("segmnts", "there is no folder `segmnts`: nothing is read from it", "`segments`"),
        ("elsewhere", "there is no folder `elsewhere`: nothing is read from it", "make it"),
        (
            "segments/a.yaml",
            "`segments/a.yaml` is a file, and folders are named here: nothing is read from it",
            "name the folder",
        ),
    ],
)
def test_a_folder_that_is_named_and_not_there(tmp_path, folder, says, help):
    """It is a warning at the place where it is named: the project may be right without it."""
    text = f'[project]\nname = "a"\n[paths]\ninclude = ["segments", "{folder}"]\n'
    _, report = load(tmp_path, {"segflow.toml": text, "segments/a.yaml": ""})
    (found,) = report
    assert (found.code, found.severity, found.summary) == ("TOM006", "warning", says)
    assert at(found) == f"4:11-{len(folder) + 27}"
    assert help in (found.help or "")


def test_a_default_folder_need_not_be_there(tmp_path):
    """Nobody named it, so nobody is told of it."""
    _, report = load(tmp_path, {})
    assert list(report) == []
