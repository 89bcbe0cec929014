"""`segflow doctor` and `segflow catalog import`: what they say, and how they end."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ODD = """\
segment: odd
entity: customer
where: {everyone: true}
"""


def break_purchases(shop: Path) -> None:
    """Repeat the first purchase, of somebody whom nobody knows."""
    file = shop / "data" / "purchases.parquet"
    table = pq.read_table(file)
    place = table.column_names.index("customer_id")
    first = table.slice(0, 1).set_column(place, "customer_id", pa.array([10**9], pa.int64()))
    pq.write_table(pa.concat_tables([table, first.cast(table.schema)]), file)


def test_a_sound_project_ends_with_0(segflow, shop):
    """A line for each source, and one about all."""
    result = segflow("doctor")
    assert (result.code, result.err) == (0, "")
    assert result.out == "source.warehouse (duckdb): ok\nFound 0 errors, 0 warnings.\n"


def test_errors_end_with_1_and_stand_below_their_source(segflow, shop):
    """Each with code, place and fix; a warning beside it."""
    break_purchases(shop)
    result = segflow("doctor")
    assert result.code == 1
    head, empty, *_, closing = result.out.splitlines()
    assert (head, empty) == ("source.warehouse (duckdb): 1 error, 1 warning", "")
    assert closing == "Found 1 error, 1 warning."
    assert "error[DOC004]: event purchase: 1 id stands in several" in result.out
    assert "warning[DOC003]: event purchase: table customers has no row" in result.out
    assert result.out.count("--> catalog/shop.yaml:") == 2
    assert str(10**9) not in result.out


def test_warnings_end_with_0(segflow, shop):
    """What may be meant does not fail a pipeline."""
    file = shop / "catalog" / "shop.yaml"
    text = file.read_text()
    assert "unique: true" in text
    break_purchases(shop)
    file.write_text(text.replace("unique: true", "unique: false"))
    result = segflow("doctor")
    assert result.code == 0
    assert result.out.endswith("Found 0 errors, 1 warning.\n")


def test_as_json(segflow, shop):
    """One object: the head of validate's, and the diagnostics by source."""
    break_purchases(shop)
    result = segflow("doctor", "--json")
    facts = json.loads(result.out)
    (source,) = facts.pop("sources")
    assert (result.code, result.err) == (1, "")
    counts = {"error_count": 1, "warning_count": 1}
    assert facts == {"format_version": "1.0", "valid": False, **counts}
    told = source.pop("diagnostics")
    assert source == {"source": "warehouse", "engine": "duckdb", **counts}
    assert sorted(one["rule"] for one in told) == ["DOC003", "DOC004"]
    assert {one["range"]["filename"] for one in told} == {"catalog/shop.yaml"}


def test_a_project_with_errors_is_not_examined(segflow, shop):
    """Its errors come first, as for every command that needs a valid project."""
    (shop / "segments" / "odd.yaml").write_text(ODD.replace("customer", "custmer"))
    result = segflow("doctor")
    assert (result.code, result.out) == (1, "")
    assert "RES001" in result.err


def without_entities(shop: Path) -> None:
    """Leave the source alone in the catalog."""
    file = shop / "catalog" / "shop.yaml"
    file.write_text(file.read_text().partition("---\n")[0])
    (shop / "segments" / "shop.yaml").unlink()


def test_a_draft_is_printed(segflow, shop):
    """To stdout, where nothing else stands; as JSON it is a text."""
    without_entities(shop)
    result = segflow("catalog", "import", "--source", "warehouse")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("# Drafted from source warehouse.")
    facts = json.loads(segflow("catalog", "import", "--source", "warehouse", "--json").out)
    assert facts == {"source": "warehouse", "yaml": result.out, "file": None}


def test_a_draft_is_written_to_a_new_file_only(segflow, shop):
    """What is there is never written over; the draft is valid."""
    without_entities(shop)
    ask = ("catalog", "import", "--source", "warehouse", "--out", "catalog/drafted.yaml")
    result = segflow(*ask)
    assert result.code == 0
    assert result.out == (
        "Saved to catalog/drafted.yaml. Look at every guess, then: segflow validate\n"
    )
    assert segflow("validate").code == 0
    before = (shop / "catalog" / "drafted.yaml").read_text()
    again = segflow(*ask)
    assert again.code == 1
    assert "catalog/drafted.yaml is there already" in again.err
    assert (shop / "catalog" / "drafted.yaml").read_text() == before


def test_unknown_sources_are_refused(segflow, shop):
    """With the nearest name."""
    result = segflow("catalog", "import", "--source", "warehose")
    assert result.code == 1
    assert "did you mean `warehouse`?" in result.err
