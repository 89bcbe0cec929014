"""`segflow refresh` of N segments over one DuckDB database, against hand-written SQL.

The peer asks each segment as one query in the best form that we know, one after another on the same
database, fetches the ids through Arrow and writes them as roaring bitmaps. Ids are compared one by
one.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from measure import Size, checked, race, report
from pyroaring import BitMap64

SEGFLOW = str(Path(sys.executable).with_name("segflow"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FULL, QUICK = (2_000_000, 20_000_000), (300_000, 3_000_000)
"""Users and events."""

# --- the warehouse ---------------------------------------------------------------------------

DAYS = 400
USERS = """\
CREATE TABLE users AS SELECT
  i AS user_id,
  $now::timestamptz - to_days(CAST(400 + hash(i, 1) % 1000 AS INTEGER)) AS created_at,
  ['US', 'DE', 'FR', 'CN', 'BR', 'IN', 'JP', 'GB', 'ES', 'IT'][1 + (hash(i, 2) % 10)::int]
    AS country,
  ['free', 'basic', 'pro', 'team'][1 + (hash(i, 3) % 4)::int] AS plan
FROM range(1, $users + 1) t(i)
"""
# Times are evenly spread and never equal, so that "the last event" needs no tie-break in the peer's
# SQL; users are skewed: a tenth of them has a third of all events.
EVENTS = """\
CREATE TABLE {name} AS SELECT
  i AS id,
  1 + (pow((hash(i, {seed}) % 100000000) / 100000000.0, 2) * $users)::bigint AS user_id,
  $now::timestamptz
    - to_milliseconds(($events - i) * ({days}::bigint * 86400000 // $events) + {seed})
    AS happened_at,
  CAST((hash(i, {seed} + 1) % 50000) * 0.01 AS decimal(18, 2)) AS amount,
  'sku_' || (hash(i, {seed} + 2) % 500) AS sku,
  ['web', 'ios', 'android', 'store'][1 + (hash(i, {seed} + 3) % 4)::int] AS channel
FROM range(1, $events + 1) t(i)
"""


def write_warehouse(file: Path, users: int, events: int) -> None:
    """The same rows each time: users, and events of which two in five are purchases."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(USERS, {"now": NOW, "users": users})
        for name, seed, share in (("purchases", 10, 2), ("views", 20, 3)):
            given = {"now": NOW, "users": users, "events": events * share // 5}
            connection.execute(EVENTS.format(name=name, seed=seed, days=DAYS), given)


CATALOG = """\
source: warehouse
engine: duckdb
url: warehouse.duckdb
---
entity: user
key: {type: integer, ordinals: direct}
population: {source: warehouse, table: users, key: user_id, since: created_at}
fields:
  country: {type: string, at: {source: warehouse, table: users, key: user_id, column: country}}
  plan: {type: string, at: {source: warehouse, table: users, key: user_id, column: plan}}
"""
EVENT = """\
---
event: {name}
entities: {{user: user_id}}
at:
  source: warehouse
  table: {name}s
  time: happened_at
  id: {{column: id, type: integer}}
  unique: true
properties:
  amount: {{type: "decimal(18,2)", column: amount}}
  sku: {{type: string, column: sku}}
  channel: {{type: string, column: channel}}
"""

# --- the mix ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One segment said twice: as the YAML of its `where`, and as the peer's SQL, which may speak of
    $now and of `people`, the users that exist."""

    where: str
    sql: str


WINDOWS = (7, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365)
CHANNELS = ("web", "ios", "android", "store")
COUNTRIES = ("US", "DE", "FR", "CN", "BR")


def days(number: int) -> int:
    """A window for the segment of that number; all are used about as often."""
    return WINDOWS[number * 7 % len(WINDOWS)]


def rows(table: str, within: int, more: str = "") -> str:
    """The rows of a window, for the peer."""
    return (
        f"FROM {table} WHERE happened_at > $now - INTERVAL {within} DAY"
        f" AND happened_at <= $now{more}"
    )


def did(number: int) -> Written:
    """Happened, often enough."""
    within, table = days(number), "purchase" if number % 2 else "view"
    times = 1 + number // 2 % 3
    counted = "" if times == 1 else f", at_least: {times}"
    having = "" if times == 1 else f" GROUP BY user_id HAVING count(*) >= {times}"
    return Written(
        where=f"{{did: {table}, within: {within}d{counted}}}",
        sql=f"SELECT user_id FROM people SEMI JOIN"
        f" (SELECT user_id {rows(table + 's', within)}{having}) USING (user_id)",
    )


def did_not(number: int) -> Written:
    """Did not happen, though it had happened before."""
    within, table = days(number), "purchase" if number % 2 else "view"
    return Written(
        where=f"{{all: [{{field: plan, ne: free}}, {{did_not: {table}, within: {within}d}}]}}",
        sql=f"SELECT user_id FROM people ANTI JOIN (SELECT user_id {rows(table + 's', within)})"
        " USING (user_id) WHERE plan != 'free'",
    )


def summed(number: int) -> Written:
    """Spent more than so much."""
    within, over = days(number), 100 + 50 * (number % 9)
    return Written(
        where=f"{{sum: purchase.amount, within: {within}d, gt: {over}}}",
        sql=f"SELECT user_id FROM people SEMI JOIN (SELECT user_id {rows('purchases', within)}"
        f" GROUP BY user_id HAVING sum(amount) > {over}) USING (user_id)",
    )


def distinct(number: int) -> Written:
    """Looked at several different things."""
    within, least = days(number), 2 + number % 3
    return Written(
        where=f"{{count_distinct: view.sku, within: {within}d, at_least: {least}}}",
        sql=f"SELECT user_id FROM people SEMI JOIN (SELECT user_id {rows('views', within)}"
        f" GROUP BY user_id HAVING count(DISTINCT sku) >= {least}) USING (user_id)",
    )


def last(number: int) -> Written:
    """The last purchase of a window came by one channel."""
    within, channel = days(number), CHANNELS[number % 4]
    return Written(
        where=f"{{last: purchase.channel, within: {within}d, eq: {channel}}}",
        sql=f"SELECT user_id FROM people SEMI JOIN (SELECT user_id {rows('purchases', within)}"
        f" GROUP BY user_id HAVING arg_max(channel, happened_at) = '{channel}') USING (user_id)",
    )


def first(number: int) -> Written:
    """The first view of a window was of some time ago."""
    within = days(number)
    ago = within // 2 + 1
    return Written(
        where=f"{{first_time: view, within: {within}d, older_than: {ago}d}}",
        sql=f"SELECT user_id FROM people SEMI JOIN (SELECT user_id {rows('views', within)}"
        f" GROUP BY user_id HAVING min(happened_at) <= $now - INTERVAL {ago} DAY) USING (user_id)",
    )


def filtered(number: int) -> Written:
    """Happened with certain properties."""
    within, channel, least = days(number), CHANNELS[number % 4], 100 * (1 + number % 4)
    return Written(
        where=f"{{did: purchase, within: {within}d, where: {{all: [{{property: channel, eq:"
        f" {channel}}}, {{property: amount, gte: {least}}}]}}}}",
        sql="SELECT user_id FROM people SEMI JOIN (SELECT user_id "
        + rows("purchases", within, f" AND channel = '{channel}' AND amount >= {least}")
        + ") USING (user_id)",
    )


def filtered_sum(number: int) -> Written:
    """Spent on a channel, with who never did."""
    within, channel, under = days(number), CHANNELS[number % 4], 50 + 25 * (number % 5)
    return Written(
        where=f"{{sum: purchase.amount, within: {within}d,"
        f" where: {{property: channel, eq: {channel}}}, lt: {under}}}",
        sql="SELECT user_id FROM people ANTI JOIN (SELECT user_id "
        + rows("purchases", within, f" AND channel = '{channel}'")
        + f" GROUP BY user_id HAVING sum(amount) >= {under}) USING (user_id)",
    )


def nested(number: int, one: str, other: str, made: Mapping[str, Written]) -> Written:
    """Members of one segment and not of another, in one country."""
    country = COUNTRIES[number % len(COUNTRIES)]
    return Written(
        where=f"{{all: [{{segment: {one}}}, {{not: {{segment: {other}}}}},"
        f" {{field: country, eq: {country}}}]}}",
        sql=f"SELECT user_id FROM ({made[one].sql}) SEMI JOIN (SELECT user_id FROM people"
        f" WHERE country = '{country}') USING (user_id) ANTI JOIN ({made[other].sql})"
        " USING (user_id)",
    )


def sequence(number: int) -> Written:
    """A view and then a purchase soon after it."""
    within, channel = days(number), CHANNELS[number % 4]
    return Written(
        where="{sequence: [{did: view, where: {property: channel, eq: " + channel + "}},"
        f" {{did: purchase}}], span: 3d, within: {within}d}}",
        sql="SELECT user_id FROM people SEMI JOIN (SELECT p.user_id"
        " FROM (SELECT user_id, happened_at " + rows("purchases", within) + ") p"
        " ASOF JOIN (SELECT user_id, happened_at "
        + rows("views", within, f" AND channel = '{channel}'")
        + ") v ON p.user_id = v.user_id AND p.happened_at > v.happened_at"
        " WHERE p.happened_at <= v.happened_at + INTERVAL 3 DAY) USING (user_id)",
    )


def rank(number: int) -> Written:
    """The tenth of the buyers who spent most."""
    within = days(number)
    return Written(
        where=f"{{rank: {{sum: purchase.amount, within: {within}d}}, top: 10%}}",
        sql="SELECT user_id FROM (SELECT user_id, count(*) OVER () AS n,"
        " row_number() OVER (ORDER BY coalesce(spent, 0) DESC, user_id) AS k FROM people"
        f" LEFT JOIN (SELECT user_id, sum(amount) AS spent {rows('purchases', within)}"
        " GROUP BY user_id) USING (user_id)) WHERE k * 10 <= n",
    )


KINDS = (did, did_not) * 4 + (summed, distinct) * 2 + (last, first) + (filtered,) * 2
KINDS += (filtered_sum, nested, nested)
"""Nineteen of each twenty; the twentieth is a sequence or a rank in turns."""


def mix(count: int) -> dict[str, Written]:
    """So many segments by name: of twenty, eight of what happened or did not, four sums and
    distinct counts, two of the first or last, three filtered by properties, two that rest on
    others, one sequence or rank."""
    made: dict[str, Written] = {}
    for number in range(count):
        place = number % 20
        kind = KINDS[place] if place < len(KINDS) else (sequence, rank)[number // 20 % 2]
        if kind is nested:
            one, other = f"s{number - place:03}", f"s{number - place + 1 + number % 2 * 8:03}"
            made[f"s{number:03}"] = nested(number, one, other, made)
        else:
            made[f"s{number:03}"] = kind(number)  # type: ignore[operator]
    return made


# --- both sides ------------------------------------------------------------------------------


def write_project(folder: Path, segments: Mapping[str, Written]) -> None:
    """The project with all segments, applied some days before they are refreshed."""
    for name in ("catalog", "segments"):
        (folder / name).mkdir(parents=True)
    (folder / "segflow.toml").write_text('[project]\nname = "bench"\n')
    catalog = CATALOG + EVENT.format(name="purchase") + EVENT.format(name="view")
    (folder / "catalog" / "all.yaml").write_text(catalog)
    said = (
        f"segment: {name}\nentity: user\nwhere: {segment.where}\n"
        for name, segment in segments.items()
    )
    (folder / "segments" / "all.yaml").write_text("---\n".join(said))
    apply = [SEGFLOW, "apply", "--auto-approve", "--as-of", instant(-1)]
    done = subprocess.run(apply, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def instant(minutes: int) -> str:
    """The instant so many minutes after NOW."""
    return f"{NOW + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def peer(folder: Path, count: int, now: str) -> None:
    """What somebody does by hand: each query in turn, its ids as a roaring file."""
    connection = duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True)
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    people = f"WITH people AS (FROM users WHERE created_at <= '{now}'::timestamptz) "
    for name, segment in mix(count).items():
        query = people + segment.sql.replace("$now", f"'{now}'::timestamptz")
        found = connection.sql(query).to_arrow_table().column(0)
        keys = array("Q")
        for chunk in found.chunks:
            content = memoryview(chunk.buffers()[1] or b"")
            keys.frombytes(content[chunk.offset * 8 : (chunk.offset + len(chunk)) * 8])
        (folder / f"{name}.peer").write_bytes(BitMap64(keys).serialize())


def differing(folder: Path, segments: Mapping[str, Written]) -> Iterator[str]:
    """The segments of which both sides say something else."""
    from segflow.app.wiring import open_world  # not for the peer, which has no use for it
    from segflow.executor.members import load
    from segflow.loader.project import load_project

    project, _ = load_project(folder)
    with open_world(project.settings, folder) as world:
        snapshots = world.state.snapshots()
        for name in segments:
            ours = load(world.snapshots, snapshots[name])
            if ours != BitMap64.deserialize((folder / f"{name}.peer").read_bytes()):
                yield name


def measure(count: int, folder: Path, runs: int) -> Size:
    """One number of segments; each run asks of a later minute, as the log never goes back."""
    segments = mix(count)
    write_project(folder, segments)
    own = [sys.executable, str(Path(__file__)), "--peer", str(folder), str(count)]
    commands = {"segflow": [SEGFLOW, "refresh", "--as-of", "{now}"], "peer": [*own, "{now}"]}
    timings = checked(race(commands, {"segflow": folder, "peer": folder}, runs, instant))
    wrong = list(differing(folder, segments))
    if wrong:
        print(f"not the same ids: {', '.join(wrong)}", file=sys.stderr)
    return Size(
        n=count,
        segflow_s=timings["segflow"].median,
        peer_s=timings["peer"].median,
        agree=not wrong,
        beside={
            "peak_mb": timings["segflow"].peak_mb,
            "peer_peak_mb": timings["peer"].peak_mb,
        },
    )


def main() -> None:
    """Measure each size; --quick is one of 100 segments over less data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of segments instead")
    parser.add_argument("--peer", nargs=3, metavar=("FOLDER", "N", "NOW"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        peer(Path(given.peer[0]), int(given.peer[1]), given.peer[2])
        return
    users, events = QUICK if given.quick else FULL
    sizes = []
    with tempfile.TemporaryDirectory() as temporary:
        warehouse = Path(temporary) / "warehouse.duckdb"
        write_warehouse(warehouse, users, events)
        for count in given.sizes or ((100,) if given.quick else (10, 50, 200)):
            folder = Path(temporary) / str(count)
            folder.mkdir()
            (folder / "warehouse.duckdb").hardlink_to(warehouse)
            sizes.append(measure(count, folder, runs=1 if given.quick else 3))
            print(json.dumps(sizes[-1].line()), file=sys.stderr, flush=True)
            shutil.rmtree(folder)
    report(
        name="refresh",
        work=f"refresh of n segments over {users:,} users and {events:,} events",
        peer=f"hand-written SQL on DuckDB {duckdb.__version__}, one query each",
        sizes=sizes,
    )


if __name__ == "__main__":
    main()
