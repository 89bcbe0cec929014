"""A lock that somebody else holds: waited for, as long as one is asked to."""

from pathlib import Path

import pytest

from segflow.app.wiring import open_world
from segflow.clock import SystemClock
from segflow.loader.settings import load_settings
from segflow.model.duration import Duration
from segflow.model.instant import Instant


def hold(folder: Path, seconds: int) -> None:
    """The lock is somebody's for so long."""
    with open_world(load_settings(folder, None, []), folder) as world:
        now = Instant(SystemClock().now())
        world.state.acquire("ann", "refresh", now, Duration(count=seconds, unit="s"))


@pytest.mark.parametrize("command", [("refresh",), ("apply", "--auto-approve")])
def test_a_lock_that_gets_free_in_time_is_waited_for(segflow, deployed, command):
    """The person is told once for whom; then the work is done."""
    if command[0] == "apply":
        with (deployed / "segments" / "more.yaml").open("w") as file:
            file.write("segment: more\nentity: customer\nwhere: {everyone: true}\n")
    hold(deployed, 1)
    result = segflow(*command)
    assert result.code == 0
    assert result.err.count("Waiting: ") == 1
    assert "ann (refresh)" in result.err


def test_a_lock_that_does_not_get_free_in_time_is_told(segflow, deployed):
    """Who holds it, and since when; the same request may succeed later."""
    hold(deployed, 3600)
    result = segflow("refresh", "--lock-timeout", "0")
    assert result.code == 1
    assert "ann (refresh)" in result.err
    assert "Waiting" not in result.err
