"""The page of tests is true: its example passes, its tables have the keys that are read."""

import re

from segflow.app import trials
from segflow.compiler.pipeline import compile_project
from segflow.loader.predicate import PREDICATE
from segflow.loader.project import load_project
from segflow.loader.records import Record
from segflow.loader.trial import CHECK
from tests.docs.projects import CHECKS, check, examples
from tests.loader.grammar import walk

TEXT = CHECKS.read_text(encoding="utf-8")


def test_the_example_passes(tmp_path):
    """It loads and compiles without a word, and its tests pass in both ways."""
    documents = [block.text for block in examples(CHECKS)]
    assert list(check(tmp_path, *documents, files={"lists/staff.csv": "17\n"})) == []
    compiled, _ = compile_project(load_project(tmp_path)[0])
    assert compiled is not None
    outcomes = list(trials.run(compiled, compiled.trials, ("duckdb",), lambda *_: None))
    assert [outcome.faults for outcome in outcomes] == [()] * 11


def test_every_key_has_a_row():
    """The tables have the keys of checks and tests, and no others."""
    of_leaves = {id(part) for part in walk(PREDICATE, set())}
    records = [part for part in walk(CHECK, set()) if isinstance(part, Record)]
    keys = dict.fromkeys(key for one in records if id(one) not in of_leaves for key in one.keys)
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE) == [
        "check",
        "segment",
        "description",
        "tests",
        *(key for key in keys if key not in CHECK.keys),
    ]
