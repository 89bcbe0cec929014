"""The log of a process that nobody watches, for programs and for a person."""

import io
import json
import os
import sys
import threading
from collections.abc import Iterator

import click
import pytest

from segflow.cli.log import StreamLog
from segflow.model.instant import parse_instant


class Noon:
    """A clock that stands still."""

    def now(self) -> int:
        return parse_instant("2026-01-31T12:00:00Z")

    def monotonic(self) -> float:
        return 0.0


class Terminal:
    """A real terminal: `stream` is written to, read() gives what it shows."""

    def __init__(self) -> None:
        self._ours, theirs = os.openpty()
        self.stream = os.fdopen(theirs, "w")

    def read(self) -> str:
        return os.read(self._ours, 65536).decode().replace("\r\n", "\n")

    def close(self) -> None:
        self.stream.close()
        os.close(self._ours)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A terminal that is closed at the end."""
    opened = Terminal()
    yield opened
    opened.close()


def test_a_program_gets_an_object_per_line():
    """Where nobody looks each event is a line of JSON: time, level, event, the facts in order."""
    stream = io.StringIO()
    log = StreamLog(Noon(), stream)
    log("run finished", rule="winback", audience=23194, share=0.5, live=False, reason=None)
    log("lease lost", level="alarm")
    assert stream.getvalue() == (
        '{"time": "2026-01-31T12:00:00.000Z", "level": "info", "event": "run finished", '
        '"rule": "winback", "audience": 23194, "share": 0.5, "live": false, "reason": null}\n'
        '{"time": "2026-01-31T12:00:00.000Z", "level": "alarm", "event": "lease lost"}\n'
    )


def test_a_person_gets_a_line_to_read(terminal):
    """On a terminal the facts stand behind the event; text with spaces is quoted."""
    StreamLog(Noon(), terminal.stream)(
        "run finished", rule="winback", audience=23194, live=False, reason=None, why="a b", who=""
    )
    assert click.unstyle(terminal.read()) == (
        "2026-01-31T12:00:00.000Z info    run finished  "
        'rule=winback audience=23194 live=no reason=- why="a b" who=""\n'
    )


def test_json_can_be_asked_for_on_a_terminal(terminal):
    """as_json decides against the terminal, and has no colour."""
    StreamLog(Noon(), terminal.stream, as_json=True)("begun")
    assert json.loads(terminal.read())["event"] == "begun"


@pytest.mark.parametrize(
    ("level", "word"),
    [("info", "\x1b[32minfo"), ("warning", "\x1b[33mwarning"), ("alarm", "\x1b[31m\x1b[1mALARM")],
)
def test_the_level_has_a_colour(terminal, level, word):
    """Each level has its own, and an alarm is a word that stands out without colour too."""
    StreamLog(Noon(), terminal.stream)("e", level=level)
    assert word in terminal.read()


def test_no_colour_where_it_is_unwanted(terminal):
    """With `color` False a terminal gets no escape codes."""
    StreamLog(Noon(), terminal.stream, color=False)("lease lost", level="alarm", owner="host:1")
    assert terminal.read() == "2026-01-31T12:00:00.000Z ALARM   lease lost  owner=host:1\n"


@pytest.mark.parametrize("hostile", ["a\nb", "\x1b[31mred", "\x7f", "\u202egnirts", "\ud800"])
def test_facts_can_neither_break_a_line_nor_steer_a_terminal(terminal, hostile):
    """Ends of lines, escape codes and direction overrides are escaped; JSON gives them back."""
    StreamLog(Noon(), terminal.stream, color=False)("failed", reason=hostile)
    shown = terminal.read()
    assert shown.count("\n") == 1
    assert shown[:-1].isprintable()
    stream = io.StringIO()
    StreamLog(Noon(), stream)("failed", reason=hostile)
    assert stream.getvalue()[:-1].isprintable()
    assert json.loads(stream.getvalue())["reason"] == hostile


def test_a_fact_never_takes_the_place_of_the_time():
    """The line's own keys are its own, whatever facts are called."""
    stream = io.StringIO()
    StreamLog(Noon(), stream)("begun", time="never")
    assert json.loads(stream.getvalue())["time"] == "2026-01-31T12:00:00.000Z"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_every_line_is_json(number):
    """Numbers that JSON does not know become text."""
    stream = io.StringIO()
    StreamLog(Noon(), stream)("measured", rate=number)
    assert json.loads(stream.getvalue(), parse_constant=pytest.fail)["rate"] == str(number)


class SlowStream(io.StringIO):
    """Takes its text a character at a time, so that writers who don't wait get between."""

    def write(self, text: str, /) -> int:
        return sum(super(SlowStream, self).write(character) for character in text)


def test_lines_of_threads_do_not_mix():
    """What several threads say at once are whole lines, and all of them."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        stream = SlowStream()
        log = StreamLog(Noon(), stream)
        speakers = [
            threading.Thread(target=lambda of=of: [log("e", of=of, number=n) for n in range(50)])
            for of in range(8)
        ]
        for speaker in speakers:
            speaker.start()
        for speaker in speakers:
            speaker.join()
    finally:
        sys.setswitchinterval(interval)
    said = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert sorted((one["of"], one["number"]) for one in said) == [
        (of, number) for of in range(8) for number in range(50)
    ]


def test_a_reader_that_is_gone_stops_nobody():
    """Writing into a pipe that nobody reads any more is no error."""
    ours, theirs = os.pipe()
    stream = os.fdopen(theirs, "w")
    os.close(ours)
    StreamLog(Noon(), stream)("nobody reads this")
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_a_closed_stream_stops_nobody():
    """Neither is writing to a stream that was closed."""
    stream = io.StringIO()
    log = StreamLog(Noon(), stream)
    stream.close()
    log("nobody reads this")
