"""One segment over two sources, against the same audience with everything in one database.

Attributes are in Elasticsearch, users and events in DuckDB. The peer asks DuckDB alone, where the
attributes were copied to before, and which nobody counts. Both write the ids as a roaring file.
Each side imports what it needs only, where it needs it.
"""

import json
import sys
import tempfile
from array import array
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from measure import Size, arguments, checked, each, race, report
from pyroaring import BitMap64

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
    """One query, its ids as a roaring file."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        found = connection.execute(CHOSEN + QUERY, {"now": NOW}).to_arrow_table().column(0)
        keys = array("Q")
        for chunk in found.chunks:
            content = memoryview(chunk.buffers()[1] or b"")
            keys.frombytes(content[chunk.offset * 8 : (chunk.offset + len(chunk)) * 8])
        (folder / "peer.bin").write_bytes(BitMap64(keys).serialize())


def segflow(folder: Path) -> None:
    """The segment evaluated as plan and count do, its ids as a roaring file; prints how long each
    source took, and how many ids it gave."""
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
        found = evaluator.members("audience")
    (folder / "segflow.bin").write_bytes(found.serialize())
    facts: dict[str, float] = defaultdict(float)
    for cost in evaluator.costs("audience"):
        facts[f"{cost.question.source}_s"] += cost.question.microseconds / 1_000_000
        facts[f"{cost.question.source}_ids"] += cost.ids
    print(json.dumps(facts))


def measure(users: int) -> Size:
    """One number of users."""
    from search import INDEX, indexed

    with indexed(users) as url, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_warehouse(folder / "warehouse.duckdb", users)
        (folder / "catalog").mkdir()
        (folder / "segflow.toml").write_text('[project]\nname = "bench"\n')
        (folder / "catalog" / "all.yaml").write_text(PROJECT.format(url=url, index=INDEX))
        commands = {
            side: [sys.executable, __file__, f"--{side}", str(folder)]
            for side in ("segflow", "peer")
        }
        timings = checked(race(commands, {"segflow": folder, "peer": folder}, runs=3))
        ours, theirs = (
            BitMap64.deserialize((folder / f"{name}.bin").read_bytes()) for name in timings
        )
        facts = json.loads(timings["segflow"].output)
        whole = timings["segflow"].median
        return Size(
            n=users,
            segflow_s=whole,
            peer_s=timings["peer"].median,
            agree=ours == theirs and len(ours) > 0,
            beside={
                **facts,
                "share_of_moving_ids": facts["search_s"] / whole,
                "members": len(ours),
            },
        )


def main() -> None:
    """Measure each size."""
    if sys.argv[1:2] in (["--segflow"], ["--peer"]):
        {"--segflow": segflow, "--peer": peer}[sys.argv[1]](Path(sys.argv[2]))
        return
    report(
        name="route",
        work="one segment over Elasticsearch (attributes) and DuckDB (five events per user)",
        peer=f"hand-written SQL on DuckDB {duckdb.__version__}, the attributes copied into it",
        sizes=each(arguments(__doc__ or "", (100_000, 300_000, 1_000_000), (30_000,)), measure),
    )


if __name__ == "__main__":
    main()
