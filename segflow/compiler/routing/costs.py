"""What reading a table costs by what was measured: one number per table, which stays near itself.

A question's time is given in equal shares to the tables that it read and to the segments that it
was asked for. Shares are told apart by levels only, each four times the one below it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from segflow.model.cost import Question, ScanCost

BASE = 4
"""A level is so many times the one below it."""

Table = tuple[str, str]
"""A source, and a table of it."""

Measured = Mapping[Table, ScanCost]


def by_table(costs: Iterable[ScanCost]) -> Measured:
    """The costs of reading tables, to be looked up."""
    return {(one.source, one.table): one for one in costs}


def price(tables: Iterable[str], source: str, measured: Measured) -> float | None:
    """What reading tables of a source is taken to cost one segment, in microseconds; None where one
    of them was never measured, or there is none."""
    known = [measured.get((source, table)) for table in tables]
    found = [BASE**one.level for one in known if one is not None]
    return float(sum(found)) if found and len(found) == len(known) else None


def noted(known: Measured, questions: Iterable[Question]) -> Sequence[ScanCost]:
    """The costs of those tables that were read by questions of one commit, each named once."""
    asked: dict[Table, list[Question]] = defaultdict(list)
    for question in dict.fromkeys(questions):
        for table in question.tables:
            asked[question.source, table].append(question)
    return [_noted(table, known.get(table), found) for table, found in asked.items()]


def _noted(of: Table, known: ScanCost | None, questions: Sequence[Question]) -> ScanCost:
    source, table = of
    time = sum(one.microseconds / len(one.tables) for one in questions)
    segments = sum(one.segments for one in questions)
    level = _level(time / segments)
    if known is not None and not _is_news(known, level, segments):
        level, segments = known.level, known.segments
    return ScanCost(
        source=source,
        table=table,
        level=level,
        segments=segments,
        last=max(questions, key=lambda one: one.microseconds),
    )


def _is_news(known: ScanCost, level: int, segments: int) -> bool:
    """Whether a measurement moves a level. What is one off may be chance: a choice that turned by
    it would turn back by the next. And a scan that few share is dearer for each of them, which says
    nothing of what it costs when all are refreshed."""
    if level > known.level and segments * BASE < known.segments:
        return False
    return abs(level - known.level) > 1


def _level(microseconds: float) -> int:
    return max(0, (int(microseconds).bit_length() - 1) // 2)
