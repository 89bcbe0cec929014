"""segflow refresh: what is deployed, evaluated again; one failing source stops nobody else."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segflow.app.refresh import Refreshed, refresh
from segflow.errors import NotDeployedError, RefusedError
from segflow.model.instant import Instant, datetime_of
from segflow.model.state import FailedRefresh
from segflow.planner.planfile import to_bytes
from tests.app.conftest import Edit
from tests.faults import shop
from tests.faults.ledger import ledger
from tests.faults.worker import apply_at, plan_at, refresh_at, world_at
from tests.warehouse import SETTINGS

OTHER_SOURCE = """
---
source: crm
engine: duckdb
tables: {people: data/people.parquet}
---
entity: person
key: {type: integer, ordinals: direct}
population: {source: crm, table: people, key: customer_id, since: first_seen}
"""
OTHER_SEGMENT = "---\nsegment: everybody\nentity: person\nwhere: {everyone: true}\n"


def refreshed(root: Path, *names: str) -> dict[str, Refreshed]:
    with world_at(root, shop.SECOND) as world:
        return {one.segment: one for one in refresh(world, names, None)}


def stale(root: Path) -> Mapping[str, FailedRefresh]:
    with world_at(root, shop.SECOND) as world:
        return world.state.failed_refreshes()


def test_dynamic_segments_are_refreshed_at_one_instant(root: Path):
    """Without names every dynamic segment is evaluated now; the static one stays frozen."""
    shop.write_purchases(root, until=shop.SECOND)
    before = ledger(root)
    found = refreshed(root)
    after = ledger(root)
    assert set(found) == {"recent", "quiet", "gone"}
    assert {one.as_of for one in found.values()} == {shop.SECOND}
    for name, one in found.items():
        old, new = set(before.members[name]), set(after.members[name])
        assert (one.size, one.entered, one.left) == (len(new), len(new - old), len(old - new))
    assert after.snapshots["first_buyers"] == before.snapshots["first_buyers"]
    assert {entry.cause for entry in after.logs["recent"][1:]} == {"data"}


def test_a_list_of_the_population_is_kept_for_refreshes(fresh: Path):
    """A list that says who is in the population is deployed with the segments: a refresh does not
    read the working tree's."""
    vips = fresh / "lists" / "vips.csv"
    vips.parent.mkdir(exist_ok=True)
    vips.write_text("1\n2\n")
    catalog = next(file for file in fresh.rglob("*.yaml") if "population" in file.read_text())
    catalog.write_text(
        catalog.read_text().replace(
            "since: first_seen}", "since: first_seen, where: {in_file: lists/vips.csv}}"
        )
    )
    segment = "segment: quiet\nentity: customer\nwhere: {everyone: true}\n"
    (fresh / "segments" / "shop.yaml").write_text(segment)
    apply_at(fresh, shop.FIRST, to_bytes(plan_at(fresh, shop.FIRST)))
    vips.unlink()
    assert refreshed(fresh)["quiet"].size == 2


def test_static_segment_is_frozen_anew_when_named(root: Path):
    """Naming a static segment asks for a new set, and nothing else is refreshed."""
    shop.write_purchases(root, until=shop.SECOND, missing=frozenset(range(10)))
    assert set(refreshed(root, "first_buyers")) == {"first_buyers"}
    assert min(ledger(root).members["first_buyers"]) == 10


def test_refresh_reads_no_yaml(root: Path, edit: Edit):
    """An edit that is not applied does not count."""
    edit("segments/shop.yaml", "within: 14d", "within: 1d")
    untouched = refreshed(root)["recent"].size
    assert untouched > 10


def test_failing_source_keeps_its_segments_and_stops_nobody(root: Path):
    """The segment whose table is gone keeps its last good members and says why; others go on."""
    (root / "data" / "people.parquet").write_bytes((root / "data/customers.parquet").read_bytes())
    for name, text in (("catalog", OTHER_SOURCE), ("segments", OTHER_SEGMENT)):
        path = root / name / "shop.yaml"
        path.write_text(path.read_text() + text)
    apply_at(root, shop.FIRST, to_bytes(plan_at(root, shop.FIRST)))
    (root / "data" / "purchases.parquet").unlink()

    before = ledger(root)
    found = refreshed(root)
    assert found["everybody"].error is None
    assert found["everybody"].as_of == shop.SECOND
    assert "purchases.parquet" in (found["recent"].error or "")
    after = ledger(root)
    assert set(stale(root)) == {"recent", "quiet", "gone"}
    assert "purchases.parquet" in stale(root)["recent"].reason
    assert stale(root)["recent"].as_of == shop.SECOND
    assert after.snapshots["recent"] == before.snapshots["recent"]
    assert after.snapshots["everybody"].as_of == shop.SECOND
    assert (found["recent"].as_of, found["recent"].size) == (
        before.snapshots["recent"].as_of,
        before.snapshots["recent"].size,
    )


def test_nothing_is_written_where_every_source_fails(root: Path):
    """A refresh that got nothing leaves the state, and its serial, as they were."""
    (root / "data" / "purchases.parquet").unlink()
    before = ledger(root)
    assert all(one.error for one in refreshed(root).values())
    assert ledger(root) == before


@pytest.mark.parametrize("as_of", [shop.FIRST, shop.FIRST - 1])
def test_instant_must_be_later(root: Path, as_of: int):
    """The log goes forward only: an instant that is recorded already is refused."""
    with pytest.raises(RefusedError, match="not later"):
        refresh_at(root, shop.SECOND, (), as_of)


def test_only_what_is_deployed_can_be_refreshed(root: Path, fresh: Path):
    """An unknown name is an error, and so is a project that was never applied."""
    with pytest.raises(NotDeployedError, match="segment.nobody"):
        refresh_at(root, shop.SECOND, ("recent", "nobody"), shop.SECOND)
    with pytest.raises(NotDeployedError, match="nothing is deployed"):
        refresh_at(fresh, shop.SECOND, (), shop.SECOND)
    assert not (fresh / ".segflow").exists()


def load_until(root: Path, loaded: Instant) -> None:
    """Purchases up to the second instant, the last of which were loaded at an instant."""
    shop.write_purchases(root, until=shop.SECOND)
    path = root / "data" / "purchases.parquet"
    rows = pq.read_table(path)
    came = [datetime_of(Instant(loaded - 60_000 * (row % 3))) for row in range(len(rows))]
    column = pa.array(came, pa.timestamp("ms", tz="UTC"))
    pq.write_table(rows.append_column("loaded_at", column), path)


def test_what_was_loaded_until_an_instant_is_judged_as_of_it(fresh: Path):
    """The newest `arrived` of an event bounds the instant, unless there is a later one by now."""
    catalog = fresh / "catalog" / "shop.yaml"
    text = catalog.read_text()
    catalog.write_text(
        text.replace("unique: true", "unique: true\n  arrived: loaded_at") + OTHER_SOURCE
    )
    segments = fresh / "segments" / "shop.yaml"
    segments.write_text(segments.read_text() + OTHER_SEGMENT)
    (fresh / "data" / "people.parquet").write_bytes(
        (fresh / "data" / "customers.parquet").read_bytes()
    )
    load_until(fresh, shop.FIRST)
    apply_at(fresh, shop.FIRST, to_bytes(plan_at(fresh, shop.FIRST)))
    found = refreshed(fresh)
    assert {one.size for one in found.values() if one.segment == "everybody"} == {shop.CUSTOMERS}
    assert all(
        "event.purchase has come to 2026-03-01" in (one.kept or "") for one in found.values()
    )
    loaded = Instant(shop.SECOND - 3_600_000)
    load_until(fresh, loaded)
    found = refreshed(fresh)
    assert {(one.as_of, one.held_back_by) for one in found.values()} == {(loaded, "event.purchase")}
    load_until(fresh, Instant(shop.SECOND + 1))
    found = refreshed(fresh)
    assert {(one.as_of, one.held_back_by) for one in found.values()} == {(shop.SECOND, None)}


def test_an_instant_that_sources_have_not_reached_is_waited_for(fresh: Path):
    """Where it is given it is that or none: whoever rests on them keeps its members."""
    catalog = fresh / "catalog" / "shop.yaml"
    text = catalog.read_text()
    catalog.write_text(text.replace("unique: true", "unique: true\n  arrived: loaded_at"))
    load_until(fresh, shop.FIRST)
    apply_at(fresh, shop.FIRST, to_bytes(plan_at(fresh, shop.FIRST)))
    with world_at(fresh, shop.SECOND) as world:
        found = refresh(world, (), Instant(shop.SECOND - 1))
    assert all("2026-03-07T23:59:59.999Z is asked for" in (one.kept or "") for one in found)
    assert {one.as_of for one in found} == {shop.FIRST}
    assert stale(fresh) == {}


def test_missing_secret_fails_its_segments_only(root: Path, monkeypatch: pytest.MonkeyPatch):
    """A source whose secret is not set is a failing source like any other, told by its name."""
    (root / "segflow.toml").write_text(SETTINGS + '[secrets]\nallow = ["CRM_FILE"]\n')
    crm = OTHER_SOURCE.replace("tables: {people: data/people.parquet}", "url: ${CRM_FILE}")
    for name, text in (("catalog", crm), ("segments", OTHER_SEGMENT)):
        path = root / name / "shop.yaml"
        path.write_text(path.read_text() + text)
    with duckdb.connect(str(root / "crm.duckdb")) as database:
        database.execute("CREATE TABLE people AS SELECT 1 AS customer_id, now() AS first_seen")
    monkeypatch.setenv("CRM_FILE", "crm.duckdb")
    apply_at(root, shop.FIRST, to_bytes(plan_at(root, shop.FIRST)))
    monkeypatch.delenv("CRM_FILE")
    found = refreshed(root)
    assert "CRM_FILE" in (found["everybody"].error or "")
    assert found["recent"].error is None
    assert b"crm.duckdb" not in (root / ".segflow" / "state.db").read_bytes()
