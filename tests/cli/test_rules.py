"""The commands about rules and runs, on the example project with two rules of its own."""

import json
import shutil
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.cli.main import main
from segflow.errors import LeaseLostError
from segflow.executor.lease import holding
from segflow.model.instant import format_instant, parse_instant
from tests.cli.conftest import AS_OF

NEXT_DAY = "2026-04-02T00:00:00Z"
LAPSED = 27

RULES = """\
channel: coupon
kind: coupon
---
channel: mail
kind: file
path: outbox/mail.jsonl
live: {environments: [default]}
---
channel: sheet
kind: file
path: outbox/sheet.jsonl
live: {environments: [prod]}
---
offer: five
codes: {generate: {pattern: "FIVE-********", count: 100}}
value: 5.00
---
rule: winback
segment: lapsed_30d
owner: growth
trigger: {cron: "0 9 * * *", timezone: Asia/Shanghai}
holdout: 20%
variants:
  - name: coupon
    weight: 3
    send: [{channel: coupon, offer: five}, {channel: mail}]
  - name: plain
    send: [{channel: mail}]
cap: [{at_most: 1, per: 30d}]
---
rule: call_list
segment: big_spenders
trigger: {every: 6h}
send: [{channel: sheet}]
max_recipients: 10
---
rule: over
segment: big_spenders
trigger: {every: 6h}
active: {until: 2026-01-01}
send: [{channel: sheet}]
"""


def facts(result) -> dict:
    """The one JSON object that a command printed, having printed nothing else."""
    assert result.err == ""
    (line,) = result.out.splitlines()
    return json.loads(line)


@pytest.fixture(scope="module")
def template(deployed_template, tmp_path_factory) -> Path:
    """The example project with the rules, deployed once to be copied."""
    folder = tmp_path_factory.mktemp("campaign") / "shop"
    shutil.copytree(deployed_template, folder)
    (folder / "rules").mkdir()
    (folder / "rules" / "rules.yaml").write_text(RULES)
    assert main(["apply", "--auto-approve", "--project", str(folder)]) == 0
    return folder


@pytest.fixture
def campaign(template, tmp_path, monkeypatch) -> Path:
    """The same project as the current folder."""
    folder = tmp_path / "shop"
    shutil.copytree(template, folder)
    monkeypatch.chdir(folder)
    return folder


def rewrite(folder: Path, before: str, after: str) -> None:
    """Replace words of the rules that stand there once."""
    path = folder / "rules" / "rules.yaml"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


def lines_of(path: Path) -> list[dict]:
    """A file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def adds_up(run: dict) -> bool:
    """Whether buckets and reasons have everybody once."""
    reasons = sum(reason["count"] for reason in run["reasons"])
    return sum(run["buckets"].values()) == reasons == run["audience"]


# --- rule list, show, next ---------------------------------------------------------------------


def test_rule_list(segflow, campaign):
    """Every rule with its status, its schedule in words and its zone, and what comes next."""
    rewrite(campaign, "max_recipients: 10\n", "max_recipients: 11\n")
    rewrite(campaign, "rule: over\n", "rule: brand_new\n")
    lines = [line.split("   ") for line in segflow("rule", "list").out.splitlines()]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert rows[0] == ["NAME", "SEGMENT", "STATUS", "SCHEDULE", "NEXT", "LAST", "OWNER"]
    assert [row[:4] for row in rows[1:]] == [
        ["brand_new", "big_spenders", "new", "every 6h"],
        ["call_list", "big_spenders", "changed", "every 6h"],
        ["over", "big_spenders", "deleted", "every 6h"],
        ["winback", "lapsed_30d", "deployed", "0 9 * * * (Asia/Shanghai)"],
    ]
    assert rows[4][5:] == ["-", "growth"]


def test_rule_list_as_json(segflow, campaign):
    """The same for programs, with the last run of each."""
    segflow("rule", "run", "winback", "--live", "--auto-approve", "--at", AS_OF)
    found = {one["rule"]: one for one in facts(segflow("rule", "list", "--json"))["rules"]}
    assert list(found) == ["call_list", "over", "winback"]
    assert found["over"]["next"] is None
    assert found["call_list"]["last"] is None
    last = found["winback"].pop("last")
    assert (last["scheduled"], last["status"]) == (AS_OF, "done")
    assert found["winback"].pop("next").endswith("T01:00:00Z")
    assert found["winback"] == {
        "rule": "winback",
        "segment": "lapsed_30d",
        "status": "deployed",
        "schedule": "0 9 * * * (Asia/Shanghai)",
        "owner": "growth",
        "description": None,
    }


def test_rule_list_of_nothing(segflow, shop):
    """Without rules it says so, and makes no state."""
    assert segflow("rule", "list").out == "There are no rules yet.\n"
    assert facts(segflow("rule", "list", "--json")) == {"rules": []}
    assert not (shop / ".segflow").exists()


def test_rule_show(segflow, campaign):
    """The rule in the words of its YAML, then arms with shares, channels, codes and runs."""
    segflow("rule", "run", "winback", "--live", "--auto-approve", "--at", AS_OF)
    out = segflow("rule", "show", "winback").out
    assert out.startswith("rule: winback\n")
    assert "cap: [{at_most: 1, per: 30d}]" in out
    assert "arms          holdout 20%, coupon 60%, plain 20%" in out
    assert "channels      coupon (coupon, records), mail (file, live)" in out
    given = facts(segflow("rule", "show", "winback", "--json"))["coupons_given"]
    assert given > 0
    assert f"codes         {100 - given} of five free" in out
    assert f"given by it   {given}" in out
    assert [line for line in out.splitlines() if line.startswith(AS_OF)] != []


def test_rule_show_as_json(segflow, campaign):
    """The same for programs; a channel is live in the environments that it names."""
    found = facts(segflow("rule", "show", "call_list", "--json"))
    assert found["object"]["send"] == [{"channel": "sheet"}]
    assert found["channels"] == [{"channel": "sheet", "kind": "file", "live": False}]
    assert found["arms"] == [{"arm": "all", "share": 1.0, "channels": ["sheet"]}]
    assert (found["codes"], found["coupons_given"], found["runs"]) == ([], None, [])
    assert "segment.big_spenders" in found["depends"]
    assert len(found["upcoming"]) == 5
    assert found["upcoming"][0] == found["next"]


def test_rule_next(segflow, campaign):
    """The next instants, one a line, as many as are asked for."""
    found = segflow("rule", "next", "call_list", "--count", "3").out.split()
    first, second, third = map(parse_instant, found)
    assert first % (6 * 3_600_000) == 0
    assert second - first == third - second == 6 * 3_600_000
    again = facts(segflow("rule", "next", "call_list", "--count", "3", "--json"))
    assert again == {"rule": "call_list", "next": found}
    assert len(segflow("rule", "next", "winback").out.split()) == 5


def test_rule_next_of_a_rule_that_is_over(segflow, campaign):
    """A rule that was active only until some day has no next instant."""
    assert segflow("rule", "next", "over").out == "It is not scheduled any more.\n"
    assert facts(segflow("rule", "next", "over", "--json")) == {"rule": "over", "next": []}


@pytest.mark.parametrize("words", [("show",), ("next",)])
def test_a_rule_that_is_not_there(segflow, campaign, words):
    """A mistyped name is refused with the one that was meant."""
    result = segflow("rule", *words, "winbak")
    assert (result.code, result.out) == (1, "")
    assert "did you mean winback?" in result.err


# --- rule run ----------------------------------------------------------------------------------


def test_a_rehearsal_accounts_for_everybody(segflow, campaign):
    """The buckets with reasons and arms add up to the audience, and codes to those who got one."""
    result = segflow("rule", "run", "winback", "--at", AS_OF)
    assert (result.code, result.err) == (0, "")
    found = facts(segflow("rule", "run", "winback", "--at", AS_OF, "--json"))
    assert adds_up(found)
    assert (found["rule"], found["scheduled"], found["audience"]) == ("winback", AS_OF, LAPSED)
    arms = {one["arm"]: one["count"] for one in found["reasons"]}
    assert set(arms) == {"holdout", "coupon", "plain"}
    assert found["coupons"] == {"five": arms["coupon"]}
    rows = [line.split() for line in result.out.splitlines()]
    assert ["held", "out", "holdout", "exposed", str(arms["holdout"])] in rows
    assert ["delivered", "coupon", "recorded", str(arms["coupon"])] in rows
    assert ["audience", str(LAPSED)] in rows
    assert f"coupons       {arms['coupon']} five" in result.out


def test_a_rehearsal_reaches_nobody(segflow, campaign):
    """What would be sent lies in a folder; no run, no send and no code is gone afterwards."""
    before = (campaign / ".segflow" / "state.db").read_bytes()
    out = segflow("rule", "run", "winback", "--at", AS_OF).out
    assert out.endswith("recorded in   .segflow/rehearsed/winback\n")
    found = facts(segflow("rule", "run", "winback", "--at", AS_OF, "--json"))
    folder = Path(found["folder"])
    assert len(lines_of(folder / "mail.jsonl")) == found["buckets"]["delivered"]
    assert len(lines_of(folder / "coupon.jsonl")) == found["coupons"]["five"]
    assert not (campaign / "outbox").exists()
    assert facts(segflow("run", "list", "--json")) == {"runs": []}
    assert (campaign / ".segflow" / "state.db").read_bytes() == before


def test_a_rehearsal_is_of_what_is_deployed(segflow, campaign):
    """The files are not read: a broken one keeps nobody from it."""
    (campaign / "rules" / "rules.yaml").write_text("rule: [")
    assert segflow("rule", "run", "winback", "--at", AS_OF).code == 0


def test_each_rehearsal_has_the_folder_to_itself(segflow, campaign):
    """What an earlier one recorded is gone, and what lies elsewhere stays, whatever the name is."""
    other = campaign / "outbox" / "kept.jsonl"
    other.parent.mkdir()
    other.write_text("{}\n")
    segflow("rule", "run", "winback", "--at", "2026-05-01T00:00:00Z")
    segflow("rule", "run", "winback", "--at", AS_OF)
    recorded = lines_of(campaign / ".segflow" / "rehearsed" / "winback" / "mail.jsonl")
    assert {line["facts"]["scheduled"] for line in recorded} == {AS_OF}
    refused = segflow("rule", "run", "../../outbox")
    assert refused.code == 1
    assert "is not deployed" in refused.err
    assert other.exists()


def test_a_run_whose_source_is_gone(segflow, campaign):
    """The reason is told, and the exit code is 1."""
    (campaign / "data" / "purchases.parquet").unlink()
    result = segflow("rule", "run", "winback", "--at", AS_OF)
    assert result.code == 1
    assert "BUCKET" not in result.out
    assert "error: the run failed:" in result.err
    assert "purchases" in result.err
    as_json = segflow("rule", "run", "winback", "--at", AS_OF, "--json")
    assert as_json.code == 1
    assert facts(as_json)["status"] == "failed"


def test_live_asks_first(segflow, campaign):
    """Without a terminal nobody can say yes: it is refused, and nothing is sent."""
    result = segflow("rule", "run", "winback", "--live", "--at", AS_OF)
    assert (result.code, result.out) == (1, "")
    assert "--auto-approve" in result.err
    assert not (campaign / "outbox").exists()


def test_a_live_run_sends_once(segflow, campaign):
    """The live channel gets every message, with its code; the same run again sends nothing."""
    words = ("rule", "run", "winback", "--live", "--auto-approve", "--at", AS_OF)
    found = facts(segflow(*words, "--json"))
    assert adds_up(found)
    assert (found["live"], found["folder"]) == (True, None)
    sent = lines_of(campaign / "outbox" / "mail.jsonl")
    assert len(sent) == found["buckets"]["delivered"]
    assert sum("code" in line["facts"] for line in sent) == found["coupons"]["five"]
    again = segflow(*words)
    assert again.code == 0
    assert "It was run before: nothing was done now." in again.out
    assert lines_of(campaign / "outbox" / "mail.jsonl") == sent


def test_who_was_reached_is_capped_in_the_next(segflow, campaign):
    """A rehearsal knows what was really sent before."""
    segflow("rule", "run", "winback", "--live", "--auto-approve", "--at", AS_OF)
    found = facts(segflow("rule", "run", "winback", "--at", NEXT_DAY, "--json"))
    assert adds_up(found)
    assert found["buckets"]["capped"] > 0


def test_a_live_run_where_no_channel_is_live(segflow, campaign):
    """It counts as a run, and its channels record what they would send."""
    result = segflow("rule", "run", "call_list", "--live", "--auto-approve", "--at", AS_OF)
    assert result.code == 0
    assert "none of its channels is live here" in result.out
    assert len(lines_of(campaign / ".segflow" / "recorded" / "sheet.jsonl")) == 10
    (run,) = facts(segflow("run", "list", "--json"))["runs"]
    assert (run["rule"], run["live"]) == ("call_list", False)


def test_nothing_is_run_live_ahead_of_time(segflow, campaign):
    """The run of an instant to come would be taken from the daemon; a rehearsal of it is fine."""
    ahead = format_instant(parse_instant("2150-01-01T00:00:00Z"))
    result = segflow("rule", "run", "winback", "--live", "--auto-approve", "--at", ahead)
    assert result.code == 1
    assert "take an earlier --at" in result.err
    assert segflow("rule", "run", "winback", "--at", ahead).code == 0


def test_what_is_not_deployed_is_not_run(segflow, shop):
    """Neither rehearsed nor live, and it says what to do."""
    result = segflow("rule", "run", "winback")
    assert (result.code, result.out) == (1, "")
    assert "segflow apply" in result.err


# --- runs --------------------------------------------------------------------------------------


@pytest.fixture
def ran(campaign, segflow) -> Path:
    """Three runs of two rules."""
    for name, at in (("winback", AS_OF), ("winback", NEXT_DAY), ("call_list", AS_OF)):
        assert segflow("rule", "run", name, "--live", "--auto-approve", "--at", at).code == 0
    return campaign


def test_run_list(segflow, ran):
    """Newest first, of all rules or of one, as many as are asked for."""
    rows = [line.split() for line in segflow("run", "list").out.splitlines()]
    counts = ["AUDIENCE", "DELIVERED", "FAILED"]
    assert rows[0] == ["SCHEDULED", "RULE", "STATUS", *counts, "MODE", "RUN", "REASON"]
    assert [row[:3] for row in rows[1:]] == [
        [NEXT_DAY, "winback", "done"],
        [AS_OF, "call_list", "done"],
        [AS_OF, "winback", "done"],
    ]
    assert [row[6] for row in rows[1:]] == ["live", "recorded", "live"]
    ended = [run["buckets"] for run in facts(segflow("run", "list", "--json"))["runs"]]
    assert [[int(cell) for cell in row[4:6]] for row in rows[1:]] == [
        [buckets.get("delivered", 0), buckets.get("failed", 0)] for buckets in ended
    ]
    assert sum(buckets.get("delivered", 0) for buckets in ended) > 0
    of_one = facts(segflow("run", "list", "--rule", "call_list", "--json"))["runs"]
    assert [run["rule"] for run in of_one] == ["call_list"]
    newest = facts(segflow("run", "list", "--limit", "1", "--json"))["runs"]
    assert [run["scheduled"] for run in newest] == [NEXT_DAY]


def test_run_list_of_nothing(segflow, campaign):
    """Before the first run it says so."""
    assert segflow("run", "list").out == "Nothing ran yet.\n"


def test_rule_history(segflow, ran):
    """The runs of one rule, newest first, also once it is deleted."""
    rows = [line.split() for line in segflow("rule", "history", "winback").out.splitlines()]
    assert [row[0] for row in rows] == ["SCHEDULED", NEXT_DAY, AS_OF]
    (ran / "rules" / "rules.yaml").unlink()
    assert segflow("apply", "--auto-approve").code == 0
    found = facts(segflow("rule", "history", "winback", "--limit", "1", "--json"))
    assert [run["scheduled"] for run in found["runs"]] == [NEXT_DAY]
    assert set(found["runs"][0]) == {
        "run",
        "rule",
        "scheduled",
        "status",
        "live",
        "audience",
        "started_at",
        "finished_at",
        "reason",
        "buckets",
    }


def test_rule_history_of_what_never_ran(segflow, campaign):
    """A deployed rule has none yet; a name that nothing has is refused."""
    assert segflow("rule", "history", "over").out == "It never ran.\n"
    refused = segflow("rule", "history", "winbak")
    assert refused.code == 1
    assert "did you mean winback?" in refused.err
    assert segflow("run", "list", "--rule", "nobody").code == 1


def test_run_show(segflow, ran):
    """By the beginning of its id: the account, exposures, sends and coupons."""
    run = facts(segflow("rule", "history", "winback", "--json"))["runs"][1]["run"]
    result = segflow("run", "show", run[:12])
    assert (result.code, result.err) == (0, "")
    found = facts(segflow("run", "show", run, "--json"))
    assert adds_up(found)
    mails, coupons = found["buckets"]["delivered"], found["coupons"]["five"]
    assert found["sends"] == [
        {"channel": "coupon", "status": "delivered", "count": coupons},
        {"channel": "mail", "status": "delivered", "count": mails},
    ]
    assert sum(one["count"] for one in found["exposures"]) == LAPSED
    rows = [line.split() for line in result.out.splitlines()]
    assert ["audience", str(LAPSED)] in rows
    assert ["mail", "delivered", str(mails)] in rows
    assert ["coupons", str(coupons), "five"] in rows
    assert ["ARM", "EXPOSED", "AT"] in rows


def test_run_show_names_nobody(segflow, ran):
    """Neither text nor JSON has keys of users or their codes."""
    sent = lines_of(ran / "outbox" / "mail.jsonl")
    codes = [line["facts"]["code"] for line in sent if "code" in line["facts"]]
    for run in facts(segflow("run", "list", "--json"))["runs"]:
        for words in ((), ("--json",)):
            out = segflow("run", "show", run["run"], *words).out
            assert not [code for code in codes if code in out]
            assert '"key"' not in out


@pytest.mark.parametrize(
    ("run", "said"), [("zz", "no run's id begins with 'zz'"), ("", "the ids of 3 runs begin")]
)
def test_run_show_of_no_single_run(segflow, ran, run, said):
    """What names no run, or several, is refused."""
    result = segflow("run", "show", run)
    assert (result.code, result.out) == (1, "")
    assert said in result.err


def test_run_show_draws_a_picture(segflow, ran):
    """--picture writes the funnel of the run as SVG."""
    run = facts(segflow("run", "list", "--json"))["runs"][0]["run"]
    result = segflow("run", "show", run, "--picture", "funnel.svg")
    assert (result.code, result.err) == (0, "Drew funnel.svg.\n")
    assert ElementTree.parse(ran / "funnel.svg").getroot().tag.endswith("svg")
    found = facts(segflow("run", "show", run, "--picture", "funnel.svg", "--json"))
    assert found["picture"] == "funnel.svg"
    assert segflow("run", "show", run, "--picture", "no/folder.svg").code == 1


# --- replay ------------------------------------------------------------------------------------

SPAN = ("--from", AS_OF, "--to", "2026-04-03T00:00:00Z")


def test_a_replay_adds_up(segflow, campaign):
    """Every run of the span in order of time; a later one knows whom an earlier one reached."""
    found = facts(segflow("daemon", *SPAN, "--json"))["runs"]
    assert [run["rule"] for run in found].count("call_list") == 8
    winbacks = [run for run in found if run["rule"] == "winback"]
    assert [run["scheduled"] for run in winbacks] == [
        "2026-04-01T01:00:00Z",
        "2026-04-02T01:00:00Z",
    ]
    assert all(map(adds_up, found))
    assert winbacks[0]["buckets"]["delivered"] <= winbacks[1]["buckets"]["capped"]
    assert found == sorted(found, key=lambda run: parse_instant(run["scheduled"]))


def test_a_replay_leaves_nothing_behind(segflow, campaign):
    """The state stays as it was and nobody is reached."""
    before = (campaign / ".segflow" / "state.db").read_bytes()
    assert segflow("daemon", *SPAN).code == 0
    assert (campaign / ".segflow" / "state.db").read_bytes() == before
    assert not (campaign / "outbox").exists()
    assert not (campaign / ".segflow" / "recorded").exists()


def test_a_replay_for_a_person(segflow, campaign):
    """A table per rule that adds up, with sends, holdout and coupons, and one of all."""
    result = segflow("daemon", *SPAN)
    assert (result.code, result.err) == (0, "")
    tables = dict(table.split(": ", 1) for table in result.out.split("\n\n"))
    assert list(tables) == ["rule.call_list", "rule.winback", "total"]
    runs = facts(segflow("daemon", *SPAN, "--json"))["runs"]
    for name, table in tables.items():
        of_rule = [run for run in runs if name in (f"rule.{run['rule']}", "total")]
        _, head, *rows, last = table.splitlines()
        assert head.split() == ["BUCKET", "USERS"]
        counts = [int(row.split()[-1]) for row in rows]
        audience = sum(run["audience"] for run in of_rule)
        assert sum(counts[:-1]) == counts[-1] == audience
        delivered = sum(run["buckets"].get("delivered", 0) for run in of_rule)
        assert last.startswith(f"{delivered} sends")
    coupons = sum(run["coupons"].get("five", 0) for run in runs)
    assert f"coupons: {coupons} five" in tables["rule.winback"]
    assert "held out" in tables["rule.winback"]


def test_a_replay_draws_a_picture(segflow, campaign):
    """--picture writes the funnel of every rule, in the order of the text."""
    winback_first = ("--from", "2026-04-01T00:30:00Z", "--to", NEXT_DAY)
    result = segflow("daemon", *winback_first, "--picture", "funnel.svg")
    assert (result.code, result.err) == (0, "Drew funnel.svg.\n")
    drawn = (campaign / "funnel.svg").read_text()
    assert drawn.index(">call_list<") < drawn.index(">winback<")


def test_a_replay_of_one_rule_has_no_total(segflow, campaign):
    """The total would say the same again; a user of two runs counts twice, which is said."""
    rewrite(campaign, "max_recipients: 10", "active: {until: 2026-01-01}")
    assert segflow("apply", "--as-of", AS_OF, "--auto-approve").code == 0
    out = segflow("daemon", *SPAN).out
    assert out.startswith("rule.winback: ")
    assert "; users count once per run\n" in out
    assert "total" not in out


def test_a_replay_of_a_quiet_time(segflow, campaign):
    """Where nothing is scheduled there is nothing to tell."""
    quiet = ("--from", "2026-04-01T02:00:00Z", "--to", "2026-04-01T03:00:00Z")
    assert segflow("daemon", *quiet).out == "No rule was scheduled in that time.\n"
    assert facts(segflow("daemon", *quiet, "--json")) == {"runs": []}


def test_a_replay_whose_source_is_gone(segflow, campaign):
    """The runs failed, the reason is told once, and the exit code is 1."""
    (campaign / "data" / "purchases.parquet").unlink()
    result = segflow("daemon", *SPAN)
    assert result.code == 1
    assert "8 runs failed" in result.out
    assert 1 <= result.err.count("error: ") <= 2
    assert "purchases" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", AS_OF), "belong together"),
        (("--to", AS_OF), "belong together"),
        (("--picture", "f.svg"), "needs --from and --to"),
        ((*SPAN, "--health-port", "0"), "--health-port is for a daemon that stays"),
        (("--from", NEXT_DAY, "--to", AS_OF), "is not after"),
    ],
)
def test_options_that_make_no_sense_together(segflow, campaign, words, said):
    """They are refused at once."""
    result = segflow("daemon", *words)
    assert (result.code, result.out) == (1, "")
    assert said in result.err


# --- state unlock ------------------------------------------------------------------------------


def test_unlock_of_the_runner(segflow, campaign):
    """--runner breaks the lease of who runs the rules, and no other; its holder can't go on."""
    assert segflow("state", "unlock", "--runner").out == "Nobody held the lock.\n"
    settings = load(campaign, None).compiled.project.settings
    with open_world(settings, campaign) as world, holding(world.effects, "test", "runner") as hold:
        refused = segflow("rule", "run", "winback", "--live", "--auto-approve", "--at", AS_OF)
        assert refused.code == 1
        assert "segflow state unlock --runner" in refused.err
        assert segflow("state", "unlock").out == "Nobody held the lock.\n"
        broken = facts(segflow("state", "unlock", "--runner", "--json"))["broken"]
        assert (broken["owner"], broken["purpose"]) == (world.owner, "test")
        assert datetime.fromisoformat(broken["acquired_at"]) < datetime.fromisoformat(
            broken["expires_at"]
        )
        assert not hold.beat()
        with pytest.raises(LeaseLostError):
            hold.check()
