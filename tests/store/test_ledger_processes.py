"""Several processes write one ledger, and some are killed: no code goes to two, no send is lost."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from segflow.errors import LeaseLostError
from segflow.store.ledger import SqlLedger
from segflow.store.state import SqlStateStore
from tests.store.records import MINUTE_MS
from tests.store.run_records import decided, run, runner, stocked
from tests.store.sender import CODES, FAILING, KEYS, RUNS

ROOT = Path(__file__).parents[2]


class Place:
    """A state on disk with codes in stock, and processes that send under the lease on record."""

    def __init__(self, folder):
        self.path = folder / "state.db"
        self.url = f"sqlite:///{self.path}"
        self.state = SqlStateStore(self.url)
        self.ledger = SqlLedger(self.state.database)
        self.state.create("lineage", "shop")
        stocked(self.state, *CODES)
        self.lease = runner(self.state)
        self.state.close()

    def sender(self, direction, times=1):
        return subprocess.Popen(
            [sys.executable, "-m", "tests.store.sender", self.url, direction, str(times)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sends(self):
        """Every send of every run, by run and key."""
        return {
            (made.id, one.key): one
            for made in self.ledger.runs()
            for one in self.ledger.sends(made.id)
        }

    def check(self, said):
        """The file is whole, what was said is there, and each code belongs to one send at most."""
        with closing(sqlite3.connect(self.path)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        sends, stock = self.sends(), self.ledger.stock("five")
        codes = [one.code for one in sends.values() if one.code is not None]
        assert len(codes) == len(set(codes)) == stock.reserved + stock.committed
        assert stock.free + stock.reserved + stock.committed == len(CODES)
        for one in sends.values():
            assert (one.code is None) == (one.status == "failed")
        for run_id, key, code in said:
            found = sends[run_id, key]
            assert found.status == ("failed" if key in FAILING else "delivered")
            if found.status == "delivered":
                assert found.code == code

    def check_end(self):
        """Every user of every run has one send, and all but the failed ones a code of their own."""
        sends = self.sends()
        assert sends.keys() == {(run(at).id, key) for at in range(RUNS) for key in KEYS}
        assert {one.status for one in sends.values()} == {"delivered", "failed"}
        assert self.ledger.stock("five").free == RUNS * len(FAILING)
        assert self.ledger.stock("five").reserved == 0


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def told(lines, kind):
    return [line.split()[1:] for line in lines if line.split()[0] == kind]


def sent(lines):
    return [(run_id, int(key), code) for run_id, key, code in told(lines, "send")]


def ended(process):
    """The lines that a process wrote; it must have ended well."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out.splitlines()


def test_two_senders_share_the_work(place):
    """Both send the same as fast as they can, from both ends: each run begins once, each send is
    claimed once, and both are told the same code of it."""
    senders = [place.sender(direction) for direction in ("up", "down")]
    lines = [line for sender in senders for line in ended(sender)]

    assert sorted(run_id for (run_id,) in told(lines, "run")) == [run(at).id for at in range(RUNS)]
    assert len(sent(lines)) == 2 * RUNS * len(KEYS)
    place.check(sent(lines))
    place.check_end()


def test_a_killed_sender_leaves_a_consistent_ledger(place):
    """Killed at any moment between claim and settlement: what it said is there, nothing is half
    there, and the next one finishes the work."""
    said = []
    for kill in range(1, 5):
        sender = place.sender("up", 10_000)
        lines = [sender.stdout.readline() for _ in range(5 * kill)]
        sender.send_signal(signal.SIGKILL)
        # A last line may be cut off by the kill.
        lines += sender.communicate()[0].splitlines(keepends=True)
        assert sender.returncode == -signal.SIGKILL
        said += sent(line for line in lines if line.endswith("\n"))
        place.check(said)
    said += sent(ended(place.sender("down")))
    place.check(said)
    place.check_end()


def test_a_sender_stops_when_another_takes_over(place):
    """A process that was suspended beyond its lease can't begin, claim or settle any more."""
    taken = runner(place.state, "eve", MINUTE_MS)
    with pytest.raises(LeaseLostError, match="eve"):
        decided(place.ledger, place.lease)
    assert list(ended(place.sender("up")))  # under the lease that counts now
    place.check_end()
    assert place.state.lease("runner") == taken
