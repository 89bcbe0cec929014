"""What every bench shares: timing whole processes side by side, and the closing line of JSON."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of wall time of each run of one program, the most memory that one run held, and what
    its last run printed."""

    seconds: tuple[float, ...]
    peak_mb: float
    output: str
    exit_code: int

    @property
    def median(self) -> float:
        """The middle run; robust against one slow start."""
        return statistics.median(self.seconds)


def arguments(description: str, sizes: Sequence[int], quick: Sequence[int]) -> tuple[int, ...]:
    """Read `[--quick] [--sizes …]` from the command line and return the sizes to measure."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="ends within 45 seconds")
    parser.add_argument("--sizes", type=int, nargs="+", help="sizes to measure instead")
    given = parser.parse_args()
    return tuple(given.sizes or (quick if given.quick else sizes))


def need(program: str) -> str:
    """The path of a peer's program; a missing peer fails the bench."""
    found = shutil.which(program)
    if found is None:
        sys.exit(f"{program} is not on PATH: this bench compares with it and fails without it")
    return found


def race(
    commands: Mapping[str, Sequence[str]],
    folders: Mapping[str, Path],
    runs: int,
    now: Callable[[int], str] = str,
) -> dict[str, Timing]:
    """Run the commands in turns, `runs` times each, as whole processes in their folders. "{now}" in
    a command is what `now` says of the number of the turn.

    Turns even out what else the machine does. Each program runs once before, unmeasured, so that
    neither pays alone for cold caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    last: dict[str, _Run] = {}
    for turn in range(runs + 1):
        for name, command in commands.items():
            asked = [now(turn) if part == "{now}" else part for part in command]
            last[name] = _run(asked, folders[name])
            if turn:
                seconds[name].append(last[name].seconds)
    return {
        name: Timing(
            seconds=tuple(seconds[name]),
            peak_mb=last[name].peak_mb,
            output=last[name].output,
            exit_code=last[name].exit_code,
        )
        for name in commands
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    seconds: float
    peak_mb: float
    output: str
    exit_code: int


def _run(command: Sequence[str], folder: Path) -> _Run:
    # Neither side compiles its modules anew each time, as nobody's who has installed it does.
    environment = {**os.environ, "NO_COLOR": "1", "CHECKPOINT_DISABLE": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile("w+") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return _Run(
            seconds=seconds,
            peak_mb=used.ru_maxrss / 1024,
            output=output.read(),
            exit_code=process.returncode,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One size: `n` units of work, seconds of both sides, whether the answers agree, and figures
    that belong beside them."""

    n: int
    segflow_s: float
    peer_s: float
    agree: bool
    beside: Mapping[str, float] = field(default_factory=dict)

    def line(self) -> dict[str, object]:
        """The size as JSON; the ratio is the peer's time over segflow's."""
        return {
            "n": self.n,
            "segflow_s": round(self.segflow_s, 3),
            "peer_s": round(self.peer_s, 3),
            "ratio": round(self.peer_s / self.segflow_s, 2),
            "agree": self.agree,
            **{name: round(value, 3) for name, value in self.beside.items()},
        }


def each(counts: Iterable[int], measure: Callable[[int], Size]) -> list[Size]:
    """The sizes, each told on standard error as soon as it is measured."""
    sizes = []
    for count in counts:
        sizes.append(measure(count))
        print(json.dumps(sizes[-1].line()), file=sys.stderr, flush=True)
    return sizes


def checked(timings: Mapping[str, Timing]) -> Mapping[str, Timing]:
    """The timings, where every side ended well; else the bench ends with what it said."""
    for name, timing in timings.items():
        if timing.exit_code:
            sys.exit(f"{name}: {timing.output}")
    return timings


def report(*, name: str, work: str, peer: str, sizes: Sequence[Size]) -> None:
    """Print the closing line of JSON, whose headline figures are those of the largest size.

    Exits with 1 where any answer disagrees.
    """
    lines = [size.line() for size in sizes]
    agree = all(size.agree for size in sizes)
    line = {
        "name": name,
        "work": work,
        "segflow_s": lines[-1]["segflow_s"],
        "peer": peer,
        "peer_s": lines[-1]["peer_s"],
        "ratio": lines[-1]["ratio"],
        "agree": agree,
        "sizes": lines,
    }
    print(json.dumps(line))
    if not agree:
        sys.exit(1)
