"""Every command on the example project: what people read, and the JSON that programs get."""

import json
import re
import sqlite3
from contextlib import closing

import pyarrow.parquet as pq
import pytest

from segflow.clock import SystemClock
from segflow.model.instant import Instant, datetime_of
from tests.cli.conftest import AS_OF, edit

LATER = "2026-05-01T00:00:00Z"
WIN_BACK = ["19", "26", "39"]


def facts(result) -> dict:
    """The one JSON object that a command printed, having printed nothing else."""
    assert result.err == ""
    (line,) = result.out.splitlines()
    return json.loads(line)


# --- validate ----------------------------------------------------------------------------------


def test_validate_counts_what_it_found(segflow, shop):
    """A valid project is summed up on one line."""
    result = segflow("validate")
    assert (result.code, result.err) == (0, "")
    assert result.out == "Valid: 1 entity, 1 event, 3 segments, 1 source.\n"


def test_validate_counts_each_kind_in_its_plural(segflow, shop):
    """Two of a kind whose name ends in s are written as English has it."""
    at = "{source: warehouse, table: customers, key: customer_id, column: customer_id}"
    documents = (f"address: {name}\nentity: customer\nat: {at}\n" for name in ("email", "phone"))
    (shop / "catalog" / "contact.yaml").write_text("---\n".join(documents))
    result = segflow("validate", "--no-sources")
    assert result.out == "Valid: 2 addresses, 1 entity, 1 event, 3 segments, 1 source.\n"


def test_validate_as_json(segflow, shop):
    """A valid project has an empty list of diagnostics."""
    found = facts(segflow("validate", "--json"))
    assert found == {
        "format_version": "1.0",
        "valid": True,
        "error_count": 0,
        "warning_count": 0,
        "diagnostics": [],
    }


def test_validate_works_from_a_folder_below(segflow, shop, monkeypatch):
    """The project is the nearest folder upward."""
    monkeypatch.chdir(shop / "segments")
    assert segflow("validate").code == 0


def test_validate_asks_the_sources(segflow, shop):
    """A column that no table has is an error at its place in the catalog."""
    catalog = shop / "catalog" / "shop.yaml"
    catalog.write_text(catalog.read_text().replace("column: amount", "column: amuont"))
    result = segflow("validate")
    assert result.code == 1
    assert "catalog/shop.yaml:23:" in result.out
    assert segflow("validate", "--no-sources").code == 0


# --- schema ------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("segment",), ("segment", "--json")])
def test_schema_prints_json_schema(segflow, arguments):
    """With and without a kind, for people and programs, it is a JSON Schema."""
    result = segflow("schema", *arguments)
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_schema_knows_its_kinds(segflow):
    """An unknown kind is refused with the nearest one."""
    result = segflow("schema", "segmnt")
    assert result.code == 1
    assert "did you mean `segment`?" in result.err


# --- plan and show -----------------------------------------------------------------------------


def test_plan_says_who_enters(segflow, shop):
    """A first plan creates everything, with sizes at the instant asked for."""
    result = segflow("plan", "--as-of", AS_OF)
    assert (result.code, result.err) == (0, "")
    first, second, *_ = result.out.splitlines()
    assert first.startswith("Plan: 6 to create, 0 to update, 0 to delete.")
    assert second == f"As of {AS_OF}"
    assert "size 27" in result.out


@pytest.mark.parametrize(
    ("change", "code"), [(("gte: 150", "gte: 150"), 0), (("gte: 150", "gte: 120"), 2)]
)
def test_detailed_exit_codes(segflow, deployed, change, code):
    """0 when there is nothing to do, 2 when there are changes; plainly asked, 0 for both."""
    edit(deployed, *change)
    assert segflow("plan", "--as-of", AS_OF, "--detailed-exitcode").code == code
    assert segflow("plan", "--as-of", AS_OF).code == 0


def test_a_blocked_plan_ends_with_3(segflow, deployed):
    """A guard that forbids the change shows in the detailed code, and apply refuses with it."""
    edit(
        deployed,
        "where: {sum: purchase.amount, gte: 150}",
        "where: {everyone: true}\nprotect: {max_size: 20}",
    )
    shown = segflow("plan", "--as-of", AS_OF, "--detailed-exitcode")
    assert shown.code == 3
    assert "max_size" in shown.out
    assert segflow("plan", "--as-of", AS_OF).code == 0
    refused = segflow("apply", "--as-of", AS_OF, "--auto-approve")
    assert refused.code == 3
    assert "more than 20" in refused.err


def test_an_unchanged_project_has_no_changes(segflow, deployed):
    """ "No changes." stands first and alone, whatever the instant."""
    assert segflow("plan").out == "No changes.\n"


def test_no_impact_asks_no_source(segflow, shop):
    """Without impact the plan works though the data is gone, and counts nobody."""
    (shop / "data" / "purchases.parquet").unlink()
    result = segflow("plan", "--no-impact")
    assert result.code == 0
    assert "size" not in result.out
    assert segflow("plan").code == 1


def test_plan_as_json(segflow, shop):
    """The plan for programs has a format version, actions and sizes."""
    found = facts(segflow("plan", "--json", "--as-of", AS_OF))
    assert (found["format_version"], found["as_of"]) == ("1.1", AS_OF)
    sizes = {
        change["name"]: change["impact"]["size_after"]
        for change in found["changes"]
        if change["kind"] == "segment"
    }
    assert sizes == {"big_spenders": 16, "lapsed_30d": 27, "win_back": 3}


def test_a_saved_plan_is_shown_as_it_was(segflow, shop, tmp_path, monkeypatch):
    """`show` prints the same plan, anywhere, as text and as JSON."""
    planned = segflow("plan", "--as-of", AS_OF, "--out", "first.segplan")
    assert "Apply exactly this with: segflow apply first.segplan" in planned.out
    as_json = segflow("plan", "--as-of", AS_OF, "--json")
    monkeypatch.chdir(tmp_path)
    shown = segflow("show", "shop/first.segplan")
    assert planned.out.startswith(shown.out)
    assert facts(segflow("show", "shop/first.segplan", "--json")) == facts(as_json)


# --- apply -------------------------------------------------------------------------------------


def test_apply_does_what_the_saved_plan_says(segflow, shop):
    """A saved plan is applied without a question, and says what it did."""
    segflow("plan", "--as-of", AS_OF, "--out", "first.segplan")
    result = segflow("apply", "first.segplan")
    assert (result.code, result.err) == (0, "")
    assert "lapsed_30d" in result.out
    assert result.out.endswith(
        "Applied: 6 created, 0 updated, 0 deleted. The state is at serial 1.\n"
    )
    assert segflow("plan", "--detailed-exitcode").code == 0


def test_apply_as_json(segflow, shop):
    """Programs get the plan and its outcome."""
    found = facts(segflow("apply", "--auto-approve", "--as-of", AS_OF, "--json"))
    assert found["plan"]["summary"]["create"] == 6
    assert found["resumed"] is None
    outcome = found["outcome"]
    assert (outcome["created"], outcome["serial"], outcome["drift"]) == (6, 1, [])
    assert outcome["plan_id"] == found["plan"]["id"]
    assert {"segment": "win_back", "size": 3, "entered": 3, "left": 0} in outcome["segments"]


def test_apply_counts_as_its_plan_did(segflow, deployed):
    """What the plan calls "to recompute" apply calls recomputed, in words and for programs."""
    edit(deployed, "gte: 150", "gte: 120")
    planned = segflow("plan", "--as-of", AS_OF, "--out", "second.segplan")
    assert "0 to create, 1 to update, 0 to delete, 1 to recompute." in planned.out
    assert segflow("apply", "second.segplan").out.endswith(
        "Applied: 0 created, 1 updated, 0 deleted, 1 recomputed. The state is at serial 2.\n"
    )
    edit(deployed, "gte: 120", "gte: 150")
    found = facts(segflow("apply", "--auto-approve", "--as-of", AS_OF, "--json"))
    told = {"create": "created", "update": "updated", "delete": "deleted"}
    for action, done in (told | {"recompute": "recomputed"}).items():
        assert found["outcome"][done] == found["plan"]["summary"][action]


def test_apply_of_nothing_is_nothing(segflow, deployed):
    """Where nothing changed, apply says so and writes no new state."""
    assert segflow("apply", "--auto-approve").out == "No changes.\n"
    assert facts(segflow("apply", "--auto-approve", "--json"))["outcome"] is None


def test_apply_without_a_terminal_refuses(segflow, shop):
    """Nobody is there to type yes: it is refused before anything is read."""
    result = segflow("apply")
    assert (result.code, result.out) == (1, "")
    assert "--auto-approve" in result.err
    assert not (shop / ".segflow").exists()


def test_a_plan_file_has_its_own_instant(segflow, shop):
    """PLANFILE and --as-of exclude each other."""
    result = segflow("apply", "x.segplan", "--as-of", AS_OF)
    assert result.code == 1
    assert "exclude each other" in result.err


def test_apply_of_a_plan_needs_no_valid_files(segflow, shop):
    """What was planned is applied even when the YAML was broken since."""
    segflow("plan", "--as-of", AS_OF, "--out", "first.segplan")
    (shop / "segments" / "shop.yaml").write_text("segment: [")
    assert segflow("apply", "first.segplan").code == 0


# --- refresh -----------------------------------------------------------------------------------


def test_refresh_follows_the_customers(segflow, deployed):
    """Every dynamic segment is evaluated at the later instant."""
    result = segflow("refresh", "--as-of", LATER)
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["SEGMENT", "AS", "OF", "SIZE", "ENTERED", "LEFT"]
    assert ["lapsed_30d", LATER, "40", "13", "0"] in lines


def test_refresh_of_one_as_json(segflow, deployed):
    """Only the named segment is evaluated."""
    found = facts(segflow("refresh", "lapsed_30d", "--as-of", LATER, "--json"))
    assert found == {
        "segments": [
            {
                "segment": "lapsed_30d",
                "as_of": LATER,
                "size": 40,
                "entered": 13,
                "left": 0,
                "error": None,
                "kept": None,
                "held_back_by": None,
            }
        ]
    }


def test_a_refresh_says_what_it_waits_for(segflow, deployed):
    """Of a source that is closed the members of before are kept, and nothing failed; of one whose
    rows came until an instant they are as of that."""
    catalog = deployed / "catalog" / "shop.yaml"
    before = catalog.read_text()
    closed = before.replace("engine: duckdb\n", "engine: duckdb\nlimits: {windows: [WINDOW]}\n")
    now = SystemClock().now()
    hours = [datetime_of(Instant(now + hour * 3_600_000)).strftime("%H:%M") for hour in (2, 3)]
    catalog.write_text(closed.replace("WINDOW", f'"{"-".join(hours)}"'))
    assert segflow("apply", "--auto-approve").code == 0
    result = segflow("refresh", "lapsed_30d")
    assert result.code == 0
    assert "lapsed_30d was kept as it is: source warehouse may be read from" in result.err
    assert "the next time from 20" in result.err

    catalog.write_text(before.replace("unique: true", "unique: true\n  arrived: purchased_at"))
    assert segflow("apply", "--auto-approve").code == 0
    result = segflow("refresh", "lapsed_30d")
    assert result.code == 0
    assert "event.purchase has come to" in result.err


def test_a_refresh_that_fails_in_part_says_so(segflow, deployed):
    """Where a source fails, its segments keep their members and the exit code is 1."""
    (deployed / "data" / "purchases.parquet").unlink()
    result = segflow("refresh", "--as-of", LATER)
    assert result.code == 1
    assert "was not refreshed" in result.err
    assert "kept the members of before" in result.err


# --- segments ----------------------------------------------------------------------------------


def test_segment_list(segflow, deployed):
    """Every segment with its status, and its size at its last snapshot."""
    edit(deployed, "gte: 150", "gte: 120")
    lines = [line.split() for line in segflow("segment", "list").out.splitlines()]
    assert lines[1][:6] == ["big_spenders", "customer", "dynamic", "changed", "16", AS_OF]
    assert lines[2][:6] == ["lapsed_30d", "customer", "dynamic", "deployed", "27", AS_OF]


def test_segment_list_as_json(segflow, shop):
    """What is not deployed has neither size nor instant."""
    found = facts(segflow("segment", "list", "--json"))["segments"]
    assert [one["segment"] for one in found] == ["big_spenders", "lapsed_30d", "win_back"]
    assert found[0] == {
        "segment": "big_spenders",
        "entity": "customer",
        "mode": "dynamic",
        "status": "new",
        "size": None,
        "as_of": None,
        "stale": None,
        "owner": None,
        "description": "Have spent at least 150 in total",
    }


def test_segment_show(segflow, deployed):
    """The segment in the words of its YAML, then what it rests on and what is deployed."""
    out = segflow("segment", "show", "lapsed_30d").out
    assert out.startswith("segment: lapsed_30d\n")
    assert "where: {did_not: purchase, within: 30d}" in out
    assert "reaches      segment.win_back" in out
    assert "status       deployed" in out


def test_segment_show_as_json(segflow, deployed):
    """The same for programs."""
    found = facts(segflow("segment", "show", "win_back", "--json"))
    assert found["object"]["where"] == {
        "all": [{"segment": "big_spenders"}, {"segment": "lapsed_30d"}]
    }
    assert "segment.lapsed_30d" in found["depends"]
    assert (found["status"], found["size"]) == ("deployed", 3)


def test_segment_count(segflow, shop):
    """A number, from the files alone."""
    assert segflow("segment", "count", "win_back", "--as-of", AS_OF).out == "3\n"


def test_segment_count_as_json(segflow, shop):
    """Exactly segment, as_of and count."""
    found = facts(segflow("segment", "count", "win_back", "--as-of", AS_OF, "--json"))
    assert found == {"segment": "win_back", "as_of": AS_OF, "count": 3}


def test_segment_count_reads_the_files_not_the_state(segflow, deployed):
    """An edit counts at once; the log keeps what was recorded."""
    edit(deployed, "gte: 150", "gte: 120")
    assert segflow("segment", "count", "big_spenders", "--as-of", AS_OF).out == "20\n"
    recorded = segflow("segment", "count", "big_spenders", "--recorded-at", LATER)
    assert recorded.out == "16\n"


def test_segment_count_recorded_as_json(segflow, deployed):
    """The log's answer carries the instant that was asked and that of the snapshot."""
    found = facts(segflow("segment", "count", "win_back", "--recorded-at", LATER, "--json"))
    assert found == {"segment": "win_back", "recorded_at": LATER, "as_of": AS_OF, "count": 3}


def test_evaluating_and_recalling_exclude_each_other(segflow, deployed):
    """--as-of evaluates, --recorded-at reads the log; both is a usage error."""
    for words in ("count", "members"):
        result = segflow("segment", words, "win_back", "--as-of", AS_OF, "--recorded-at", AS_OF)
        assert result.code == 1
        assert "exclude each other" in result.err


def test_segment_members(segflow, shop):
    """One key per line, in order."""
    assert segflow("segment", "members", "win_back", "--as-of", AS_OF).out.split() == WIN_BACK


def test_segment_members_as_json(segflow, shop):
    """Keys are strings, since a key may be larger than a program's integers."""
    found = facts(segflow("segment", "members", "win_back", "--as-of", AS_OF, "--json"))
    assert found == {"segment": "win_back", "as_of": AS_OF, "count": 3, "members": WIN_BACK}


def test_segment_members_recorded(segflow, deployed):
    """The log's members are those of the deployed definition at that instant."""
    edit(deployed, "gte: 150", "gte: 120")
    result = segflow("segment", "members", "win_back", "--recorded-at", LATER)
    assert result.out.split() == WIN_BACK


def test_segment_members_into_files(segflow, shop):
    """Plain, CSV and Parquet by the file's name, with the key's own column."""
    for name in ("keys.txt", "keys.csv", "keys.parquet"):
        result = segflow("segment", "members", "win_back", "--as-of", AS_OF, "--out", name)
        assert (result.code, result.out) == (0, "")
        assert result.err == f"Wrote 3 keys to {name}.\n"
    assert (shop / "keys.txt").read_text().split() == WIN_BACK
    assert (shop / "keys.csv").read_text().split() == ["customer_id", *WIN_BACK]
    table = pq.read_table(shop / "keys.parquet")
    assert table.to_pydict() == {"customer_id": [int(key) for key in WIN_BACK]}


def test_segment_members_into_a_file_as_json(segflow, shop):
    """With --out the JSON names the file instead of the members."""
    words = ("segment", "members", "win_back", "--as-of", AS_OF, "--out", "keys.txt", "--json")
    assert facts(segflow(*words)) == {
        "segment": "win_back",
        "as_of": AS_OF,
        "count": 3,
        "out": "keys.txt",
    }


def test_a_member_list_serves_as_a_list_file(segflow, shop):
    """What `members --out` wrote can be named by `in_file` and gives the same members."""
    segflow("segment", "members", "win_back", "--as-of", AS_OF, "--out", "keys.csv")
    (shop / "segments" / "listed.yaml").write_text(
        "segment: listed\nentity: customer\nwhere: {in_file: keys.csv}\n"
    )
    assert segflow("segment", "members", "listed", "--as-of", AS_OF).out.split() == WIN_BACK


def test_segment_show_says_what_the_last_refresh_cost(segflow, deployed):
    """A line per question, with how many shared it; what the source does not count is unknown."""
    segflow("refresh", "--as-of", LATER)
    result = segflow("segment", "show", "win_back")
    assert (result.code, result.err) == (0, "")
    *_, empty, head, row = result.out.splitlines()
    assert (empty, head.split()) == (
        "",
        ["ASKED", "ENGINE", "FOR", "TOOK", "IDS", "ROWS", "READ", "BYTES", "READ", "TABLES"],
    )
    assert re.fullmatch(
        r"source\.warehouse +duckdb +3 segments +[0-9.]+ (µs|ms|s) +16 +unknown +unknown"
        r" +customers, purchases",
        row,
    )


def test_costs_as_json(segflow, shop):
    """Costs for programs: seconds as a number, null for what is not known; without a refresh there
    are none."""
    assert facts(segflow("segment", "show", "win_back", "--json"))["costs"] is None
    assert "ASKED" not in segflow("segment", "show", "win_back").out
    segflow("apply", "--auto-approve", "--as-of", AS_OF)
    (cost,) = facts(segflow("segment", "show", "win_back", "--json"))["costs"]
    assert 0 < cost.pop("seconds") < 3600
    assert cost == {
        "source": "warehouse",
        "engine": "duckdb",
        "tables": ["customers", "purchases"],
        "segments": 3,
        "ids": 3,
        "rows_read": None,
        "bytes_read": None,
    }


def test_segment_history(segflow, deployed):
    """Each refresh and cause on a line of its own, with the size that it led to."""
    segflow("refresh", "--as-of", LATER)
    lines = [line.split() for line in segflow("segment", "history", "win_back").out.splitlines()]
    assert lines == [
        ["AS", "OF", "CAUSE", "ENTERED", "LEFT", "SIZE"],
        [AS_OF, "definition", "3", "0", "3"],
        [LATER, "data", "13", "0", "16"],
    ]


def test_segment_history_as_json(segflow, deployed):
    """The same for programs, with the definition that each entry was made with."""
    found = facts(segflow("segment", "history", "win_back", "--json"))
    (entry,) = found["entries"]
    definition = facts(segflow("segment", "show", "win_back", "--json"))["definition"]
    assert entry == {
        "sequence": 1,
        "as_of": AS_OF,
        "cause": "definition",
        "deleted": False,
        "entered": 3,
        "left": 0,
        "size": 3,
        "definition": definition,
    }


def test_segment_history_of_a_deleted_segment(segflow, deployed):
    """The drop is a line of its own kind, in words and for programs; a segment that comes again
    under the name goes on from nobody."""
    path = deployed / "segments" / "shop.yaml"
    text = path.read_text()
    kept, win_back = text.rsplit("---\n", 1)
    path.write_text(kept)
    segflow("apply", "--auto-approve", "--as-of", LATER)
    path.write_text(kept + "---\n" + win_back)
    segflow("apply", "--auto-approve", "--as-of", LATER)

    lines = [line.split() for line in segflow("segment", "history", "win_back").out.splitlines()]
    assert lines[1:] == [
        [AS_OF, "definition", "3", "0", "3"],
        [LATER, "deleted", "0", "3", "0"],
        [LATER, "definition", "16", "0", "16"],
    ]
    entries = facts(segflow("segment", "history", "win_back", "--json"))["entries"]
    assert [(entry["cause"], entry["deleted"]) for entry in entries] == [
        ("definition", False),
        ("definition", True),
        ("definition", False),
    ]


def test_compile(segflow, shop):
    """The query has the instants that relative times are."""
    result = segflow("compile", "lapsed_30d", "--as-of", AS_OF)
    assert (result.code, result.err) == (0, "")
    assert "2026-03-02" in result.out
    query = result.out.rstrip("\n")
    found = facts(segflow("compile", "lapsed_30d", "--as-of", AS_OF, "--json"))
    (part,) = found.pop("parts")
    assert found == {"segment": "lapsed_30d", "as_of": AS_OF, "query": query, "meet": None}
    assert (part["source"], part["engine"], part["query"]) == ("warehouse", "duckdb", query)


def test_compile_explains_what_is_asked_of_whom(segflow, shop):
    """The source, what it is asked and why, and the query."""
    result = segflow("compile", "lapsed_30d", "--as-of", AS_OF, "--explain")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "segment.lapsed_30d is read from 1 source\n"
        "\n"
        "warehouse 1: source.warehouse (duckdb), which has the population of customer, and event"
        " purchase\n"
        "  asked for those of its population with\n"
        "    did_not: purchase, within: 30d\n"
        "  by\n"
    )


def test_compile_for_one_engine(segflow, shop):
    """Of a segment of several sources only the queries for that engine, named as its parts."""
    with closing(sqlite3.connect(shop / "desk.db")) as desk:
        desk.execute("CREATE TABLE tiers (customer_id INTEGER PRIMARY KEY, tier TEXT)")
        desk.commit()
    file = shop / "catalog" / "shop.yaml"
    place = "{source: desk, table: tiers, key: customer_id, column: tier}"
    text = file.read_text()
    fields = f"since: first_seen}}\nfields: {{tier: {{type: string, at: {place}}}}}"
    assert text.count("since: first_seen}") == 1
    text = text.replace("since: first_seen}", fields)
    file.write_text(f"{text}---\nsource: desk\nengine: sqlite\nurl: desk.db\n")
    where = "where: {all: [{field: tier, eq: gold}, {did: purchase}]}"
    (shop / "segments" / "mixed.yaml").write_text(f"segment: mixed\nentity: customer\n{where}\n")
    ask = ("compile", "mixed", "--as-of", AS_OF)
    both, one = segflow(*ask), segflow(*ask, "--engine", "sqlite")
    assert (both.code, one.code, one.err) == (0, 0, "")
    assert "purchases" in both.out
    assert "purchases" not in one.out
    assert one.out.startswith("-- desk ")
    assert one.out.splitlines()[-1] == both.out.splitlines()[-1]
    found = facts(segflow(*ask, "--engine", "sqlite", "--json"))
    assert (found["query"], [part["engine"] for part in found["parts"]]) == (None, ["sqlite"])
    told = segflow(*ask, "--engine", "sqlite", "--explain").out
    assert told.startswith("segment.mixed is read from 2 sources\n")


def test_segment_explain(segflow, shop):
    """The condition as a tree, each part with what it came to and why, and until when."""
    result = segflow("segment", "explain", "win_back", "--key", "1", "--as-of", AS_OF)
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        f"customer 1 is not in win_back as of {AS_OF}.\n"
        "Unless something happens, it enters at 2026-04-18T05:00:00Z:"
        " `did_not: purchase, within: 30d` comes to hold.\n"
        "\n"
        "✗ all\n"
        "  ✓ segment: big_spenders\n"
        "    ✓ sum: purchase.amount, gte: 150\n"
        "        sum: purchase.amount = 184.17  (6 events)\n"
        "  ✗ segment: lapsed_30d\n"
        "    ✗ did_not: purchase, within: 30d  (until 2026-04-18T05:00:00Z)\n"
        "        count: purchase, within: 30d = 2  (2 events)\n"
    )


def test_segment_explain_of_a_member(segflow, shop):
    """Who is in is said to be in, and here to stay so."""
    out = segflow("segment", "explain", "win_back", "--key", "19", "--as-of", AS_OF).out
    assert out.startswith(
        f"customer 19 is in win_back as of {AS_OF}.\nUnless something happens, that stays so.\n"
    )


def test_segment_explain_of_somebody_unknown(segflow, shop):
    """A key that the population lacks is told as that."""
    out = segflow("segment", "explain", "win_back", "--key", "999", "--as-of", AS_OF).out
    assert out.splitlines()[1] == (
        "Nothing is known of customer 999: the population does not have the key."
    )


def test_segment_explain_before_somebody_began(segflow, shop):
    """Before `since` a user is in no segment, whatever the condition says."""
    early = "2025-04-01T00:00:00Z"
    out = segflow("segment", "explain", "lapsed_30d", "--key", "1", "--as-of", early).out
    assert out.startswith(
        f"customer 1 is not in lapsed_30d as of {early}.\n"
        "customer 1 does not exist at that instant: it begins at 2026-01-08T05:00:00Z.\n"
        "Unless something happens, it enters at 2026-04-18T05:00:00Z:"
    )
    assert "✓ did_not" in out


def test_segment_explain_as_json(segflow, shop):
    """The same tree for programs, with the instants at which it changes; the key is a string."""
    found = facts(
        segflow("segment", "explain", "lapsed_30d", "--key", "1", "--as-of", AS_OF, "--json")
    )
    assert found == {
        "segment": "lapsed_30d",
        "key": "1",
        "as_of": AS_OF,
        "member": False,
        "exists": True,
        "since": "2026-01-08T05:00:00Z",
        "population": None,
        "because": {
            "text": "did_not: purchase, within: 30d",
            "holds": False,
            "values": [{"feature": "count: purchase, within: 30d", "value": "2", "events": 2}],
            "items": [],
            "changes": "2026-04-18T05:00:00Z",
        },
        "changes": {
            "at": "2026-04-18T05:00:00Z",
            "because": [{"text": "did_not: purchase, within: 30d", "holds": True}],
            "begins": False,
            "looked_until": None,
            "taken_as_now": [],
        },
    }


# --- state -------------------------------------------------------------------------------------


def test_state_of_nothing(segflow, shop):
    """Before the first apply there is nothing to list, and asking makes no state."""
    assert segflow("state", "list").out == "Nothing is deployed yet.\n"
    assert facts(segflow("state", "list", "--json")) == {"objects": []}
    assert not (shop / ".segflow").exists()


def test_state_list(segflow, deployed):
    """Every deployed object, in order of address."""
    addresses = [line.split()[0] for line in segflow("state", "list").out.splitlines()]
    assert addresses == [
        "ADDRESS",
        "entity.customer",
        "event.purchase",
        "segment.big_spenders",
        "segment.lapsed_30d",
        "segment.win_back",
        "source.warehouse",
    ]


def test_state_show(segflow, deployed):
    """An object as it was applied, whatever the files say now."""
    edit(deployed, "gte: 150", "gte: 120")
    assert "gte: 150" in segflow("state", "show", "segment.big_spenders").out
    found = facts(segflow("state", "show", "segment.big_spenders", "--json"))
    assert found["object"]["where"] == {"sum": "purchase.amount", "gte": "150"}


def test_state_needs_no_valid_files(segflow, deployed):
    """Broken YAML keeps nobody from looking at what is deployed."""
    (deployed / "segments" / "shop.yaml").write_text("segment: [")
    for words in (
        ("state", "list"),
        ("segment", "history", "win_back"),
        ("segment", "count", "win_back", "--recorded-at", LATER),
        ("refresh", "--as-of", LATER),
    ):
        assert segflow(*words).code == 0


def test_unlock_with_nobody_to_unlock(segflow, deployed):
    """A lock that nobody holds is no error."""
    assert segflow("state", "unlock").out == "Nobody held the lock.\n"
    assert facts(segflow("state", "unlock", "--json")) == {"broken": None}
