"""The page of rules is true: its examples load, its tables are the code's."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from segflow.campaign.gate import Bucket
from segflow.campaign.message import Rendered, prepare, render
from segflow.channels.envelope import to_json
from segflow.channels.settings import check_settings
from segflow.compiler.passes.supported_rules import KINDS
from segflow.compiler.templates import KNOWN_NAMES, check_template
from segflow.loader.channel import CHANNEL, CHANNEL_KINDS, OFFER
from segflow.loader.event_predicate import EVENT_PREDICATE
from segflow.loader.predicate import PREDICATE
from segflow.loader.project import load_project
from segflow.loader.records import Record
from segflow.loader.rule import RULE
from segflow.loader.shapes import Shape
from segflow.model.channel import Channel
from segflow.ports import Message
from tests.docs.pages import Block, blocks
from tests.docs.projects import RULES, check, examples, segment
from tests.loader.grammar import walk

TEXT = RULES.read_text(encoding="utf-8")
MINIMAL = {
    "rule": "rule: example",
    "segment": "segment: lapsed_30d",
    "trigger": "trigger: {every: 1d}",
    "send": "send: [{channel: push}]",
}


def documents() -> list[str]:
    """The page's own whole documents."""
    return [block.text for block in examples(RULES)]


def files() -> dict[str, str]:
    """The files that the page shows, by name."""
    return {name: block.text for block in blocks(RULES) if (name := block.note("file"))}


def templates(*, refused: bool) -> list[Block]:
    """The templates of the page that can be filled in, or those said to be refused."""
    shown = [block for block in blocks(RULES) if block.language == "jinja"]
    return [block for block in shown if (block.notes == ("refused",)) == refused]


def rule(text: str) -> str:
    """A small rule with the example's keys in the place of its own."""
    given = set(re.findall(r"^([a-z_]+):", text, re.MULTILINE))
    given |= {"send"} if "steps" in given else set()
    return "\n".join([*(line for key, line in MINIMAL.items() if key not in given), text])


def cells(text: str) -> Iterator[str]:
    """What stands in backticks in the first column of tables."""
    for cell in re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE):
        yield from re.findall(r"`([^`]+)`", cell)


def section(title: str) -> str:
    """The text below a heading, up to the next one as high."""
    _, _, rest = TEXT.partition(f"\n## {title}\n")
    assert rest
    return rest.partition("\n## ")[0]


def test_the_whole_examples_are_valid(tmp_path):
    """The documents of the page, its template and its codes load and compile without a word."""
    assert list(check(tmp_path, segment(), *documents(), files=files())) == []


def test_the_settings_of_the_channels_are_those_of_their_kinds(tmp_path):
    """Each channel of the page can be opened as it is written."""
    check(tmp_path, *documents(), files=files())
    project, _ = load_project(tmp_path)
    channels = [one for one in project if isinstance(one, Channel)]
    assert {one.kind for one in channels} == set(KINDS)
    assert [finding for one in channels for finding in check_settings(one)] == []


@pytest.mark.parametrize("block", examples(RULES, "rule"), ids=str)
def test_parts_of_rules_that_are_shown_work(block, tmp_path):
    """Each part is that of a rule which loads and compiles without a word."""
    assert list(check(tmp_path, segment(), *documents(), rule(block.text), files=files())) == []


@pytest.mark.parametrize("block", examples(RULES, "rule", "refused"), ids=str)
def test_parts_of_rules_said_to_be_refused_are_refused(block, tmp_path):
    """Each is read without an error of shape and refused by name, and only that. When one begins to
    work, the page is wrong."""
    found = check(tmp_path, segment(), *documents(), rule(block.text), files=files())
    assert {one.code for one in found} == {"SUP001"}


@pytest.mark.parametrize("block", examples(RULES, "channel", "refused"), ids=str)
def test_channels_said_to_be_refused_are_refused(block, tmp_path):
    """Likewise for the kinds of channels."""
    assert {one.code for one in check(tmp_path, block.text)} == {"SUP001"}


def test_every_kind_of_channel_is_told_of():
    """A kind is either in an example that works or among the refused."""
    refused = "\n".join(block.text for block in examples(RULES, "channel", "refused"))
    assert set(re.findall(r"^kind: (\w+)$", "\n".join(documents()), re.MULTILINE)) == set(KINDS)
    assert set(re.findall(r"^kind: (\w+)$", refused, re.MULTILINE)) == {*CHANNEL_KINDS} - {*KINDS}


def keys_below(*shapes: Shape[object]) -> set[str]:
    """Every key of every mapping that the shapes are made of."""
    below = (part for shape in shapes for part in walk(shape, set()))
    return {key for part in below if isinstance(part, Record) for key in part.keys}


def test_every_key_has_a_row_or_an_example():
    """The keys of rules, channels and offers stand in tables, those of what is in them there or in
    an example. The keys of conditions are the language page's."""
    in_tables = set(cells(TEXT))
    assert [
        key for kind in (RULE, CHANNEL, OFFER) for key in kind.keys if key not in in_tables
    ] == []
    in_examples = {key for block in blocks(RULES) for key in re.findall(r"\b(\w+):", block.text)}
    keys = keys_below(RULE, CHANNEL, OFFER) - keys_below(PREDICATE, EVENT_PREDICATE)
    assert len(keys) > 50
    assert keys - in_tables - in_examples == set()


def test_the_buckets_are_those_of_the_gate():
    """The table of the gate has every bucket, in its order."""
    found = re.findall(r"^\|[^|]*\| `([a-z_]+)` \|", section("The gate"), re.MULTILINE)
    assert found == list(get_args(Bucket))


def test_the_names_that_templates_know_are_documented():
    """What is known of offers and runs is named, and nothing else."""
    known = {f"{scope}.{name}" for scope, names in KNOWN_NAMES.items() for name in names}
    told = {cell for cell in cells(section("Templates")) if "." in cell}
    assert told == known | {"user.FIELD"}


@pytest.mark.parametrize(
    ("row", "unknown"), [("filters", "{{ run.id | nope }}"), ("tests", "{{ run.id is nope }}")]
)
def test_filters_and_tests_are_documented(row, unknown):
    """The page lists what a template may use, as the message about an unknown one does."""
    (finding,) = check_template(unknown)
    (listed,) = re.findall(rf"^\| {row} \| (.*) \|$", TEXT, re.MULTILINE)
    assert f"there are: {listed.replace('`', '')}" == finding.help


FACTS = {
    "user": {"country": "DE", "points": None},
    "offer": {"code": "FIVE-1", "name": "five_off", "value": 5, "expires_at": None},
    "run": {"id": "x", "rule": "winback", "scheduled": "2026-01-01", "variant": "five"},
}


def test_templates_that_are_shown_can_be_filled_in():
    """Each makes a message, for a user who lacks something too."""
    shown = templates(refused=False)
    assert len(shown) >= 2
    for block in shown:
        assert isinstance(render(prepare(block.text), FACTS), Rendered), str(block)


@pytest.mark.parametrize("block", templates(refused=True), ids=str)
def test_templates_said_to_be_refused_are_refused(block):
    """Each has a finding that says so."""
    assert check_template(block.text) != ()


def test_what_a_receiver_gets_is_documented():
    """The keys of the object that webhooks and files get are on the page."""
    message = Message(send_id="1", key="2", rule="r", run_id="3", variant="v", body=None, facts={})
    keys = list(json.loads(to_json(message)))
    assert keys == ["send_id", "key", "rule", "run_id", "variant", "body", "facts"]
    assert [key for key in keys if f"`{key}`" not in section("Channels")] == []


def test_no_note_is_misspelled():
    """Every block of the page is tried by one of these tests."""
    known = {("jinja", ("message",)), ("jinja", ("refused",))}
    for block in blocks(RULES):
        if block.language != "yaml" and block.note("file") is None:
            assert (block.language, block.notes) in known, str(block)


def test_files_that_are_shown_lie_where_they_say(tmp_path: Path):
    """The template and the codes that the page shows are the ones that its examples name."""
    check(tmp_path, segment(), *documents(), files=files())
    project, _ = load_project(tmp_path)
    assert set(project.files) == set(files())
