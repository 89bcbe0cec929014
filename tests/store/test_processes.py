"""Several processes write one state, and some are killed: it stays one consistent story."""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from segflow.membership.bitmaps import from_bytes
from segflow.membership.log import members_at
from segflow.model.codec import canonical, from_canonical
from segflow.model.state import Membership
from segflow.store.snapshots import FsspecSnapshotStore
from segflow.store.state import SqlStateStore
from tests.store.records import MINUTE, MINUTE_MS
from tests.store.writer import members_of

ROOT = Path(__file__).parents[2]


class Place:
    """A state and its snapshots on disk, and the processes that write them."""

    def __init__(self, folder):
        self.path = folder / "deep" / "state.db"
        self.url = f"sqlite:///{self.path}"
        self.folder = str(folder / "snapshots")
        self.store = SqlStateStore(self.url)
        self.snapshots = FsspecSnapshotStore(self.folder)

    def writer(self, owner, count):
        return started("tests.store.writer", self.url, self.folder, owner, str(count))

    def check(self):
        """Whatever happened: objects, snapshots, log, applies and serial tell the same."""
        with closing(sqlite3.connect(self.path)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        serial = self.store.version().serial
        ended = [made for made in self.store.applies() if made.serial is not None]
        assert [made.serial for made in ended] == list(range(serial, 0, -1))
        (vip,) = self.store.deployed().values()
        assert vip.canonical == f"of {serial}"
        assert self.store.snapshots()["vip"].as_of == serial
        for made in ended[:10]:
            self.check_apply(made)

    def check_apply(self, made):
        """Its journal holds what it recorded, whose bytes are there and follow from the log."""
        begin, end = self.store.journal(made.id)
        snapshot = self.store.snapshot_at("vip", made.serial)
        recorded = from_canonical(end.result)
        assert (begin.phase, end.phase) == ("begin", "end")
        assert isinstance(recorded, Membership)
        assert canonical(recorded.snapshot) == canonical(snapshot)
        assert self.read(snapshot.digest) == members_of(made.serial)
        assert members_at(self.store.log("vip"), made.serial, self.read) == members_of(made.serial)

    def read(self, digest):
        return from_bytes(self.snapshots.get(digest))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def started(module, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    """The lines that a process wrote; it must have ended well."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out.splitlines()


def test_two_writers_take_turns(place):
    """Both make the state at once and write it as fast as they can: no write is lost or mixed."""
    writers = [place.writer(owner, 15) for owner in ("ann", "bob")]
    said = [int(serial) for writer in writers for serial in ended(writer)]

    assert sorted(said) == list(range(1, 31))
    assert place.store.version().serial == 30
    place.check()


def test_a_killed_writer_leaves_a_consistent_state(place):
    """Killed at any moment: what it said to be committed is there, and nothing is half there."""
    now = 0
    for kill in range(1, 5):
        writer = place.writer(f"writer-{kill}", 10_000)
        said = 0
        for _ in range(3 * kill):
            said = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        said = max([said, *map(int, writer.communicate()[0].split())])

        assert writer.returncode == -signal.SIGKILL
        assert place.store.version().serial >= said
        place.check()
        # Its lease may still be on record; time passes and somebody else goes on.
        now += MINUTE_MS
        place.store.release(place.store.acquire("next", "apply", now, MINUTE))
    assert place.store.version().serial >= 30


def killed(tmp_path, act):
    """For each statement of an act: the word it begins with, and what was seen around the kill."""
    lines = ended(started("tests.store.killed", str(tmp_path / "state.db"), act))
    return [json.loads(line) for line in lines]


def test_a_commit_is_killed_before_each_of_its_statements(tmp_path):
    """At whatever statement the process dies, nothing of the commit is there, and all of it after
    another try."""
    *kills, (word, before, whole, again) = killed(tmp_path, "commit")

    assert {"SELECT", "INSERT", "UPDATE", "DELETE", "COMMIT"} <= {found[0] for found in kills}
    assert (word, whole) == ("-", again)
    assert from_canonical(before["version"]).serial == 1
    assert from_canonical(whole["version"]).serial == 2
    for _, earlier, after_kill, after_retry in kills:
        assert (earlier, after_kill, after_retry) == (before, before, whole)


STATEMENTS = {
    "decide": {"SELECT", "INSERT", "UPDATE", "DELETE", "COMMIT"},
    "claim": {"SELECT", "INSERT", "UPDATE", "COMMIT"},
    "settle": {"SELECT", "UPDATE", "COMMIT"},
    "finish": {"SELECT", "INSERT", "UPDATE", "DELETE", "COMMIT"},
}


@pytest.mark.parametrize("act", STATEMENTS)
def test_a_write_to_the_ledger_is_killed_before_each_of_its_statements(tmp_path, act):
    """Nothing of it is there, and all of it, once, after another try: no send without its code."""
    *kills, (word, before, whole, again) = killed(tmp_path, act)

    assert STATEMENTS[act] <= {found[0] for found in kills}
    assert (word, whole) == ("-", again)
    assert before != whole
    for _, earlier, after_kill, after_retry in kills:
        assert (earlier, after_kill, after_retry) == (before, before, whole)


def test_making_a_state_is_killed_before_each_of_its_statements(tmp_path):
    """There is no state or a whole one, and making it again makes the same."""
    *kills, (word, before, whole, again) = killed(tmp_path, "create")

    assert {"CREATE", "INSERT", "COMMIT"} <= {found[0] for found in kills}
    assert (word, whole) == ("-", again)
    assert before["version"] == "null"
    for _, _, after_kill, after_retry in kills:
        assert after_kill in (before, whole)
        assert after_retry == whole
