"""What a replay gives, rule by rule and in all, for a person and as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from segflow.cli.buckets import TRIED, exposed, in_words
from segflow.cli.output import counted
from segflow.cli.run_view import coupon_line, report_facts, sums
from segflow.cli.tables import columns
from segflow.model.instant import format_instant
from segflow.model.run import RunReport


def replay_lines(reports: Sequence[RunReport]) -> Iterator[str]:
    """A table per rule, and one of all where there are more; each adds up to the audience. Users
    count once per run."""
    if not reports:
        yield "No rule was scheduled in that time."
        return
    tables = {
        f"rule.{rule}": [one for one in reports if one.run.rule == rule]
        for rule in sorted({report.run.rule for report in reports})
    }
    if len(tables) > 1:
        tables["total"] = list(reports)
    for number, (title, told) in enumerate(tables.items()):
        yield from ("",) if number else ()
        yield from _table(title, told)


def replay_facts(reports: Iterable[RunReport]) -> dict[str, Any]:
    """Every run in the order of time."""
    return {"runs": [report_facts(report) for report in reports]}


def _table(title: str, reports: Sequence[RunReport]) -> Iterator[str]:
    first, last = (end(one.run.scheduled for one in reports) for end in (min, max))
    span = format_instant(first)
    span += "" if first == last else f" to {format_instant(last)}"
    span += "" if len(reports) == 1 else "; users count once per run"
    yield f"{click.style(title, bold=True)}: {counted(len(reports), 'run')}, {span}"
    records = [record for report in reports for record in report.buckets]
    counts = sums(records)
    rows = [(in_words(bucket), count) for bucket, count in counts.items()]
    audience = sum(report.run.audience or 0 for report in reports)
    yield from columns(("BUCKET", "USERS"), [*rows, ("audience", audience)])
    yield _sentence(reports, counts, exposed(records))
    if failed := sum(report.run.status == "failed" for report in reports):
        yield f"{counted(failed, 'run')} failed"


def _sentence(reports: Iterable[RunReport], counts: dict[str, int], passed: int) -> str:
    """ "1,204 sends, 130 held out (98 of them passed every step), coupons: 13 five_off"."""
    parts = [counted(sum(counts.get(bucket, 0) for bucket in TRIED), "send")]
    if held_out := counts.get("held_out", 0):
        parts.append(f"{held_out:,} held out ({passed:,} of them passed every step)")
    coupons: Counter[str] = Counter()
    for report in reports:
        coupons.update(dict(report.coupons))
    if (told := coupon_line(sorted(coupons.items()))) is not None:
        parts.append(f"coupons: {told}")
    return ", ".join(parts)
