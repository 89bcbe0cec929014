"""Runs of rules for a person and as JSON: lists of them, and the account of one."""

from collections.abc import Iterable, Sequence
from typing import Any

from segflow.cli.buckets import ORDER, in_words
from segflow.cli.tables import Cell, columns, facts
from segflow.model.instant import Instant, format_instant
from segflow.model.run import BucketRecord, Run, RunReport

SHORT = 12
"""Characters of a run's id that are shown: enough to tell millions apart."""


def sums(records: Iterable[BucketRecord]) -> dict[str, int]:
    """How many are in each bucket, in the order of the gate; empty ones are left out."""
    found = dict.fromkeys(ORDER, 0)
    for record in records:
        found[record.bucket] += record.count
    return {bucket: count for bucket, count in found.items() if count}


# --- a list of runs --------------------------------------------------------------------------


def run_table(reports: Sequence[RunReport], *, with_rule: bool) -> list[str]:
    """One line per run, in the order given."""
    names = ("RULE",) if with_rule else ()
    counts = ("AUDIENCE", "DELIVERED", "FAILED")
    head = ("SCHEDULED", *names, "STATUS", *counts, "MODE", "RUN", "REASON")
    return columns(head, [_row(report, with_rule=with_rule) for report in reports])


def _row(report: RunReport, *, with_rule: bool) -> tuple[Cell, ...]:
    run, ended = report.run, sums(report.buckets)
    return (
        format_instant(run.scheduled),
        *((run.rule,) if with_rule else ()),
        run.status,
        run.audience,
        *(ended.get(bucket, 0) if ended else None for bucket in ("delivered", "failed")),
        mode_of(run),
        run.id[:SHORT],
        run.reason or "",
    )


def mode_of(run: Run) -> str:
    """Whether channels sent, or kept what they would have sent."""
    return "live" if run.live else "recorded"


def run_facts(run: Run) -> dict[str, Any]:
    """One run for programs, without where its users are."""
    return {
        "run": run.id,
        "rule": run.rule,
        "scheduled": format_instant(run.scheduled),
        "status": run.status,
        "live": run.live,
        "audience": run.audience,
        "started_at": format_instant(run.started_at),
        "finished_at": _instant(run.finished_at),
        "reason": run.reason,
    }


def listed_run(report: RunReport) -> dict[str, Any]:
    """One run of a list for programs, with its buckets."""
    return run_facts(report.run) | {"buckets": sums(report.buckets)}


# --- the account of one ----------------------------------------------------------------------


def account(report: RunReport) -> list[str]:
    """Where the users of a run ended and why; the lines add up to the audience. Nothing of a run
    that came to no audience: it failed before, or was skipped."""
    if report.run.audience is None:
        return []
    records = sorted(
        report.buckets, key=lambda one: (ORDER.index(one.bucket), one.arm or "", one.reason)
    )
    rows: list[Sequence[Cell]] = [
        (in_words(one.bucket), one.arm, in_words(one.reason), one.count) for one in records
    ]
    rows.append(("audience", "", "", report.run.audience))
    return columns(("BUCKET", "ARM", "REASON", "USERS"), rows)


def coupon_line(coupons: Iterable[tuple[str, int]]) -> str | None:
    """ "13 five_off, 1,204 ten_off"; None where there were none."""
    return ", ".join(f"{count:,} {offer}" for offer, count in coupons if count) or None


def report_facts(report: RunReport) -> dict[str, Any]:
    """A run for programs with its account: `reasons` say the same as `buckets`, in detail."""
    return {
        **run_facts(report.run),
        "buckets": sums(report.buckets),
        "reasons": [
            {"bucket": one.bucket, "arm": one.arm, "reason": one.reason, "count": one.count}
            for one in report.buckets
        ],
        "exposures": [
            {"arm": one.arm, "at": format_instant(one.at), "count": one.count}
            for one in report.exposures
        ],
        "coupons": dict(report.coupons),
    }


def run_lines(run: Run) -> list[str]:
    """What is to be known of a run besides its account."""
    return facts(
        (
            ("run", run.id),
            ("rule", run.rule),
            ("scheduled", format_instant(run.scheduled)),
            ("status", run.status),
            ("reason", run.reason),
            ("mode", mode_of(run)),
            ("started", format_instant(run.started_at)),
            ("finished", _instant(run.finished_at)),
            ("epoch", run.epoch),
            ("definition", run.definition),
        )
    )


def _instant(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
