"""`segflow daemon` as a process of its own: it works, is asked how it is, and is told to stop."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pyarrow as pa
import pytest

from segflow.clock import SystemClock
from segflow.model.instant import Instant, datetime_of, format_instant, parse_instant
from tests import warehouse

LAPSED, LAPSING = 8, 120
"""Customers who have not bought for a week when the test begins, and who follow, one a second."""

PATIENCE = 60
"""Seconds until something that should happen has not."""

SHEET = """\
channel: sheet
kind: file
path: outbox/sheet.jsonl
live: {environments: [default]}
"""

RULES = f"""\
{SHEET}---
rule: again
segment: lapsed
trigger: {{every: 2s}}
holdout: 25%
send: [{{channel: sheet}}]
---
rule: once
segment: lapsed
trigger: {{every: 2s}}
variants:
  - {{name: a, send: [{{channel: sheet}}]}}
  - {{name: b, send: [{{channel: sheet}}]}}
cap: [{{at_most: 1, per: 1d}}]
"""


def write_shop(folder: Path, rules: str) -> None:
    """A project in which somebody lapses every second from now on."""
    catalog = warehouse.CUSTOMERS + warehouse.PURCHASES + warehouse.LAPSED
    files = {"catalog/shop.yaml": catalog, "rules/rules.yaml": rules}
    warehouse.write(folder, {"segflow.toml": warehouse.SETTINGS} | files)
    keys = range(LAPSED + LAPSING)
    first = datetime_of(Instant(SystemClock().now())) - timedelta(days=7, seconds=LAPSED)
    bought = [first + timedelta(seconds=key) for key in keys]
    long_ago = [datetime(2025, 1, 1, tzinfo=UTC)] * len(keys)
    instant = pa.timestamp("ms", tz="UTC")
    customers = {"customer_id": keys, "first_seen": pa.array(long_ago, instant)}
    purchases = {
        "purchase_id": keys,
        "customer_id": keys,
        "purchased_at": pa.array(bought, instant),
    }
    warehouse.write_table(folder, "customers", customers)
    warehouse.write_table(folder, "purchases", purchases)


WEBHOOK = """\
channel: push
kind: webhook
url: {url}
timeout: 30s
live: {{environments: [default]}}
---
rule: again
segment: lapsed
trigger: {{every: 2s}}
send: [{{channel: push}}]
"""


class Process:
    """A segflow process whose log is read as it comes."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "segflow", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.log: list[dict[str, Any]] = []
        self._rest = b""

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read the log until a line that is wanted, and give that."""
        until = time.monotonic() + PATIENCE
        while True:
            line = self._line(until)
            assert line is not None, f"the process ended before that, having told {self.log}"
            self.log.append(json.loads(line))
            if wanted(self.log[-1]):
                return self.log[-1]

    def event(self, name: str, **facts: Any) -> dict[str, Any]:
        """Read the log until an event of which these facts are told."""
        wanted = {"event": name, **facts}
        return self.wait_for(lambda line: wanted.items() <= line.items())

    def end(self) -> int:
        """Read the rest of the log and give the exit code."""
        until = time.monotonic() + PATIENCE
        while (line := self._line(until)) is not None:
            self.log.append(json.loads(line))
        return self.process.wait(PATIENCE)

    def told(self, name: str) -> list[dict[str, Any]]:
        """The lines so far about an event."""
        return [line for line in self.log if line["event"] == name]

    def _line(self, until: float) -> bytes | None:
        pipe = self.process.stderr
        assert pipe is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"nothing more was told in time after {self.log}"
            said = os.read(pipe.fileno(), 65536)
            if not said:
                return None
            self._rest += said
        line, _, self._rest = self._rest.partition(b"\n")
        return line


@contextlib.contextmanager
def running(*words: str) -> Iterator[Process]:
    """A daemon with a free port for its health; killed at the end where it still runs."""
    daemon = Process("daemon", "--health-port", "0", *words)
    try:
        yield daemon
    finally:
        daemon.process.kill()
        daemon.process.wait()
        daemon.process.stderr.close()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, as the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def deploy(segflow, folder: Path, rules: str) -> None:
    """The project with these rules, written and applied now."""
    write_shop(folder, rules)
    applied = segflow("apply", "--auto-approve")
    assert applied.code == 0, applied.err


def shown(segflow) -> list[dict[str, Any]]:
    """Every run as `run show` has it, newest first."""
    found = json.loads(segflow("run", "list", "--limit", "1000", "--json").out)["runs"]
    return [json.loads(segflow("run", "show", run["run"], "--json").out) for run in found]


def by_rule(runs: list[dict[str, Any]], rule: str) -> dict[str, tuple[int, dict[str, int]]]:
    """Audience and buckets by scheduled instant, the first one first."""
    chosen = sorted((run for run in runs if run["rule"] == rule), key=itemgetter("scheduled"))
    return {run["scheduled"]: (run["audience"], run["buckets"]) for run in chosen}


def test_a_daemon_does_what_its_replay_says(segflow, process, shop):
    """It runs rules on time, tells how it is, keeps a second one out, and stops in peace; a replay
    of that time gives the same audiences and buckets, though they change from run to run."""
    deploy(segflow, shop, RULES)
    with running() as daemon:
        port = daemon.event("health")["port"]
        for rule in ("once", "again", "again", "again"):
            daemon.event("run finished", rule=rule)
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as answer:
            health = json.load(answer)
        second = process("daemon", "--health-port", "0")
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.end() == 0
    assert (health["healthy"], health["troubles"]) == (True, 0)
    assert health["runs"] >= 4
    assert second.code == 1
    told = json.loads(second.err)
    assert (told["level"], told["kind"]) == ("alarm", "locked")
    assert f":{daemon.process.pid} (daemon)" in told["reason"]
    assert [line["signal"] for line in daemon.told("told to stop")] == ["SIGTERM"]
    assert daemon.log[-1]["event"] == "daemon stopped"
    assert segflow("state", "unlock", "--runner").out == "Nobody held the lock.\n"

    every = shown(segflow)
    runs = [run for run in every if run["status"] == "done"]
    assert {run["run"] for run in runs} == {line["run"] for line in daemon.told("run finished")}
    sheet = [
        json.loads(line) for line in (shop / "outbox" / "sheet.jsonl").read_text().splitlines()
    ]
    sent = sum(one["count"] for run in every for one in run["sends"])
    assert len({line["send_id"] for line in sheet}) == len(sheet) == sent

    # A busy machine may skip an instant of one rule, so the replay begins where this one began.
    first, last = min(by_rule(runs, "once")), runs[0]["scheduled"]
    end = format_instant(Instant(parse_instant(last) + 1))
    replayed = json.loads(segflow("daemon", "--from", first, "--to", end, "--json").out)["runs"]
    assert {(run["started_at"], run["live"]) for run in replayed} == {
        (run["scheduled"], False) for run in replayed
    }
    really, again = by_rule(runs, "again"), by_rule(replayed, "again")
    really = {at: one for at, one in really.items() if at >= first}
    assert {at: again[at] for at in really} == really
    assert len({audience for audience, _ in really.values()}) > 1
    # Whom this rule reaches depends on the runs before: where the machine was too busy for one of
    # them, the two stories part.
    really, again = by_rule(runs, "once"), by_rule(replayed, "once")
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(really, again, strict=False))
    together = [at for at, _ in pairs]
    assert together
    assert {at: again[at] for at in together} == {at: really[at] for at in together}


def test_a_second_ctrl_c_ends_it_at_once(segflow, shop):
    """In the middle of a call that is not answered the first one waits and the second does not;
    the right to run rules is given back, and another daemon takes up the run."""
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        receiver.settimeout(PATIENCE)
        url = f"http://127.0.0.1:{receiver.getsockname()[1]}/"
        deploy(segflow, shop, WEBHOOK.format(url=url))
        with running() as daemon:
            connection, _ = receiver.accept()
            with connection:
                assert connection.recv(1) == b"P"  # of POST: it waits for the answer
                daemon.process.send_signal(signal.SIGINT)
                assert daemon.event("told to stop")["signal"] == "SIGINT"
                daemon.process.send_signal(signal.SIGINT)
                assert daemon.end() == 130
    assert daemon.log[-1]["event"] == "interrupted"
    assert segflow("state", "unlock", "--runner").out == "Nobody held the lock.\n"
    assert [run["status"] for run in shown(segflow)][0] == "running"


def test_a_daemon_whose_lease_is_broken_gives_up(segflow, shop):
    """It writes nothing more, says so with an alarm, and ends with 1."""
    deploy(segflow, shop, RULES)
    with running() as daemon:
        daemon.event("run finished")
        assert "Broke the lock of" in segflow("state", "unlock", "--runner").out
        assert daemon.end() == 1
    last = daemon.log[-1]
    assert (last["event"], last["level"], last["kind"]) == ("daemon gave up", "alarm", "lease_lost")


def test_a_port_that_is_taken(segflow, shop):
    """The daemon says so and gives back the right to run rules."""
    deploy(segflow, shop, RULES)
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = segflow("daemon", "--health-port", str(other.getsockname()[1]))
    assert result.code == 1
    told = json.loads(result.err)
    assert (told["event"], told["kind"]) == ("daemon gave up", "refused")
    assert "--health-port" in told["hint"]
    assert segflow("state", "unlock", "--runner").out == "Nobody held the lock.\n"


def test_nothing_is_deployed_yet(segflow, shop):
    """It ends with 1, an alarm on stderr and, where JSON is asked for, the error on stdout."""
    write_shop(shop, RULES)
    plain, as_json = segflow("daemon"), segflow("daemon", "--json")
    assert (plain.code, plain.out, as_json.code) == (1, "", 1)
    for result in (plain, as_json):
        told = json.loads(result.err)
        assert (told["level"], told["kind"]) == ("alarm", "not_deployed")
    error = json.loads(as_json.out)["error"]
    assert (error["kind"], error["retry"]) == ("not_deployed", False)
