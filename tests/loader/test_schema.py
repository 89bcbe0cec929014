"""The JSON Schemas: written as they are made, and of one opinion with the loader."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

from segflow.loader.kinds import SHAPES
from segflow.loader.nodes import ListNode, MapNode, Node, Scalar, SourceFile
from segflow.loader.schema import document_schema, kind_schema, schema_files
from segflow.loader.yamlsource import documents
from tests.loader.projects import CASE_FILE, case, case_files, load, load_case, name_of
from tests.loader.texts import swapped

SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCUMENT = Draft202012Validator(document_schema())

# Scalars as YAML 1.2 types them, which is what editors do before they ask a schema.
_CORE = (
    (r"(null|Null|NULL|~|)\Z", lambda text: None),
    (r"(true|True|TRUE)\Z", lambda text: True),
    (r"(false|False|FALSE)\Z", lambda text: False),
    (r"[-+]?[0-9]+\Z", int),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z", float),
)


def instance(node: Node) -> Any:
    """The JSON value of a node, as an editor sees it."""
    match node:
        case MapNode():
            return {key: instance(value) for key, (_, value) in node.entries.items()}
        case ListNode():
            return [instance(item) for item in node.items]
        case Scalar():
            if node.quoted:
                return node.text
            typed = (make(node.text) for form, make in _CORE if re.match(form, node.text))
            return next(typed, node.text)


def faults(text: str) -> list[str]:
    """What the schema says against the documents of a text."""
    broken: list[Any] = []
    roots = list(documents(SourceFile("case.yaml", text), broken))
    told = [fault.message for root in roots for fault in DOCUMENT.iter_errors(instance(root))]
    return told + [fault.summary for fault in broken if fault.code != "YML002"]


@pytest.mark.parametrize("path", case_files(), ids=name_of)
def test_schema_and_loader_agree(path: Path, tmp_path: Path):
    """A document is right for both or wrong for both, save where the case says otherwise.

    Only what a schema can't see is said otherwise: names and keys that stand twice,
    values that contradict each other, and what depends on settings and files. What a blueprint
    makes is open to a schema.
    """
    told = case(path)
    _, report = load_case(tmp_path, told)
    against = faults(told["text"])
    if told.get("schema") in ("accepts", "open"):
        assert report.has_errors
        assert against == []
    else:
        assert bool(against) == report.has_errors, against


def accepted_codes() -> set[str]:
    """The codes of what a schema can't see, by the cases that say so."""
    return {
        error["code"]
        for path in case_files()
        if (told := case(path)).get("schema") == "accepts"
        for error in told["errors"]
    }


@given(text=swapped())
def test_schema_and_loader_agree_on_changed_texts(text):
    """The schema refuses nothing that the loader takes, and takes only what it can't judge."""
    with tempfile.TemporaryDirectory() as folder:
        _, report = load(Path(folder), {CASE_FILE: text, "lists/vips.csv": "17\n"})
    against = faults(text)
    if not report.has_errors:
        assert against == []
    if not against and "blueprint" not in text:
        assert {found.code for found in report} <= accepted_codes()


def test_files_are_up_to_date():
    """schemas/ is what `python -m segflow.loader.schema schemas` writes."""
    on_disk = {file.name: file.read_text(encoding="utf-8") for file in SCHEMAS.glob("*.json")}
    del on_disk["plan.json"]  # of what segflow writes, not of what it reads
    assert on_disk == dict(schema_files())


@pytest.mark.parametrize("kind", SHAPES)
def test_a_kind_has_a_schema_of_its_own(kind):
    """The schema of one kind is valid, stands alone, and refuses the documents of other kinds."""
    schema = kind_schema(kind)
    Draft202012Validator.check_schema(schema)
    of_kind = Draft202012Validator(schema)
    judged = set()
    for path in case_files():
        told = case(path)
        if "errors" not in told:
            root = next(documents(SourceFile("case.yaml", told["text"]), []))
            its_kind = next(key for key in SHAPES if key in instance(root))
            if its_kind == kind or its_kind not in judged:
                assert of_kind.is_valid(instance(root)) == (its_kind == kind), name_of(path)
            judged.add(its_kind)
    assert judged == set(SHAPES)


@pytest.mark.parametrize("kind", SHAPES)
def test_files_of_kinds_refer_to_the_whole(kind):
    """The file of one kind leads to its definition in the file of all."""
    files = {name: json.loads(text) for name, text in schema_files().items()}
    registry = Registry().with_resources(
        (name, Resource.from_contents(schema)) for name, schema in files.items()
    )
    validator = Draft202012Validator({"$ref": f"{kind}.json"}, registry=registry)
    assert not validator.is_valid({kind: "s", "no_such_key": 1})


def test_an_error_lies_at_the_wrong_key():
    """The nested conditions lead to one error at the key that is wrong, as deep as it is."""
    where = {"any": [{"did": "purchase", "witin": "7d"}]}
    document = {"segment": "s", "entity": "customer", "where": where}
    errors = list(DOCUMENT.iter_errors(document))
    assert len(errors) == 1
    worst = best_match(errors)
    assert list(worst.absolute_path) == ["where", "any", 0]
    assert "'witin' was unexpected" in worst.message
