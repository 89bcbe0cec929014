"""N mixed segments from typed YAML to DuckDB's SQL, against SQLAlchemy compiling equal selects.

The peer's statements are written by hand in SQLAlchemy Core, and only their `compile()` is on its
clock; segflow's time is from the project as loaded to the SQL of every segment. Both texts must be
the same, parameters included.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy
from duckdb_engine import Dialect
from measure import Size, arguments, report
from refresh import CATALOG, EVENT
from sqlalchemy import (
    CTE,
    TIMESTAMP,
    Double,
    Numeric,
    Select,
    String,
    and_,
    cast,
    collate,
    column,
    distinct,
    false,
    func,
    literal,
    not_,
    select,
    table,
)

from segflow.compiler.pipeline import compile_project
from segflow.compiler.routing.route import Router
from segflow.loader.project import load_project
from segflow.model.instant import instant_of

T = datetime(2026, 6, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
ZONED = TIMESTAMP(timezone=True)
DIALECT = Dialect(paramstyle="numeric_dollar")


def days(number: int) -> int:
    """The window of the segment of that number."""
    return 2 + number * 7 % 364


# --- what people write -----------------------------------------------------------------------


def did(number: int) -> str:
    return f"{{did: view, within: {days(number)}d}}"


def did_often(number: int) -> str:
    return f"{{did: view, within: {days(number)}d, at_least: {2 + number % 5}}}"


def did_not(number: int) -> str:
    return f"{{all: [{{field: plan, ne: free}}, {{did_not: purchase, within: {days(number)}d}}]}}"


def summed(number: int) -> str:
    return f"{{sum: purchase.amount, within: {days(number)}d, gt: {100 + number % 900}}}"


def distinct_things(number: int) -> str:
    return f"{{count_distinct: view.sku, within: {days(number)}d, at_least: {2 + number % 5}}}"


def first(number: int) -> str:
    within = days(number)
    return f"{{first_time: view, within: {within}d, older_than: {within // 2}d}}"


def filtered(number: int) -> str:
    return (
        f"{{sum: purchase.amount, within: {days(number)}d,"
        f" where: {{property: channel, eq: web}}, lt: {100 + number % 900}}}"
    )


# --- the same by hand ------------------------------------------------------------------------


def stored(of: Any) -> Any:
    return cast(of, ZONED)


def text(of: Any) -> Any:
    return collate(cast(of, String), "C")


def bound(instant: datetime) -> Any:
    return literal(instant, ZONED)


def amount(of: Any) -> Any:
    return cast(func.nullif(of, cast(literal("NaN"), Double)), Numeric(18, 2))


def number_of(value: int) -> Any:
    return cast(literal(Decimal(value)), Numeric(len(str(value)), 0))


def population() -> CTE:
    users = table("users", column("user_id"), column("created_at"))
    key = users.c.user_id
    found = select(key.label("key")).distinct().where(key.is_not(None))
    return found.where(stored(users.c.created_at) < bound(T + MILLISECOND)).cte("population")


def facts(name: str, number: int, made: Callable[[CTE], Any], **properties: Any) -> CTE:
    """One grouped scan of the events in the window."""
    source = table(f"{name}s", *map(column, ("user_id", "happened_at", *properties)))
    at = stored(source.c.happened_at)
    columns = [
        of(source.c[property_]).label(f"p_{property_}") for property_, of in properties.items()
    ]
    since = T + MILLISECOND - timedelta(days=days(number))
    rows = select(source.c.user_id.label("key"), at.label("time"), *columns)
    rows = rows.where(at < bound(T + MILLISECOND), at >= bound(since))
    events = rows.cte(name)
    grouped = select(events.c.key, made(events).label("f1")).group_by(events.c.key)
    return grouped.cte(f"{name}_facts")


def members(of: CTE, *joined: tuple[Any, Any], where: Any) -> Select[Any]:
    relation: Any = of
    for other, on in joined:
        relation = relation.outerjoin(other, on)
    return select(of.c.key).select_from(relation).where(where)


def one_scan(
    name: str, number: int, made: Any, holds: Callable[[Any], Any], **properties: Any
) -> Select[Any]:
    people, found = population(), facts(name, number, made, **properties)
    return members(people, (found, found.c.key == people.c.key), where=holds(found.c.f1))


def last_time(events: CTE) -> Any:
    return func.max(events.c.time)


def did_by_hand(number: int) -> Select[Any]:
    return one_scan("view", number, last_time, lambda f: f.is_not(None))


def did_often_by_hand(number: int) -> Select[Any]:
    least = 2 + number % 5
    return one_scan("view", number, lambda _: func.count(), lambda f: func.coalesce(f, 0) >= least)


def did_not_by_hand(number: int) -> Select[Any]:
    people, found = population(), facts("purchase", number, last_time)
    fields = table("users", column("user_id"), column("plan")).alias("users_fields")
    return members(
        people,
        (fields, fields.c.user_id == people.c.key),
        (found, found.c.key == people.c.key),
        where=and_(
            not_(func.coalesce(text(fields.c.plan) == literal("free", String), false())),
            not_(func.coalesce(found.c.f1.is_not(None), false())),
        ),
    )


def summed_by_hand(number: int) -> Select[Any]:
    more = number_of(100 + number % 900)
    return one_scan(
        "purchase",
        number,
        lambda events: func.sum(events.c.p_amount),
        lambda f: func.coalesce(f, literal(0)) > more,
        amount=amount,
    )


def distinct_by_hand(number: int) -> Select[Any]:
    least = 2 + number % 5
    return one_scan(
        "view",
        number,
        lambda events: func.count(distinct(events.c.p_sku)),
        lambda f: func.coalesce(f, 0) >= least,
        sku=text,
    )


def first_by_hand(number: int) -> Select[Any]:
    before = T + MILLISECOND - timedelta(days=days(number) // 2)
    return one_scan(
        "view", number, lambda events: func.min(events.c.time), lambda f: f < bound(before)
    )


def filtered_by_hand(number: int) -> Select[Any]:
    less = number_of(100 + number % 900)
    return one_scan(
        "purchase",
        number,
        lambda events: func.sum(events.c.p_amount).filter(
            events.c.p_channel == literal("web", String)
        ),
        lambda f: func.coalesce(f, literal(0)) < less,
        amount=amount,
        channel=text,
    )


KINDS: Sequence[tuple[Callable[[int], str], Callable[[int], Select[Any]]]] = (
    (did, did_by_hand),
    (did_often, did_often_by_hand),
    (did_not, did_not_by_hand),
    (summed, summed_by_hand),
    (distinct_things, distinct_by_hand),
    (first, first_by_hand),
    (filtered, filtered_by_hand),
)


# --- both sides ------------------------------------------------------------------------------


def write_project(folder: Path, count: int) -> None:
    """So many segments, each kind as often."""
    (folder / "segflow.toml").write_text('[project]\nname = "bench"\n')
    for name in ("catalog", "segments"):
        (folder / name).mkdir()
    catalog = CATALOG + EVENT.format(name="purchase") + EVENT.format(name="view")
    (folder / "catalog" / "all.yaml").write_text(catalog)
    said = (
        f"segment: s{number:05}\nentity: user\nwhere: {KINDS[number % len(KINDS)][0](number)}\n"
        for number in range(count)
    )
    (folder / "segments" / "all.yaml").write_text("---\n".join(said))


def compiled_texts(statements: Iterable[Select[Any]]) -> list[tuple[str, list[Any]]]:
    """The SQL of each statement, and its parameters."""
    made = [
        one.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        for one in statements
    ]
    return [(str(one), [one.params[name] for name in one.positiontup or ()]) for one in made]


def by_segflow(folder: Path, count: int) -> dict[str, Any]:
    """The project compiled, and the SQL of every segment."""
    begun = time.perf_counter()
    project, report_ = load_project(folder)
    assert not report_.has_errors, list(report_)
    loaded = time.perf_counter()
    compiled, _ = compile_project(project)
    assert compiled is not None
    router = Router(compiled=compiled, as_of=instant_of(T))
    texts = compiled_texts(
        router.selection(part).statement
        for number in range(count)
        for part in router.segment(f"s{number:05}").parts.values()
    )
    seconds = time.perf_counter() - loaded
    return {"seconds": seconds, "load_s": loaded - begun, "digest": digest(texts)}


def by_peer(count: int) -> dict[str, Any]:
    """The selects written by hand, and each compiled."""
    statements = [KINDS[number % len(KINDS)][1](number) for number in range(count)]
    begun = time.perf_counter()
    texts = compiled_texts(statements)
    return {"seconds": time.perf_counter() - begun, "digest": digest(texts)}


def digest(texts: list[tuple[str, list[Any]]]) -> str:
    return sha256(repr(texts).encode()).hexdigest()


def side(name: str, folder: Path, count: int) -> dict[str, Any]:
    """One side in a process of its own."""
    command = [sys.executable, str(Path(__file__)), "--side", name, str(folder), str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def measure(count: int, folder: Path, runs: int) -> Size:
    """Both sides in turns."""
    write_project(folder, count)
    turns = [{name: side(name, folder, count) for name in ("segflow", "peer")} for _ in range(runs)]
    return Size(
        n=count,
        segflow_s=median(turn["segflow"]["seconds"] for turn in turns),
        peer_s=median(turn["peer"]["seconds"] for turn in turns),
        agree=all(turn["segflow"]["digest"] == turn["peer"]["digest"] for turn in turns),
        beside={"load_s": round(median(turn["segflow"]["load_s"] for turn in turns), 3)},
    )


def main() -> None:
    """Measure each size."""
    if sys.argv[1:2] == ["--side"]:
        name, folder, count = sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
        print(json.dumps(by_segflow(folder, count) if name == "segflow" else by_peer(count)))
        return
    sizes = []
    for count in arguments(str(__doc__), (100, 1_000, 10_000), (100, 1_000)):
        with tempfile.TemporaryDirectory() as folder:
            sizes.append(measure(count, Path(folder), runs=3))
    report(
        name="compile",
        work="n mixed segments, from the project as loaded to DuckDB's SQL",
        peer=f"SQLAlchemy {sqlalchemy.__version__}, compile() of equal selects written by hand",
        sizes=sizes,
    )


if __name__ == "__main__":
    main()
