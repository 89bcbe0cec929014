"""Pacing: keeps to the rate of a channel, and lets one rest whose receiver does not answer."""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from segflow.executor.runs.running import Running
from segflow.model.channel import Channel

PATIENCE = 10
"""After so many calls in a row without a clear answer a channel rests until the next pass."""

_SECONDS: Mapping[Literal["s", "min", "h", "d"], int] = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}


class Pacing:
    """When the channels of one run may be called."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._silent: Counter[str] = Counter()
        self.is_last = False

    def begin(self, *, is_last: bool) -> None:
        """A new pass: every channel gets another chance. `is_last`: what is not taken now fails."""
        self._silent.clear()
        self.is_last = is_last

    def rests(self, channel: Channel) -> bool:
        """Whether the channel is left alone for the rest of the pass."""
        return self._silent[channel.name] >= PATIENCE

    def answered(self, channel: Channel, *, clearly: bool) -> None:
        """Note an answer, one that says what became of the message or one that does not."""
        self._silent[channel.name] = 0 if clearly else self._silent[channel.name] + 1

    def wait(self, channel: Channel) -> bool:
        """Wait for the channel's turn by its rate; False where work has to stop meanwhile."""
        if channel.rate is None or not self._running.channels.is_live(channel):
            return True
        now = self._running.effects.clock.monotonic()
        turns = self._running.turns
        turn = max(now, turns.get(channel.name, now))
        turns[channel.name] = turn + _SECONDS[channel.rate.per] / channel.rate.count
        return turn <= now or self._running.pause(turn - now)
