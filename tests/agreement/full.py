"""`make agreement`: every engine is judged on shops, until each cell that it permits was judged
often enough, and every seeded fault must be noticed. What was found of an engine is written to
docs/reference/agreement.md as soon as it is known; of those that are not asked, the rows stay.
"""

import argparse
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from datetime import date

from rich.console import Console
from rich.progress import Progress

from tests.agreement import documents, steering
from tests.agreement.cells import Cell
from tests.agreement.hosts import CLICKHOUSE, DUCKDB, MYSQL, POSTGRES, SPARK, SQLITE, Host
from tests.agreement.judging import BY_NAME, FAULTS, Judged, judge, seed, versions
from tests.agreement.kept import Kept, kept
from tests.agreement.permitted import permitted
from tests.agreement.report import PAGE, Figures, with_faults, with_rows
from tests.agreement.tally import TELLING, Tally
from tests.strategies import Example

ALIKE = ((DUCKDB, SQLITE, POSTGRES, MYSQL), (CLICKHOUSE,), (SPARK,), documents.LINES)
"""Engines that are judged on the same shops."""
MISTAKES = "mistakes"
"""Beside the engines a part of the run: the faults that are seeded."""
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
    parser.add_argument(
        "--engine", choices=[*BY_NAME, MISTAKES], action="append", help="only these parts"
    )
    parser.add_argument(
        "--resume", action="store_true", help="judge no shop anew that a stopped run has judged"
    )
    asked = parser.parse_args()
    parts: list[str] = asked.engine or [MISTAKES, *BY_NAME]
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.workers, mp_context=spawned, max_tasks_per_child=TASKS) as pool:
        if MISTAKES in parts:
            if _told(uncaught(pool)):
                return 1
            _write(with_faults(_read(), len(FAULTS), asked.date))
        for chosen in groups(parts):
            done = kept(chosen, asked.seed)
            if not asked.resume:
                done.forget()
            found = pool.submit(versions, chosen)
            tallies, differences = judged(pool, chosen, asked.seed, 2 * asked.workers, done)
            if differences or _told(one for name in chosen for one in lacking(name, tallies[name])):
                return 1
            rows = [
                Figures(
                    engine=name,
                    version=version,
                    tally=tallies[name],
                    seed=asked.seed,
                    day=asked.date,
                )
                for name, version in found.result().items()
            ]
            _write(with_rows(_read(), rows))
            done.forget()
    return 0


def groups(parts: Collection[str]) -> Iterator[list[str]]:
    """The engines among the parts, those together that are judged on the same shops."""
    for alike in ALIKE:
        if chosen := [one.name for one in alike if one.name in parts]:
            yield chosen


def _read() -> str:
    return PAGE.read_text(encoding="utf-8")


def _write(page: str) -> None:
    PAGE.write_text(page, encoding="utf-8")


def _told(wrong: Iterable[str]) -> bool:
    """Whether something is wrong, which is printed."""
    lines = list(wrong)
    for line in lines:
        print(line, file=sys.stderr)
    return bool(lines)


def judged(
    pool: Executor, engines: Sequence[str], number: int, ahead: int, known: Kept
) -> tuple[Mapping[str, Tally], list[str]]:
    """What was counted by engine, until it is enough, and what the sides differ on,
    which is told when it is found. What is known is not asked again."""
    tallies = {name: Tally() for name in engines}
    differences: list[str] = []
    total = sum(map(_wanted, engines))
    with progress() as shown:
        task = shown.add_task(f"pairs and hits of cells: {', '.join(engines)}", total=total)
        drawn = in_order(pool, shops(number, engines), ahead, engines, known)
        for done, one in enumerate(drawn, start=1):
            for name, tally in one.tallies.items():
                tallies[name].add(tally)
            differences += one.differences
            for line in one.differences:
                shown.console.print(line, markup=False, highlight=False, soft_wrap=True)
            met = sum(map(_met, tallies, tallies.values()))
            shown.update(task, completed=met)
            if shown.disable and done % TOLD == 0:
                pairs = sum(tally.pairs for tally in tallies.values())
                print(f"{done} shops, {pairs} pairs, {met} of {total} wanted", file=sys.stderr)
            if is_enough(tallies) or done == MOST or len(differences) >= FAILURES:
                break
    return tallies, differences


def shops(number: int, engines: Sequence[str]) -> Iterator[Example]:
    """What the engines are judged on, which are asked alike."""
    if not all(isinstance(BY_NAME[name], Host) for name in engines):
        return documents.shops(number)
    return steering.shops(number, frozenset().union(*map(cells_of, engines)))


def in_order(
    pool: Executor, found: Iterable[Example], ahead: int, engines: Sequence[str], known: Kept
) -> Iterator[Judged]:
    """The shops judged, in their order, so that a run is the same on every machine."""
    pending: deque[tuple[int, Future[Judged]]] = deque()
    try:
        for number, shop in enumerate(found):
            pending.append((number, _judging(pool, number, shop, engines, known)))
            if len(pending) == ahead:
                first, future = pending.popleft()
                known.keep(first, future.result())
                yield future.result()
    finally:
        for _, one in pending:
            one.cancel()


def _judging(
    pool: Executor, number: int, shop: Example, engines: Sequence[str], known: Kept
) -> Future[Judged]:
    """What a shop will give, at once if that is known."""
    before = known.judged(number)
    if before is None:
        return pool.submit(judge, number, shop, engines)
    future: Future[Judged] = Future()
    future.set_result(before)
    return future


def uncaught(pool: Executor) -> list[str]:
    """The seeded faults that are not noticed."""
    lines = []
    with progress() as shown:
        noticed = shown.track(pool.map(seed, range(len(FAULTS))), len(FAULTS), description="faults")
        for fault, is_caught in zip(FAULTS, noticed, strict=True):
            if not is_caught:
                lines.append(f"nobody notices the fault: {fault.name}")
    return lines


def cells_of(engine: str) -> frozenset[Cell]:
    """The cells in which an engine is to be judged."""
    return permitted(engine).cells if isinstance(BY_NAME[engine], Host) else documents.CELLS


def is_enough(tallies: Mapping[str, Tally]) -> bool:
    """Whether every engine was judged often enough."""
    return all(
        tally.pairs >= BY_NAME[name].pairs and not tally.below(BY_NAME[name].least, cells_of(name))
        for name, tally in tallies.items()
    )


def lacking(engine: str, tally: Tally) -> Iterator[str]:
    """What an engine was judged too seldom on."""
    wanted, cells = BY_NAME[engine], cells_of(engine)
    if tally.pairs < wanted.pairs:
        yield f"{engine}: {tally.pairs} pairs, fewer than {wanted.pairs}"
    if tally.telling < TELLING:
        yield f"{engine}: {tally.telling:.1%} of the results are some users: {dict(tally.results)}"
    for cell in tally.below(wanted.least, cells):
        yield f"{engine}: {tally.hits[cell]} hits of {cell}, fewer than {wanted.least}"
    for cell in sorted(tally.hits.keys() - cells) if isinstance(wanted, Host) else ():
        yield f"{engine}: {cell} is drawn, and the language does not permit it"


def progress() -> Progress:
    """Shown on a terminal only."""
    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal)


def _wanted(engine: str) -> int:
    return BY_NAME[engine].pairs + BY_NAME[engine].least * len(cells_of(engine))


def _met(engine: str, tally: Tally) -> int:
    """Pairs and hits of cells, as far as they are asked for."""
    wanted = BY_NAME[engine]
    hits = sum(min(tally.hits[cell], wanted.least) for cell in cells_of(engine))
    return min(tally.pairs, wanted.pairs) + hits


if __name__ == "__main__":
    sys.exit(main())
