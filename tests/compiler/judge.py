"""PostgreSQL as a judge of time. Each function asks all its questions in one query.

Instants, and the times that clocks show, are milliseconds since 1970-01-01 00:00, of UTC and of the
clock. Months and the starts of units are reckoned by PostgreSQL too.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

MILLISECOND = "interval '1 millisecond'"
INSTANT = f"(timestamptz 'epoch' + at * {MILLISECOND})"
CLOCK = f"(timestamp 'epoch' + at * {MILLISECOND})"
SHOWN = f"({INSTANT} AT TIME ZONE zone)"
STEPS = {
    "day": "1 day",
    "week": "7 days",
    "month": "1 month",
    "quarter": "3 months",
    "year": "1 year",
}


def zones(judge: psycopg.Connection) -> set[str]:
    """The names of zones that it knows."""
    return {name for (name,) in judge.execute("SELECT name FROM pg_timezone_names")}


def shown(judge: psycopg.Connection, asked: Sequence[tuple[str, int]]) -> list[int]:
    """(zone, instant): what the clocks show then."""
    return [clock for (clock,) in _ask(judge, _milliseconds(SHOWN), asked)]


def resolved(judge: psycopg.Connection, asked: Sequence[tuple[str, int]]) -> list[tuple[int, int]]:
    """(zone, what clocks show): the instant that it takes, and what the clocks do show then."""
    taken = f"{CLOCK} AT TIME ZONE zone"
    return _ask(
        judge, f"{_milliseconds(taken)}, {_milliseconds(f'{taken} AT TIME ZONE zone')}", asked
    )


def shifted(judge: psycopg.Connection, asked: Sequence[tuple[str, int, int]]) -> list[int]:
    """(zone, instant, months): what the clocks showed, so many months on."""
    answer = _milliseconds(f"{SHOWN} + steps * interval '1 month'")
    return [clock for (clock,) in _ask(judge, answer, asked)]


def unit_starts(
    judge: psycopg.Connection, unit: str, asked: Sequence[tuple[str, int, int]]
) -> list[int]:
    """(zone, a time of the clock, steps): 00:00 of the day that begins the unit, so many on."""
    answer = _milliseconds(f"date_trunc('{unit}', {CLOCK}) + steps * interval '{STEPS[unit]}'")
    return [clock for (clock,) in _ask(judge, answer, asked)]


def series(
    judge: psycopg.Connection, names: Sequence[str], start: int, end: int, step: int
) -> list[tuple[str, int, int]]:
    """(zone, instant, what its clocks show) for instants in [start, end), one every `step`."""
    return judge.execute(
        f"SELECT zone, at, {_milliseconds(SHOWN)} FROM unnest(%s::text[]) AS zone, "
        "generate_series(%s::bigint, %s::bigint - 1, %s::bigint) AS at",
        [list(names), start, end, step],
    ).fetchall()


def _milliseconds(moment: str) -> str:
    return f"(extract(epoch FROM {moment}) * 1000)::bigint"


def _ask(judge: psycopg.Connection, answer: str, asked: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The answers to the questions, in their order."""
    columns = [list(column) for column in zip(*asked, strict=True)]
    arrays = ", ".join(["%s::text[]", "%s::bigint[]", "%s::integer[]"][: len(columns)])
    names = ", ".join(["zone", "at", "steps"][: len(columns)])
    return judge.execute(
        f"SELECT {answer} FROM unnest({arrays}) WITH ORDINALITY AS asked({names}, number) "
        "ORDER BY number",
        columns,
    ).fetchall()
