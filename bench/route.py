"""One segment over two sources, against the same audience with everything in one database.

Attributes are in Elasticsearch, users and events in DuckDB. The peer asks DuckDB alone, where the
attributes were copied to before, and which nobody counts. Both write a file of ids. What each
source took is told by a run of its own, which is not timed as a whole.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from measure import Size, arguments, checked, each, race, report

SEGFLOW = str(Path(sys.executable).with_name("segflow"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROJECT = """\
source: warehouse
engine: duckdb
url: warehouse.duckdb
---
source: search
engine: elasticsearch
url: {url}
---
entity: user
key: {{type: integer}}
population: {{source: warehouse, table: users, key: user_id}}
fields:
  country: {{type: string, at: {{source: search, table: {index}, key: user_id, column: country}}}}
  plan: {{type: string, at: {{source: search, table: {index}, key: user_id, column: plan}}}}
---
event: purchase
entities: {{user: user_id}}
at: {{source: warehouse, table: purchases, time: happened_at}}
---
segment: audience
entity: user
where:
  all:
    - {{field: plan, in: [pro, team]}}
    - {{field: country, in: [US, DE, FR]}}
    - {{did: purchase, within: 90d}}
    - {{did_not: purchase, within: 7d}}
"""
QUERY = """\
SELECT user_id FROM users SEMI JOIN attributes_of_some USING (user_id)
SEMI JOIN (SELECT user_id FROM purchases
  WHERE happened_at > $now::timestamptz - INTERVAL 90 DAY AND happened_at <= $now) USING (user_id)
ANTI JOIN (SELECT user_id FROM purchases
  WHERE happened_at > $now::timestamptz - INTERVAL 7 DAY AND happened_at <= $now) USING (user_id)
"""
CHOSEN = """\
WITH attributes_of_some AS (SELECT user_id FROM attributes
  WHERE plan IN ('pro', 'team') AND country IN ('US', 'DE', 'FR'))
"""


def write_warehouse(file: Path, users: int) -> None:
    """Users, five purchases for each of them, and a copy of the attributes for the peer."""
    from search import COUNTRIES, PLANS

    countries, plans = (", ".join(f"'{one}'" for one in pool) for pool in (COUNTRIES, PLANS))
    with duckdb.connect(str(file)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"CREATE TABLE users AS SELECT range AS user_id FROM range(1, {users + 1})"
        )
        connection.execute(
            "CREATE TABLE attributes AS SELECT user_id,"
            f" [{countries}][1 + (user_id * 7919 % 104729 % {len(COUNTRIES)})::int] AS country,"
            f" [{plans}][1 + (user_id * 104729 % 7919 % {len(PLANS)})::int] AS plan FROM users"
        )
        connection.execute(
            "CREATE TABLE purchases AS SELECT 1 + (hash(i) % $users)::bigint AS user_id,"
            " $now::timestamptz - to_seconds((hash(i, 1) % (400 * 86400))::bigint) AS happened_at"
            " FROM range($users * 5) t(i)",
            {"users": users, "now": NOW},
        )


def peer(folder: Path) -> None:
    """One query, its ids as lines."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        found = connection.execute(CHOSEN + QUERY, {"now": NOW}).to_arrow_table().column(0)
        (folder / "peer.txt").write_text("\n".join([*map(str, found.to_pylist()), ""]))


def facts(folder: Path) -> dict[str, float]:
    """How long each source took, and how many ids it gave."""
    from segflow.app.wiring import open_world
    from segflow.compiler.pipeline import compile_project
    from segflow.executor.evaluate import Evaluator
    from segflow.executor.past import Past
    from segflow.loader.project import load_project
    from segflow.model.instant import instant_of

    project, _ = load_project(folder)
    compiled, _ = compile_project(project)
    assert compiled is not None
    with open_world(project.settings, folder) as world:
        past, sources = Past(world.state.log, world.snapshots.get), world.effects.sources(())
        evaluator = Evaluator(compiled, instant_of(NOW), sources, lambda name: None, past)
        evaluator.members("audience")
    found: dict[str, float] = defaultdict(float)
    for cost in evaluator.costs("audience"):
        found[f"{cost.question.source}_s"] += cost.question.microseconds / 1_000_000
        found[f"{cost.question.source}_ids"] += cost.ids
    return found


def measure(users: int) -> Size:
    """One number of users."""
    from search import INDEX, indexed

    with indexed(users) as url, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_warehouse(folder / "warehouse.duckdb", users)
        (folder / "catalog").mkdir()
        (folder / "segflow.toml").write_text('[project]\nname = "bench"\n')
        (folder / "catalog" / "all.yaml").write_text(PROJECT.format(url=url, index=INDEX))
        as_of = NOW.isoformat().replace("+00:00", "Z")
        asked = ["segment", "members", "audience", "--as-of", as_of, "--out", "segflow.txt"]
        commands = {
            "segflow": [SEGFLOW, *asked],
            "peer": [sys.executable, __file__, "--peer", str(folder)],
        }
        timings = checked(race(commands, {"segflow": folder, "peer": folder}, runs=3))
        ours, theirs = (
            sorted(map(int, (folder / f"{name}.txt").read_text().split())) for name in timings
        )
        told = subprocess.run(
            [sys.executable, __file__, "--facts", str(folder)], stdout=subprocess.PIPE, check=True
        )
        beside = json.loads(told.stdout)
        whole = timings["segflow"].median
        return Size(
            n=users,
            segflow_s=whole,
            peer_s=timings["peer"].median,
            agree=ours == theirs and len(ours) > 0,
            beside={
                **beside,
                "share_of_moving_ids": beside["search_s"] / whole,
                "members": len(ours),
            },
        )


def main() -> None:
    """Compare, or be one of the programs that comparing starts."""
    match sys.argv[1:]:
        case ["--peer", folder]:
            peer(Path(folder))
        case ["--facts", folder]:
            print(json.dumps(facts(Path(folder))))
        case _:
            compare()


def compare() -> None:
    """Measure each size."""
    report(
        name="route",
        work="one segment over Elasticsearch (attributes) and DuckDB (five events per user)",
        peer=f"hand-written SQL on DuckDB {duckdb.__version__}, the attributes copied into it",
        sizes=each(arguments(__doc__ or "", (100_000, 300_000, 1_000_000), (30_000,)), measure),
    )


if __name__ == "__main__":
    main()
