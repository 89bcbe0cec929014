"""The demo tells the truth: its counts equal SQL written by hand over the same file."""

import json
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SEGFLOW = Path(sys.executable).with_name("segflow")

NEW_YEAR = "1998-01-01T00:00:00Z"
A_DAY_LATER = "1998-01-02T00:00:00Z"
A_MONTH_LATER = "1998-02-01T00:00:00Z"
FROM, TO = "1997-03-10T00:00:00Z", "1997-04-09T00:00:00Z"
CODES = {"five_off": 8_000, "ten_off": 4_000}
BUDGET = 10_000

BOUGHT = "select 1 from purchases p where p.customer_id = c.customer_id and p.purchased_at <= $t"
WITHIN = " and p.purchased_at > $t - interval {days} day"


def spent(dollars: int) -> str:
    """At least so much in 90 days."""
    return f"""(select coalesce(sum(p.amount), 0) from purchases p
        where p.customer_id = c.customer_id and p.purchased_at <= $t
        {WITHIN.format(days=90)}) >= {dollars}"""


def times(test: str, days: int) -> str:
    """So many purchases in so many days."""
    return f"({BOUGHT.replace('select 1', 'select count(*)')}{WITHIN.format(days=days)}) {test}"


def conditions(*, edited: bool) -> dict[str, str]:
    """Each segment of the demo as a condition on customers c at instant $t."""
    lapsed_30d = f"not exists ({BOUGHT}{WITHIN.format(days=30)})"
    once = f"({BOUGHT.replace('select 1', 'select count(*)')}) = 1"
    many_cds = f"exists ({BOUGHT}{WITHIN.format(days=180)} and p.cds >= 5)"
    big = spent(150 if edited else 100)
    first = "(select min(p.purchased_at) from purchases p where p.customer_id = c.customer_id)"
    return {
        "lapsed_7d": f"not exists ({BOUGHT}{WITHIN.format(days=7)})",
        "lapsed_30d": lapsed_30d,
        "quiet_gold": f"{lapsed_30d} and exists (select 1 from tiers t"
        " where t.customer_id = c.customer_id and t.tier = 'gold')",
        "big_spenders": big,
        "one_time_buyers": once,
        "frequent": times(">= 4", 180) if edited else times(">= 3", 90),
        "multi_cd_buyers": many_cds,
        "new_buyers": f"{first} > $t - interval 30 day and {first} <= $t",
        "win_back": f"({big} or {many_cds}) and {lapsed_30d} and not ({once})",
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the demo ran to its end, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, CHECKOUT / "demo" / "run.py", "--keep", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The demo's data, asked without segflow."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for table in ("customers", "purchases"):
            path = CHECKOUT / "data" / f"{table}.parquet"
            connection.execute(f"create table {table} as select * from '{path}'")
        connection.execute("create table tiers (customer_id bigint, tier varchar)")
        with closing(sqlite3.connect(CHECKOUT / "data" / "crm.db")) as crm:
            tiers = crm.execute("select customer_id, tier from tiers").fetchall()
        connection.executemany("insert into tiers values (?, ?)", tiers)
        yield connection


def expected(warehouse: duckdb.DuckDBPyConnection, condition: str, at: str) -> int:
    """How many customers existed at the instant and satisfied the condition."""
    row = warehouse.execute(
        f"""with given as (select $at::timestamptz as t)
        select count(*) from customers c, given
        where c.first_seen <= given.t and ({condition.replace("$t", "given.t")})""",
        {"at": at},
    ).fetchone()
    assert row is not None
    return int(row[0])


def asked(folder: Path, *arguments: str) -> dict[str, Any]:
    """What a command says in JSON."""
    command = [SEGFLOW, *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    ("at", "edited"), [(NEW_YEAR, False), (A_DAY_LATER, True), (A_MONTH_LATER, True)]
)
def test_recorded_members_equal_handwritten_sql(
    told: tuple[Path, str], warehouse: duckdb.DuckDBPyConnection, at: str, edited: bool
) -> None:
    """After every step of the demo each segment that it wrote has as many members as SQL finds."""
    folder, _ = told
    changed = {"big_spenders", "frequent", "win_back"}
    names = conditions(edited=edited)
    if at == A_DAY_LATER:
        names = {name: names[name] for name in changed}

    recorded = {
        name: asked(folder, "segment", "count", name, "--recorded-at", at)["count"]
        for name in names
    }

    assert recorded == {
        name: expected(warehouse, condition, at) for name, condition in names.items()
    }


def test_lapsed_7d_on_new_year(told: tuple[Path, str]) -> None:
    """On 1 January 1998, 23,194 buyers have not ordered for more than a week."""
    folder, printed = told

    counted = asked(folder, "segment", "count", "lapsed_7d", "--as-of", NEW_YEAR)

    assert counted == {"segment": "lapsed_7d", "as_of": NEW_YEAR, "count": 23_194}
    assert "23,194" in printed


def test_a_segment_is_read_from_two_sources(told: tuple[Path, str]):
    """The demo shows who is asked what for it, of which its YAML says nothing."""
    folder, printed = told
    assert "segment.quiet_gold is read from 2 sources" in printed
    for source in ("crm (sqlite), which has field tier", "warehouse (duckdb), which has the"):
        assert f"source.{source}" in printed
    text = (folder / "segments/quiet_gold.yaml").read_text()
    assert not any(word in text for word in ("crm", "warehouse", "sqlite", "duckdb", "source"))


def test_plan_after_apply_is_empty(told: tuple[Path, str]) -> None:
    """Right after an apply the demo shows a plan that has nothing to do."""
    assert "\nNo changes." in told[1]


def test_tracked_files_stay_as_they_are(told: tuple[Path, str]) -> None:
    """The demo edits its copy: the checkout's segments still read as in the repository."""
    folder, _ = told
    name = "segments/value.yaml"

    assert "gte: 150" in (folder / name).read_text()
    assert "gte: 150" not in (CHECKOUT / name).read_text()


@pytest.mark.parametrize("part", ["plan", "replay"])
def test_the_readme_shows_what_the_demo_prints(told: tuple[Path, str], part: str) -> None:
    """The plan and the month of the coupon rule in the README are those that the demo makes."""
    readme = (CHECKOUT / "README.md").read_text()
    _, _, rest = readme.partition(f"<!-- {part} output: begin")
    shown, _, _ = rest.partition(f"<!-- {part} output: end -->")
    command, *lines = [line.removeprefix("    ") for line in shown.splitlines()[1:]]

    assert len(lines) > 8
    assert command in told[1]
    assert "\n".join(lines) in told[1]


# --- a month of rules ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def month(told: tuple[Path, str]) -> list[dict[str, Any]]:
    """The runs that the replay of the demo's month reports."""
    runs: list[dict[str, Any]] = asked(told[0], "daemon", "--from", FROM, "--to", TO)["runs"]
    return runs


def of_rule(month: list[dict[str, Any]], rule: str) -> list[dict[str, Any]]:
    """The runs of one rule, oldest first."""
    return [run for run in month if run["rule"] == rule]


def total(runs: list[dict[str, Any]]) -> Counter[str]:
    """The buckets of runs added up."""
    return sum((Counter(run["buckets"]) for run in runs), Counter())


def test_every_rule_runs_on_its_days(month: list[dict[str, Any]]):
    """The coupon rule on thirty mornings, the other two on Mondays."""
    assert [run["scheduled"] for run in of_rule(month, "winback_coupon")] == [
        *(f"1997-03-{day:02}T09:00:00Z" for day in range(10, 32)),
        *(f"1997-04-{day:02}T09:00:00Z" for day in range(1, 9)),
    ]
    mondays = ("03-10", "03-17", "03-24", "03-31", "04-07")
    for rule, hour in (("call_list", "07"), ("thank_big_spenders", "10")):
        assert [run["scheduled"] for run in of_rule(month, rule)] == [
            f"1997-{monday}T{hour}:00:00Z" for monday in mondays
        ]


def test_audiences_of_the_month_equal_handwritten_sql(
    month: list[dict[str, Any]], warehouse: duckdb.DuckDBPyConnection
):
    """Each morning's audience is everyone who then had not bought for a week."""
    condition = conditions(edited=True)["lapsed_7d"]
    for run in of_rule(month, "winback_coupon"):
        assert run["audience"] == expected(warehouse, condition, run["scheduled"])


def test_buckets_of_every_run_add_up(month: list[dict[str, Any]]):
    """Nobody of an audience is missing, nobody counts twice."""
    assert len(month) == 40
    for run in month:
        assert sum(run["buckets"].values()) == run["audience"]


def test_coupons_are_counted_to_the_last_code(month: list[dict[str, Any]]):
    """Every coupon of the budget is given, the dear offer down to its last code; each delivered
    message brought one."""
    runs = of_rule(month, "winback_coupon")
    given: Counter[str] = sum((Counter(run["coupons"]) for run in runs), Counter())
    assert given.total() == total(runs)["delivered"] == BUDGET
    assert given["ten_off"] == CODES["ten_off"]
    assert given["five_off"] == BUDGET - CODES["ten_off"]
    assert max(run["buckets"].get("delivered", 0) for run in runs) == 400


def test_the_month_meets_every_limit(month: list[dict[str, Any]]):
    """Caps, budget, stock and the size of a run each keep somebody back; one in ten is held out."""
    runs = of_rule(month, "winback_coupon")
    seen = total(runs)
    for bucket in ("held_out", "capped", "out_of_stock", "over_budget", "over_max_recipients"):
        assert seen[bucket] > 0
    for run in runs:
        assert 0.09 < run["buckets"]["held_out"] / run["audience"] < 0.11


def test_the_demo_ends_with_a_table_that_adds_up(
    told: tuple[Path, str], month: list[dict[str, Any]]
):
    """One line per rule with the numbers of its month, as the replay gives them to programs."""
    _, printed = told
    for rule in ("winback_coupon", "call_list", "thank_big_spenders"):
        runs = of_rule(month, rule)
        _, _, rest = printed.partition(f"\nrule.{rule}: {len(runs)} runs")
        table, _, _ = rest.partition("\n\n")
        audience = sum(run["audience"] for run in runs)
        shown = {
            name.strip(): int(number.replace(",", ""))
            for name, _, number in (line.rpartition(" ") for line in table.splitlines()[2:-1])
        }
        assert shown.pop("audience") == audience == sum(shown.values())
        assert shown == {bucket.replace("_", " "): n for bucket, n in total(runs).items()}


def test_the_picture_shows_the_funnel(told: tuple[Path, str], month: list[dict[str, Any]]):
    """A whole SVG with the month's audience in it."""
    drawn = ET.parse(told[0] / "funnel.svg").getroot()
    text = " ".join("".join(drawn.itertext()).split())
    assert drawn.tag.endswith("svg")
    for rule in ("winback_coupon", "call_list", "thank_big_spenders"):
        assert rule in text
        assert f"{sum(run['audience'] for run in of_rule(month, rule)):,}" in text
