"""The reference is true: its examples load, its tables are the code's, its links lead somewhere."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from segflow import errors
from segflow.app.codes import OF_DOCTOR
from segflow.cli import failures
from segflow.cli.main import main
from segflow.compiler.lint.codes import CODES as OF_LINT
from segflow.loader.project import load_project
from segflow.model.address import Address
from segflow.model.codec import canonical
from segflow.model.cost import Question, ScanCost
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.plan import AttributeChange, Blocked, Change, Impact, Plan, Scan
from segflow.model.project import LintSettings
from segflow.model.rule import Action, EveryTrigger, Rule, Variant
from segflow.planner.machine import to_json
from tests.docs import commands_page, diagnostics_page
from tests.docs.pages import DOCS, blocks, pages, tables_of_keys
from tests.docs.projects import (
    BLUEPRINTS,
    CATALOG,
    CHECKS,
    LANGUAGE,
    RULES,
    check,
    examples,
    segment,
)

README = DOCS.parent / "README.md"
SETTINGS = DOCS / "reference" / "settings.md"


def predicate(text: str) -> str:
    """A segment whose `where` is the example."""
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    return f"segment: example\nentity: customer\nwhere:\n{indented}\n"


def test_the_catalog_and_the_whole_segment_are_valid(tmp_path):
    """The two complete examples load and compile without a word."""
    assert list(check(tmp_path, segment())) == []


def test_the_blueprint_is_valid(tmp_path):
    """The example of the page makes three segments without a word."""
    (block,) = examples(BLUEPRINTS)
    assert list(check(tmp_path, block.text)) == []
    project, _ = load_project(tmp_path)
    assert [one.name for one in project.segments()] == [
        "quiet_iberia_30d",
        "quiet_nordic_30d",
        "quiet_nordic_7d",
    ]


@pytest.mark.parametrize("block", examples(LANGUAGE, "predicate"), ids=str)
def test_conditions_that_are_shown_work(block, tmp_path):
    """Each condition of the language page loads and compiles without a word."""
    assert list(check(tmp_path, segment(), predicate(block.text))) == []


@pytest.mark.parametrize("block", examples(LANGUAGE, "refused"), ids=str)
def test_conditions_said_to_be_refused_are_refused(block, tmp_path):
    """Each is read without an error of shape and refused by name, and only that: no crash, no
    silence. When one begins to work, the page is wrong."""
    found = list(check(tmp_path, segment(), predicate(block.text)))
    assert {one.code for one in found} & {"SUP001", "NOT001"}
    assert {one.code for one in found} <= {"SUP001", "NOT001", "RES001"}


def test_every_yaml_block_is_an_example_or_written_to_a_file():
    """No YAML in the docs goes unchecked."""
    known = {
        CATALOG: {()},
        BLUEPRINTS: {()},
        CHECKS: {()},
        LANGUAGE: {(), ("predicate",), ("refused",)},
        RULES: {(), ("rule",), ("rule", "refused"), ("channel", "refused")},
    }
    for page in pages("."):
        for block in blocks(page):
            if block.language == "yaml" and block.note("file") is None:
                assert block.notes in known.get(page, set()), str(block)


def test_the_example_of_the_readme_is_valid(tmp_path):
    """The catalog and the segment on the front page load and compile without a word."""
    *shown, _ = (block.text for block in blocks(README) if block.language == "yaml")
    assert len(shown) >= 2
    assert list(check(tmp_path, "\n---\n".join(shown), catalog=False)) == []


def test_the_rule_of_the_readme_is_the_demos():
    """What the front page shows of the coupon rule stands so in the demo project, which is tested
    as a whole."""
    *_, shown = (block.text for block in blocks(README) if block.language == "yaml")
    rule, *_ = yaml.safe_load_all((DOCS.parent / "rules" / "winback.yaml").read_text())
    said = yaml.safe_load(shown)
    assert said == {key: rule[key] for key in said}


def test_the_settings_example_is_valid(tmp_path):
    """segflow.toml as shown is read, with its environment."""
    (block,) = (block for block in blocks(SETTINGS) if block.language == "toml")
    (tmp_path / "segflow.toml").write_text(block.text)
    for folder in ("catalog", "segments"):
        (tmp_path / folder).mkdir()
    for environment, zone in ((None, "Europe/Berlin"), ("prod", "America/New_York")):
        project, report = load_project(tmp_path, environment)
        assert list(report) == []
        assert project.settings.timezone == zone
    assert project.settings.state.url == "sqlite:///prod/state.db"


def test_the_page_of_commands_is_the_commands_help():
    """`python -m tests.docs.write` brings it up to date."""
    assert commands_page.PAGE.read_text(encoding="utf-8") == commands_page.render()


def test_the_page_of_diagnostics_has_every_code():
    """`python -m tests.docs.write` brings it up to date."""
    assert diagnostics_page.PAGE.read_text(encoding="utf-8") == diagnostics_page.render()


def test_the_page_of_lint_has_every_code():
    """Each code of lint has a section of its own, in order, with its title."""
    page = (DOCS / "reference" / "lint.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        f"{code}: {title}" for code, title in OF_LINT.items()
    ]


def test_the_page_of_doctor_has_every_code():
    """Each code of doctor has a section of its own, in order, with its title."""
    page = (DOCS / "reference" / "doctor.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (DOC.*)$", page, re.MULTILINE) == [
        f"{code}: {title}" for code, title in OF_DOCTOR.items()
    ]


def test_the_settings_of_lint_are_those_that_are_read(tmp_path):
    """The lines that the page shows are read without a word."""
    page = (DOCS / "reference" / "lint.md").read_text(encoding="utf-8")
    lines = [line[4:] for line in page.splitlines() if line.startswith("    ")]
    (tmp_path / "segflow.toml").write_text('[project]\nname = "docs"\n' + "\n".join(lines))
    project, report = load_project(tmp_path)
    assert list(report) == []
    assert project.settings.lint == LintSettings(ignore=("LNT004", "TPL002"), unbounded=1)


def test_a_code_means_one_thing():
    """No code is given by two layers."""
    codes = [code for table in diagnostics_page.TABLES.values() for code in table]
    assert len(codes) == len(set(codes))


def raised() -> Iterator[type[errors.SegflowError]]:
    """The exceptions of errors.py that are raised: those with none below them, and two more."""
    for found in vars(errors).values():
        if isinstance(found, type) and issubclass(found, errors.SegflowError):
            below = [one for one in found.__subclasses__() if one.__module__ == errors.__name__]
            if not below or found in (errors.RefusedError, errors.SourceUnavailableError):
                yield found


def test_every_kind_of_failure_is_documented():
    """The kinds of the page are those of the exception tree, and three of the command's own."""
    page = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([a-z_]+)` \|", page, flags=re.MULTILINE)
    kinds = {failures.kind(found.__new__(found)) for found in raised()}
    assert sorted(documented) == sorted(kinds | {"usage", "file", "internal"})


def test_every_exit_code_is_documented():
    """The codes of the page are those of the command."""
    page = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| ([0-9]+) \|", page, flags=re.MULTILINE)
    codes = (failures.OK, failures.ERROR, failures.CHANGES, failures.BLOCKED, failures.INTERRUPTED)
    assert documented == [str(code) for code in codes]


def full_plan() -> Plan:
    """A plan in which nothing is empty."""
    address = Address("rule", "a")
    rule = Rule(
        name="a",
        segment="s",
        trigger=EveryTrigger(every=Duration(count=1, unit="d")),
        variants=(Variant(name="one", send=(Action(channel="push"),)),),
    )
    change = Change(
        address=address,
        action="update",
        canonical=canonical(rule),
        attributes=(AttributeChange(path="where.gte", before="1", after="2"),),
        because=(address,),
        reaches=(address,),
        impact=Impact(size_now=1, size_after=2, entered=1, left=0),
        scans=(Scan(source="crm", engine="sqlite", table="t", is_added=True, others=0),),
    )
    question = Question(source="crm", engine="sqlite", tables=("t",), segments=1, microseconds=1)
    return Plan(
        id="id",
        project="docs",
        environment="default",
        lineage=None,
        serial=0,
        as_of=Instant(0),
        with_impact=True,
        changes=(change,),
        unchanged=0,
        steps=(),
        bases=(),
        blocked=(Blocked(address=address, rule="protect.max_size", message="x"),),
        costs=(ScanCost(source="crm", table="t", level=0, segments=1, last=question),),
    )


def test_every_key_of_a_plans_json_is_documented():
    """The tables of the page have the keys of the plan, a change, an impact, a rule, a scan and a
    question."""
    page = (DOCS / "reference" / "plan-json.md").read_text(encoding="utf-8")
    plan = to_json(full_plan())
    change = plan["changes"][0]
    assert [sorted(table) for table in tables_of_keys(page)] == [
        sorted(plan),
        sorted(change),
        sorted(change["impact"]),
        sorted(change["rule"]),
        sorted(change["scans"][0]),
        sorted(change["scans"][0]["last"]),
    ]
    assert f'"{plan["format_version"]}"' in page


def test_validates_json_is_as_documented(tmp_path, monkeypatch, capsys):
    """The keys that the page of diagnostics names are those that are printed."""
    page = diagnostics_page.PAGE.read_text(encoding="utf-8")
    (tmp_path / "segflow.toml").write_text("[projct]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    (first, *_) = printed["diagnostics"]
    keys = [*printed, *first, *first["range"], *first["snippet"]]
    assert [key for key in keys if f"`{key}`" not in page and f'"{key}"' not in page] == []


@pytest.mark.parametrize("page", pages("."), ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page):
    """Every relative link names a file that is there."""
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
