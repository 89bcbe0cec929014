"""The demo tells the truth: its counts equal SQL written by hand over the same file."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SEGFLOW = Path(sys.executable).with_name("segflow")

NEW_YEAR = "1998-01-01T00:00:00Z"
A_DAY_LATER = "1998-01-02T00:00:00Z"
A_MONTH_LATER = "1998-02-01T00:00:00Z"

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


def asked(folder: Path, *arguments: str) -> dict[str, object]:
    """What a command says in JSON."""
    command = [SEGFLOW, *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
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


def test_plan_after_apply_is_empty(told: tuple[Path, str]) -> None:
    """Right after an apply the demo shows a plan that has nothing to do."""
    assert "\nNo changes." in told[1]


def test_tracked_files_stay_as_they_are(told: tuple[Path, str]) -> None:
    """The demo edits its copy: the checkout's segments still read as in the repository."""
    folder, _ = told
    name = "segments/value.yaml"

    assert "gte: 150" in (folder / name).read_text()
    assert "gte: 150" not in (CHECKOUT / name).read_text()


def test_the_readme_shows_what_the_demo_prints(told: tuple[Path, str]) -> None:
    """The plan in the README is the one that the demo makes."""
    readme = (CHECKOUT / "README.md").read_text()
    _, _, rest = readme.partition("<!-- plan output: begin")
    shown, _, _ = rest.partition("<!-- plan output: end -->")
    lines = shown.splitlines()[1:]

    assert len(lines) > 10
    assert "\n".join(line.removeprefix("    ") for line in lines) in told[1]
