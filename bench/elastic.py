"""The ids of a fifth of N documents: `segflow segment members`, against a plain client's loop.

The loop is the one that the server's manual shows: a point in time, sorted by `_shard_doc`, pages
of the most documents that a server gives, and the `_id` of each hit.
"""

import sys
import tempfile
from pathlib import Path

import elasticsearch
from elasticsearch import Elasticsearch
from measure import Size, arguments, checked, each, race, report
from search import INDEX, indexed

SEGFLOW = str(Path(sys.executable).with_name("segflow"))
PROJECT = """\
source: search
engine: elasticsearch
url: {url}
---
entity: user
key: {{type: integer}}
population: {{source: search, table: {index}, key: user_id}}
fields:
  plan: {{type: string, at: {{source: search, table: {index}, key: user_id, column: plan}}}}
---
segment: pros
entity: user
where: {{field: plan, eq: pro}}
"""


def peer(url: str, out: Path) -> None:
    """Page after page, and the ids as lines."""
    with Elasticsearch(url, request_timeout=60) as client, out.open("w") as lines:
        point = client.open_point_in_time(index=INDEX, keep_alive="1m")["id"]
        after = None
        while True:
            found = client.search(
                pit={"id": point, "keep_alive": "1m"},
                query={"term": {"plan": "pro"}},
                size=10_000,
                sort=["_shard_doc"],
                source=False,
                search_after=after,
                track_total_hits=False,
            )
            hits = found["hits"]["hits"]
            lines.writelines(f"{hit['_id']}\n" for hit in hits)
            if not hits:
                break
            point, after = found["pit_id"], hits[-1]["sort"]
        client.close_point_in_time(id=point)


def measure(count: int) -> Size:
    """One number of documents."""
    with indexed(count) as url, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in (
            ("segflow.toml", '[project]\nname = "bench"\n'),
            ("catalog/all.yaml", PROJECT.format(url=url, index=INDEX)),
        ):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        commands = {
            "segflow": [SEGFLOW, "segment", "members", "pros", "--out", "segflow.txt"],
            "peer": [sys.executable, __file__, "--peer", url, "peer.txt"],
        }
        timings = checked(race(commands, {"segflow": folder, "peer": folder}, runs=3))
        ours, theirs = (
            sorted(map(int, (folder / f"{name}.txt").read_text().split())) for name in timings
        )
        return Size(
            n=count,
            segflow_s=timings["segflow"].median,
            peer_s=timings["peer"].median,
            agree=ours == theirs,
            beside={"ids": len(ours)},
        )


def main() -> None:
    """Measure each size."""
    if sys.argv[1:2] == ["--peer"]:
        peer(sys.argv[2], Path(sys.argv[3]))
        return
    report(
        name="elastic",
        work="ids of a fifth of n documents, as lines of a file",
        peer=f"elasticsearch-py {elasticsearch.__versionstr__}, a loop with PIT and _id",
        sizes=each(arguments(__doc__ or "", (100_000, 300_000, 1_000_000), (30_000,)), measure),
    )


if __name__ == "__main__":
    main()
