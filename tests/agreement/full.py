"""`make agreement`: every engine is judged on shops, until each cell that it permits was judged
often enough, and every seeded fault must be noticed. Writes docs/reference/agreement.md; where some
engines only are asked, their rows are printed.
"""

import argparse
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from datetime import date

from rich.console import Console
from rich.progress import Progress

from tests.agreement.hosts import HOSTS, SPARK
from tests.agreement.judging import BY_NAME, FAULTS, Judged, judge, seed, versions
from tests.agreement.permitted import permitted
from tests.agreement.report import PAGE, Figures, render, rows
from tests.agreement.steering import shops
from tests.agreement.tally import TELLING, Tally
from tests.strategies import Example

ALIKE = (tuple(host.name for host in HOSTS), (SPARK.name,))
"""Engines that are judged on the same shops."""
MOST = 3_000
"""Shops. A cell that was judged too seldom in so many is not met."""
TASKS = 100
"""So many shops a process judges: chDB leaves threads behind wherever it was opened."""
TOLD = 20
"""Shops between two lines of progress, where there is no terminal for a bar."""
FAILURES = 5
"""So many disagreements are enough to stop for."""


def main() -> int:
    """Run it; 1 if something is wrong, which is told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="for the page")
    parser.add_argument("--seed", type=int, default=1, help="of the shops")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--engine", choices=[*BY_NAME], action="append", help="only these")
    asked = parser.parse_args()
    engines: list[str] = asked.engine or [*BY_NAME]
    spawned = multiprocessing.get_context("spawn")
    tallies: dict[str, Tally] = {}
    with ProcessPoolExecutor(asked.workers, mp_context=spawned, max_tasks_per_child=TASKS) as pool:
        found = pool.submit(versions, engines)
        if not asked.engine and _told(uncaught(pool)):
            return 1
        for chosen in filter(None, ([one for one in alike if one in engines] for alike in ALIKE)):
            more, differences = judged(pool, chosen, asked.seed, 2 * asked.workers)
            tallies |= more
            if differences or _told(one for name in chosen for one in lacking(name, more[name])):
                return 1
    figures = Figures(
        day=asked.date,
        seed=asked.seed,
        versions=found.result(),
        tallies=tallies,
        faults=len(FAULTS),
    )
    if asked.engine:
        print(rows(figures), end="")
    else:
        PAGE.write_text(render(figures), encoding="utf-8")
    return 0


def _told(wrong: Iterable[str]) -> bool:
    """Whether something is wrong, which is printed."""
    lines = list(wrong)
    for line in lines:
        print(line, file=sys.stderr)
    return bool(lines)


def judged(
    pool: Executor, engines: Sequence[str], number: int, ahead: int
) -> tuple[Mapping[str, Tally], list[str]]:
    """What was counted by engine, until it is enough, and what the sides differ on,
    which is told when it is found."""
    tallies = {name: Tally() for name in engines}
    differences: list[str] = []
    cells = set().union(*(permitted(name).cells for name in engines))
    total = sum(BY_NAME[name].least * len(permitted(name).cells) for name in engines)
    with progress() as shown:
        task = shown.add_task("hits of cells", total=total)
        drawn = in_order(pool, shops(number, cells), ahead, engines)
        for done, one in enumerate(drawn, start=1):
            for name, tally in one.tallies.items():
                tallies[name].add(tally)
            differences += one.differences
            for line in one.differences:
                shown.console.print(line, markup=False, highlight=False, soft_wrap=True)
            hits = sum(map(_hits, tallies, tallies.values()))
            shown.update(task, completed=hits)
            if shown.disable and done % TOLD == 0:
                pairs = sum(tally.pairs for tally in tallies.values())
                print(f"{done} shops, {pairs} pairs, {hits} of {total} hits", file=sys.stderr)
            if is_enough(tallies) or done == MOST or len(differences) >= FAILURES:
                break
    return tallies, differences


def in_order(
    pool: Executor, found: Iterable[Example], ahead: int, engines: Sequence[str]
) -> Iterator[Judged]:
    """The shops judged, in their order, so that a run is the same on every machine."""
    pending: deque[Future[Judged]] = deque()
    try:
        for number, shop in enumerate(found):
            pending.append(pool.submit(judge, number, shop, engines))
            if len(pending) == ahead:
                yield pending.popleft().result()
    finally:
        for one in pending:
            one.cancel()


def uncaught(pool: Executor) -> list[str]:
    """The seeded faults that are not noticed."""
    lines = []
    with progress() as shown:
        noticed = shown.track(pool.map(seed, range(len(FAULTS))), len(FAULTS), description="faults")
        for fault, is_caught in zip(FAULTS, noticed, strict=True):
            if not is_caught:
                lines.append(f"nobody notices the fault: {fault.name}")
    return lines


def is_enough(tallies: Mapping[str, Tally]) -> bool:
    """Whether every engine was judged often enough."""
    return all(
        tally.pairs >= BY_NAME[name].pairs
        and not tally.below(BY_NAME[name].least, permitted(name).cells)
        for name, tally in tallies.items()
    )


def lacking(engine: str, tally: Tally) -> Iterator[str]:
    """What an engine was judged too seldom on."""
    wanted = BY_NAME[engine]
    if tally.pairs < wanted.pairs:
        yield f"{engine}: {tally.pairs} pairs, fewer than {wanted.pairs}"
    if tally.telling < TELLING:
        yield f"{engine}: {tally.telling:.1%} of the results are some users: {dict(tally.results)}"
    language = permitted(engine).cells
    for cell in tally.below(wanted.least, language):
        yield f"{engine}: {tally.hits[cell]} hits of {cell}, fewer than {wanted.least}"
    for cell in sorted(tally.hits.keys() - language):
        yield f"{engine}: {cell} is drawn, and the language does not permit it"


def progress() -> Progress:
    """Shown on a terminal only."""
    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal)


def _hits(engine: str, tally: Tally) -> int:
    """Hits of cells, as far as they are asked for."""
    return sum(min(tally.hits[cell], BY_NAME[engine].least) for cell in permitted(engine).cells)


if __name__ == "__main__":
    sys.exit(main())
