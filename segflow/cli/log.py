"""The log of a process that nobody watches: a line per event, for programs or for a person."""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from typing import Any, Literal, TextIO

import click

from segflow.cli.diagnostics import printable
from segflow.model.instant import Instant, datetime_of
from segflow.ports import Clock

Level = Literal["info", "warning", "alarm"]
Fact = str | int | float | bool | None

_STYLES: Mapping[Level, Mapping[str, Any]] = {
    "info": {"fg": "green"},
    "warning": {"fg": "yellow"},
    "alarm": {"fg": "red", "bold": True},
}


class StreamLog:
    """Writes events to a stream; see the port Log.

    Each is a JSON object on a line of its own with `time`, `level` and `event`, then the facts in
    the order given; a fact of one of these three names is left out. A stream that is a terminal
    gets lines for a person instead, unless `as_json` is set, in colour unless `color` is False. On
    them the level "alarm" is written ALARM.
    """

    def __init__(
        self, clock: Clock, stream: TextIO, *, as_json: bool = False, color: bool | None = None
    ) -> None:
        self._clock = clock
        self._stream = stream
        self._for_person = not as_json and stream.isatty()
        self._color = color is not False
        # A thread that is interrupted while it writes may be asked to write by the interruption.
        self._lock = threading.RLock()

    def __call__(self, event: str, *, level: Level = "info", **facts: Fact) -> None:
        """See Log."""
        # Work goes on when nobody can be told of it: the reader of a pipe may be gone.
        with suppress(Exception), self._lock:
            now = _time(self._clock)
            if self._for_person:
                line = _line(now, level, event, facts, color=self._color)
            else:
                line = _json(now, level, event, facts)
            self._stream.write(f"{line}\n")
            self._stream.flush()


def _time(clock: Clock) -> str:
    """The present as ISO 8601 in UTC, always with milliseconds."""
    moment = datetime_of(Instant(clock.now()))
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _json(time: str, level: Level, event: str, facts: Mapping[str, Fact]) -> str:
    own = {"time": time, "level": level, "event": event}
    values = {name: _value(value) for name, value in facts.items()}
    return json.dumps(own | values | own, default=str)


def _value(value: Fact) -> Fact:
    """JSON has no word for numbers that are none."""
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _line(time: str, level: Level, event: str, facts: Mapping[str, Fact], *, color: bool) -> str:
    word = (level.upper() if level == "alarm" else level).ljust(len("warning"))
    if color:
        time, word = click.style(time, dim=True), click.style(word, **_STYLES[level])
    told = "".join(f" {printable(name)}={_shown(value)}" for name, value in facts.items())
    return f"{time} {word} {printable(event)}{' ' if told else ''}{told}"


def _shown(value: Fact) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str():
            text = printable(value)
            return text if text and not set(' "=') & set(text) else f'"{text}"'
        case _:
            return str(value)
