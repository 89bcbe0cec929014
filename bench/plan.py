"""`segflow plan` of N deployed segments with nothing changed, against `terraform plan`.

The peer plans N built-in terraform_data resources with the same attributes. Impact is off on our
side; refresh has nothing to ask on theirs.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from measure import Size, Timing, arguments, need, race, report

from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.model.codec import canonical
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.segment import Segment
from segflow.model.state import ApplyRecord, DeployedObject
from segflow.ports import StateCommit

OWNERS = ("growth", "crm", "lifecycle")
SEGFLOW = str(Path(sys.executable).with_name("segflow"))


def attributes(index: int) -> Mapping[str, object]:
    """What one object says, the same on both sides."""
    return {
        "description": f"Ordered nothing for {index % 365 + 1} days, spent more than {index}",
        "entity": "customer",
        "owner": OWNERS[index % len(OWNERS)],
        "days": f"{index % 365 + 1}d",
        "amount": str(index),
    }


def segment_yaml(index: int, said: Mapping[str, object]) -> str:
    """One segment with those attributes."""
    return (
        f"segment: group_{index:05}\n"
        f"description: {said['description']}\n"
        f"entity: {said['entity']}\n"
        f"owner: {said['owner']}\n"
        "where:\n"
        "  all:\n"
        f"    - {{did_not: purchase, within: {said['days']}}}\n"
        f"    - {{sum: purchase.amount, gt: {said['amount']}}}\n"
    )


CATALOG = """\
source: warehouse
engine: duckdb
tables: {customers: data/customers.parquet, purchases: data/purchases.parquet}
---
entity: customer
key: {type: integer, ordinals: direct}
population: {source: warehouse, table: customers, key: customer_id, since: first_seen}
---
event: purchase
entities: {customer: customer_id}
at:
  source: warehouse
  table: purchases
  time: purchased_at
  id: {column: id, type: integer}
  unique: true
properties:
  amount: {type: "decimal(18,2)", column: amount}
"""


def write_segflow_project(folder: Path, count: int) -> None:
    """N segments over a warehouse of one customer, and the state that an apply of them leaves."""
    for name in ("catalog", "segments", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "segflow.toml").write_text('[project]\nname = "bench"\n')
    (folder / "catalog" / "all.yaml").write_text(CATALOG)
    text = "---\n".join(segment_yaml(index, attributes(index)) for index in range(count))
    (folder / "segments" / "all.yaml").write_text(text)
    instant = pa.timestamp("ms", tz="UTC")
    customers = {"customer_id": pa.array([1]), "first_seen": pa.array([0], instant)}
    purchases = {
        "id": pa.array([1]),
        "customer_id": pa.array([1]),
        "purchased_at": pa.array([0], instant),
        "amount": pa.array([1], pa.decimal128(18, 2)),
    }
    pq.write_table(pa.table(customers), folder / "data" / "customers.parquet")
    pq.write_table(pa.table(purchases), folder / "data" / "purchases.parquet")
    deploy(folder)


def deploy(folder: Path) -> None:
    """Write the deployed state directly, as is done for terraform: an apply of thousands of
    segments takes longer than all that is measured here."""
    compiled = load(folder, None).compiled
    put = tuple(
        DeployedObject(
            address=found.address,
            canonical=canonical(found),
            fingerprint=compiled.fingerprints[found.address],
            definition=compiled.segments[found.name].definition
            if isinstance(found, Segment)
            else None,
        )
        for found in compiled.project
    )
    now, ttl = Instant(0), Duration(count=1, unit="h")
    with open_world(compiled.project.settings, folder) as world:
        world.state.create(world.new_lineage, compiled.project.settings.name)
        lease = world.state.acquire("bench", "deploy", now, ttl)
        record = ApplyRecord(id="first", plan_id="first", plan=b"", started_at=now)
        world.state.begin_apply(lease, record)
        world.state.commit_apply(lease, record.id, StateCommit(put=put), now)
        world.state.release(lease)


def write_terraform_project(folder: Path, count: int) -> None:
    """N resources and the state that an apply of them leaves, written directly."""
    folder.mkdir(parents=True)
    blocks = []
    resources = []
    for index in range(count):
        said = attributes(index)
        lines = "\n".join(f"    {key} = {json.dumps(value)}" for key, value in said.items())
        blocks.append(
            f'resource "terraform_data" "group_{index:05}" {{\n  input = {{\n{lines}\n  }}\n}}\n'
        )
        value = {"value": said, "type": ["object", dict.fromkeys(said, "string")]}
        resources.append(
            {
                "mode": "managed",
                "type": "terraform_data",
                "name": f"group_{index:05}",
                "provider": 'provider["terraform.io/builtin/terraform"]',
                "instances": [
                    {
                        "schema_version": 0,
                        "attributes": {
                            "id": f"id-{index}",
                            "input": value,
                            "output": value,
                            "triggers_replace": None,
                        },
                        "sensitive_attributes": [],
                    }
                ],
            }
        )
    (folder / "main.tf").write_text("\n".join(blocks))
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "5a5a5a5a-0000-4000-8000-000000000000",
        "outputs": {},
        "resources": resources,
        "check_results": None,
    }
    (folder / "terraform.tfstate").write_text(json.dumps(state))


def agrees(timings: Mapping[str, Timing]) -> bool:
    """Both say that nothing changes, by exit code 0 of the detailed kind and by words."""
    return all(
        timing.exit_code == 0 and "No changes" in timing.output for timing in timings.values()
    )


def both_see_an_edit(folders: Mapping[str, Path], commands: Mapping[str, list[str]]) -> bool:
    """Both tell one edited attribute of one object, so that "no changes" above means something."""
    for path in (folders["segflow"] / "segments/all.yaml", folders["terraform"] / "main.tf"):
        text = path.read_text()
        path.write_text(text.replace("spent more than 7", "spent far more than 7", 1))
    seen = race(commands, folders, runs=0)
    ours, theirs = seen["segflow"], seen["terraform"]
    return (
        ours.exit_code == theirs.exit_code == 2
        and "1 to update" in ours.output
        and "1 to change" in theirs.output
    )


def forget(folder: Path, project: Path) -> None:
    """A copy of the project that can't remember what its files compiled to, so that every plan
    reads them all."""
    shutil.copytree(project, folder)
    (folder / ".segflow" / "cache").write_text("in the way")


def measure(count: int, folder: Path, terraform: str) -> Size:
    """One size. Beside it stands the time of a segflow that has to read every file."""
    folders = {name: folder / name for name in ("segflow", "reading", "terraform")}
    write_segflow_project(folders["segflow"], count)
    forget(folders["reading"], folders["segflow"])
    write_terraform_project(folders["terraform"], count)
    as_of = "2026-01-02T00:00:00Z"
    segflow = [SEGFLOW, "plan", "--no-impact", "--detailed-exitcode", "--as-of", as_of]
    commands = {
        "segflow": segflow,
        "reading": segflow,
        "terraform": [terraform, "plan", "-detailed-exitcode", "-input=false", "-no-color"],
    }
    timings = race(commands, folders, runs=3)
    size = Size(
        n=count,
        segflow_s=timings["segflow"].median,
        peer_s=timings["terraform"].median,
        agree=agrees(timings) and both_see_an_edit(folders, commands),
        beside={"reading_all_s": timings["reading"].median},
    )
    print(json.dumps(size.line()))
    return size


def main() -> None:
    """Measure every size and close with the line of JSON."""
    sizes = arguments(__doc__ or "", sizes=(500, 2_000, 8_000), quick=(2_000,))
    terraform = need("terraform")
    version = json.loads(
        subprocess.run([terraform, "version", "-json"], capture_output=True, check=True).stdout
    )["terraform_version"]
    measured = []
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            measured.append(measure(count, Path(folder), terraform))
    report(
        name="plan",
        work="plan with nothing changed, impact off, for the second time",
        peer=f"terraform {version}, terraform_data",
        sizes=measured,
    )


if __name__ == "__main__":
    main()
