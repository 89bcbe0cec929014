"""Users whose keys are strings: what commands do for them, and where they stop."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import AS_OF
from tests.warehouse import SETTINGS, write, write_table

CATALOG = """\
source: warehouse
engine: duckdb
tables: {customers: data/customers.parquet, accounts: data/accounts.parquet}
---
entity: account
key: {type: string}
population: {source: warehouse, table: accounts, key: account_id}
fields:
  tier: {type: string, at: {source: warehouse, table: accounts, key: account_id, column: tier}}
---
entity: customer
key: {type: integer}
population: {source: warehouse, table: customers, key: customer_id}
---
relation: account
from: {entity: customer, column: account_id}
to: {entity: account}
"""
ACCOUNTS = """\
segment: gold
entity: account
where: {field: tier, eq: gold}
tests:
  - {name: a gold one, as_of: 2026-01-31, user: {key: " a", tier: gold}, expect: in}
  - {name: a key is given, as_of: 2026-01-31, user: {tier: blue}, expect: out}
"""
OTHERS = """\
segment: many_gold
entity: account
where: {all: [{segment: gold}, {sample: 100%}, {members: customer, where: {everyone: true}}]}
"""
CUSTOMERS = """\
segment: of_gold
entity: customer
where: {via: account, where: {field: tier, eq: gold}}
"""
KEYS = ["", "#1", "10", "9", "A", "a", "a ", "é,x", "e\u0301"]
"""Those of gold; blue ones are the same with an x behind."""


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose accounts have texts for keys; customers of integers belong to them."""
    files = {
        "segflow.toml": SETTINGS,
        "catalog/shop.yaml": CATALOG,
        "segments/accounts.yaml": ACCOUNTS,
        "segments/customers.yaml": CUSTOMERS,
    }
    write(tmp_path, files)
    accounts(tmp_path, KEYS)
    owners = pa.array(["a", "A", "a ", "ax", None], pa.string())
    write_table(tmp_path, "customers", {"customer_id": pa.array(range(5)), "account_id": owners})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def accounts(root: Path, gold: list[str]) -> None:
    keys = gold + [f"{key}x" for key in gold]
    tiers = ["gold"] * len(gold) + ["blue"] * len(gold)
    write_table(root, "accounts", {"account_id": pa.array(keys), "tier": pa.array(tiers)})


def test_they_are_valid_and_evaluated(segflow, texts):
    """validate, compile, count and members of integer-keyed and string-keyed users."""
    assert segflow("validate").code == 0
    assert segflow("segment", "count", "gold", "--as-of", AS_OF).out == "9\n"
    assert segflow("segment", "members", "of_gold", "--as-of", AS_OF).out.split() == ["0", "1", "2"]
    assert 'COLLATE "C"' in segflow("compile", "gold", "--as-of", AS_OF).out
    write(texts, {"segments/others.yaml": OTHERS})
    members = segflow("segment", "members", "many_gold", "--json", "--as-of", AS_OF)
    assert json.loads(members.out)["members"] == ["A", "a", "a "]


def test_members_are_in_order_of_code_points(segflow, texts):
    """One key per line; as JSON and in files the keys are what they are."""
    words = ("segment", "members", "gold", "--as-of", AS_OF)
    assert segflow(*words).out == "".join(f"{key}\n" for key in sorted(KEYS))
    assert json.loads(segflow(*words, "--json").out)["members"] == sorted(KEYS)
    assert segflow(*words, "--out", "gold.parquet").code == 0
    table = pq.read_table(texts / "gold.parquet")
    assert table.to_pydict() == {"account_id": sorted(KEYS)}


def test_a_list_that_members_wrote_names_them(segflow, texts):
    """The CSV that a command writes is one that `in_file` reads as it was."""
    segflow("segment", "members", "gold", "--as-of", AS_OF, "--out", "gold.csv")
    listed = "segment: listed\nentity: account\nwhere: {in_file: gold.csv}\n"
    write(texts, {"segments/listed.yaml": listed})
    found = segflow("segment", "members", "listed", "--as-of", AS_OF, "--json")
    assert json.loads(found.out)["members"] == sorted(KEYS)


@pytest.mark.parametrize("key", ["a\nb", "\x1b[2J", "a\u2028b"])
def test_a_key_that_breaks_its_line_is_not_printed(segflow, texts, key):
    """It would be taken for two, or steer the terminal; JSON and CSV hold it."""
    accounts(texts, [key])
    words = ("segment", "members", "gold", "--as-of", AS_OF)
    for refused in (segflow(*words), segflow(*words, "--out", "gold.txt")):
        assert refused.code == 1
        assert "can't be shown on a line" in refused.err
        assert "--json" in refused.err
        assert key not in refused.err
    assert json.loads(segflow(*words, "--json").out)["members"] == [key]
    assert segflow(*words, "--out", "gold.csv").code == 0


def test_one_of_them_is_explained(segflow, texts):
    """The key is asked for as it is, in quotes where it is shown."""
    words = ("segment", "explain", "gold", "--as-of", AS_OF)
    assert segflow(*words, "--key", "a ").out.startswith(f'account "a " is in gold as of {AS_OF}.')
    assert segflow(*words, "--key", "").out.startswith('account "" is in gold')
    assert segflow(*words, "--key", "ax").out.startswith('account "ax" is not in gold')
    assert 'Nothing is known of account " a"' in segflow(*words, "--key", " a").out
    assert json.loads(segflow(*words, "--key", "10", "--json").out)["key"] == "10"
    refused = segflow(*words, "--key", "\udcff")
    assert refused.code == 1
    assert "is not a key: keys are texts of UTF-8" in refused.err


def test_their_tests_are_run(segflow, texts):
    """By the reference and by the engines of this process."""
    ran = segflow("test", "--engine", "duckdb", "--engine", "sqlite")
    assert ran.code == 0, ran.out
    assert "2 passed" in ran.out


def test_their_segments_are_not_planned(segflow, texts):
    """Each is told where it names its entity, by plan and apply alike; nothing is deployed."""
    for words in (("plan",), ("plan", "--no-impact"), ("apply", "--auto-approve")):
        refused = segflow(*words)
        assert refused.code == 1
        assert "error[PLN001]: segment 'gold' can't be planned yet" in refused.err
        assert "segments/accounts.yaml:2:9" in refused.err
        assert "of_gold" not in refused.err
    assert "nothing is deployed yet" in segflow("refresh").err


def test_what_rests_on_them_is_deployed(segflow, texts):
    """Their entity may be; segments of users with integer keys ask for them, and are kept."""
    (texts / "segments" / "accounts.yaml").unlink()
    assert segflow("apply", "--auto-approve", "--as-of", AS_OF).code == 0
    later = "2026-04-02T00:00:00Z"
    accounts(texts, ["a"])
    assert segflow("refresh", "--as-of", later).code == 0
    words = ("segment", "members", "of_gold", "--recorded-at")
    assert segflow(*words, AS_OF).out.split() == ["0", "1", "2"]
    assert segflow(*words, later).out.split() == ["0"]


def test_a_column_of_the_wrong_keys_is_told(segflow, texts):
    """The column of a relation holds keys of the entity that it leads to."""
    ends = "from: {entity: account, column: tier}\nto: {entity: customer}\n"
    catalog = CATALOG[: CATALOG.index("from:")] + ends
    write(texts, {"catalog/shop.yaml": catalog, "segments/customers.yaml": ""})
    told = segflow("validate")
    assert told.code == 1
    assert "error[SRC004]: column `tier` of table accounts is VARCHAR, not integer" in told.out
    assert "catalog/shop.yaml:16:33" in told.out
