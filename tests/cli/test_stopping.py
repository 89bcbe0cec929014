"""Stopping in peace, in this process: signals are raised, pauses are asked for."""

import os
import signal
import threading

import pytest

from segflow.cli.stopping import stopped_by_signals

LONG = 1_000.0
"""Seconds that nobody waits: the test would be given up first."""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_pauses(name):
    """Before it a pause is waited for; after it none is, however long."""
    told: list[str] = []
    with stopped_by_signals(told.append) as pause:
        assert pause(0)
        assert pause(0.001)
        signal.raise_signal(signal.Signals[name])
        assert not pause(0)
        assert not pause(LONG)
    assert told == [name]


def test_a_signal_wakes_who_waits():
    """A pause that is underway ends with the signal."""
    with stopped_by_signals(lambda name: None) as pause:
        clock = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        clock.start()
        assert not pause(LONG)
        clock.join()


def test_a_second_sigterm_changes_nothing():
    """Who asks twice in peace is told once."""
    told: list[str] = []
    with stopped_by_signals(told.append) as pause:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert not pause(LONG)
    assert told == ["SIGTERM"]


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_ctrl_c_after_it_interrupts(first):
    """Whoever can't wait for the peaceful end has Ctrl-C."""
    with stopped_by_signals(lambda name: None):
        signal.raise_signal(first)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_signals_are_handled_as_before_afterwards():
    """Nothing of it stays, whether a signal came or not."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with stopped_by_signals(lambda name: None):
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
