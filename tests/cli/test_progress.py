"""The progress bar: late, on a terminal only, and gone when the work is done."""

import io
import sys

import pytest
from rich.console import Console

from segflow.cli import bar as drawn
from segflow.cli.bar import RichBar
from segflow.cli.progress import LateBar


class Recorder:
    """A bar that notes what it is told."""

    made: "list[Recorder]" = []

    def __init__(self) -> None:
        self.said: list[object] = []
        Recorder.made.append(self)

    def update(self, what: str, done: int, total: int) -> None:
        self.said.append((what, done, total))

    def stop(self) -> None:
        self.said.append("stopped")


@pytest.fixture
def bars(monkeypatch):
    """The bars that were shown, on a stderr that is a terminal."""
    monkeypatch.setattr(drawn, "RichBar", Recorder)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(Recorder, "made", [])
    return Recorder.made


def test_a_bar_shows_how_far_the_work_is(bars):
    """Once patience has run out each word is shown, and the bar goes away at the end."""
    with LateBar(patience=0) as progress:
        progress("evaluating", 1, 3)
        progress._timer.join()
        progress("evaluating", 2, 3)
    (bar,) = bars
    assert bar.said[-2:] == [("evaluating", 2, 3), "stopped"]


def test_short_work_shows_no_bar(bars):
    """Work that ends within the patience shows nothing, then or later."""
    with LateBar(patience=3600) as progress:
        progress("evaluating", 1, 3)
    progress._timer.join()
    assert bars == []


def test_a_timer_that_fires_too_late_shows_no_bar(bars):
    """Work may end at the very moment patience does: no bar is made that would stay on screen."""
    with LateBar(patience=3600) as progress:
        pass
    progress._show()
    assert bars == []


def test_no_bar_without_a_terminal(bars, monkeypatch):
    """In a pipe or in CI nothing is drawn, however long the work takes."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with LateBar(patience=0) as progress:
        progress("evaluating", 1, 3)
        assert not progress._timer.is_alive()
    assert bars == []


def test_a_bar_is_gone_when_work_fails(bars):
    """An exception leaves no bar behind."""
    with pytest.raises(KeyError), LateBar(patience=0) as progress:
        progress._timer.join()
        raise KeyError
    (bar,) = bars
    assert bar.said[-1] == "stopped"


def test_the_bar_is_drawn():
    """On a terminal the bar names the work and counts its parts."""
    screen = io.StringIO()
    bar = RichBar(Console(file=screen, force_terminal=True, width=80))
    bar.update("evaluating", 2, 3)
    bar.stop()
    assert "evaluating" in screen.getvalue()
    assert "2/3" in screen.getvalue()
