"""The file channel and recordings: whole lines, each send once, whatever dies or fills up."""

import errno
import fcntl
import json
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.channels.envelope import to_json
from segflow.channels.file import FileChannel
from segflow.channels.recording import RecordingChannel
from segflow.ports import Delivery
from tests.channels.messages import message
from tests.store.files import files_limited_to

DELIVERED = Delivery(status="delivered")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "sent.jsonl"


def lines(path):
    """The lines of a file, which has to end with the end of one."""
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def ids(path):
    return [line["send_id"] for line in lines(path)]


def test_what_a_line_holds(path):
    """All that is known of the message, in a folder that is made when it is needed."""
    assert FileChannel(path).deliver(message(body="a\nb\u2028\u00e9")) == DELIVERED
    [line] = lines(path)
    assert line == {
        "send_id": "s1",
        "key": "42",
        "rule": "winback",
        "run_id": "r1",
        "variant": "a",
        "body": "a\nb\u2028\u00e9",
        "facts": {"code": "FIVE-1", "offer": "five_off"},
    }


def test_a_send_stands_in_a_file_once(path):
    """Also when another process, or a channel opened later, delivers it again."""
    first, second = FileChannel(path), FileChannel(path)
    for channel in (first, second, first, FileChannel(path)):
        assert channel.deliver(message("a", body=str(id(channel)))) == DELIVERED
        assert channel.deliver(message("b")) == DELIVERED
    assert ids(path) == ["a", "b"]
    assert lines(path)[0]["body"] == str(id(first))


def test_any_cut_of_the_last_line_is_mended(path):
    """Wherever a crash stopped the writing, the next delivery leaves whole lines, each once."""
    FileChannel(path).deliver(message("a"))
    kept = path.stat().st_size
    FileChannel(path).deliver(message("b"))
    whole = path.read_bytes()
    for size in range(kept, len(whole) + 1):
        path.write_bytes(whole[:size])
        survivor = FileChannel(path)
        survivor.deliver(message("c"))
        survivor.deliver(message("b"))
        came_through = size >= len(whole) - 1  # all but the line's end, or that too
        assert ids(path) == (["a", "b", "c"] if came_through else ["a", "c", "b"])


def test_a_cut_that_happens_meanwhile_is_mended(path):
    """A channel that is open sees what another process left when it died."""
    channel = FileChannel(path)
    channel.deliver(message("a"))
    with path.open("ab") as file:
        file.write(to_json(message("b")).encode()[:-5])
    channel.deliver(message("b"))
    assert ids(path) == ["a", "b"]


@given(st.binary(max_size=40))
def test_what_people_add_is_left_alone(tmp_path_factory, content):
    """Whole lines that are none of ours stay, and are no sends."""
    path = tmp_path_factory.mktemp("lines") / "sent.jsonl"
    path.write_bytes(content + b"\n")
    channel = FileChannel(path)
    channel.deliver(message("a"))
    channel.deliver(message("a"))
    assert path.read_bytes() == content + b"\n" + to_json(message("a")).encode() + b"\n"


def test_a_file_that_was_moved_away_begins_anew(path):
    """What was rotated belongs to another file."""
    channel = FileChannel(path)
    channel.deliver(message("a"))
    path.rename(path.with_suffix(".1"))
    channel.deliver(message("b"))
    channel.deliver(message("a"))
    assert ids(path) == ["b", "a"]
    assert ids(path.with_suffix(".1")) == ["a"]


def test_a_full_disk_leaves_no_part_of_a_line(path):
    """It is worth another try, and the line stands there once when there is room again."""
    channel = FileChannel(path)
    channel.deliver(message("a"))
    with files_limited_to(path.stat().st_size + 20):
        answer = channel.deliver(message("b"))
    assert answer == Delivery(status="retry", detail=os.strerror(errno.EFBIG))
    assert ids(path) == ["a"]
    assert channel.deliver(message("b")) == DELIVERED
    assert ids(path) == ["a", "b"]


def test_a_place_that_can_not_be_written(tmp_path):
    """A folder in the file's place is an answer, not an exception."""
    assert FileChannel(tmp_path).deliver(message()).status == "retry"


def test_a_line_that_is_being_written_is_waited_for(path):
    """Half a line of a writer that lives is not taken for what a crash left."""
    FileChannel(path).deliver(message("a"))
    half, rest = to_json(message("b"))[:30], to_json(message("b"))[30:]
    waiting = threading.Thread(target=FileChannel(path).deliver, args=(message("b"),))
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(half)
        other.flush()
        waiting.start()
        waiting.join(0.3)
        other.write(f"{rest}\n")
    waiting.join()
    assert ids(path) == ["a", "b"]


def test_many_write_together(path):
    """Several writers of the same sends leave each of them once, line by line."""
    start = threading.Barrier(4)

    def write():
        channel = FileChannel(path)
        start.wait()
        for number in range(20):
            assert channel.deliver(message(f"s{number}")) == DELIVERED

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(ids(path)) == sorted(f"s{number}" for number in range(20))


def test_a_recording_says_for_which_channel(tmp_path):
    """One file per channel, with the message as the channel would have got it."""
    answer = RecordingChannel("app_push", tmp_path / "recorded").deliver(message())
    assert answer == Delivery(status="delivered", detail="recorded")
    [line] = lines(tmp_path / "recorded" / "app_push.jsonl")
    assert line["channel"] == "app_push"
    assert line["send_id"] == "s1"
