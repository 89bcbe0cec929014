"""Rules for a person and as JSON: when they run, and how they stand to what is deployed."""

from typing import Any

from segflow.app.rules import ListedRule
from segflow.campaign.schedule import zone_name
from segflow.model.instant import Instant, format_instant
from segflow.model.rule import CronTrigger, EveryTrigger, Rule
from segflow.model.run import Run
from segflow.model.wording import to_words
from segflow.model.wording_text import flow


def schedule(rule: Rule, timezone: str) -> str:
    """ "every 6h", or cron with its zone, which is the project's where it names none."""
    match rule.trigger:
        case EveryTrigger(every=every):
            return f"every {every}"
        case CronTrigger(cron=cron) as trigger:
            return f"{cron} ({zone_name(trigger, timezone)})"
        case _:
            return flow(to_words(rule)["trigger"])


def listed_facts(one: ListedRule, timezone: str) -> dict[str, Any]:
    """The facts of `rule list`, which `rule show` repeats."""
    return {
        "rule": one.rule.name,
        "segment": one.rule.segment,
        "status": one.status,
        "schedule": schedule(one.rule, timezone),
        "next": None if one.next is None else format_instant(one.next),
        "last": None if one.last is None else _last_facts(one.last),
        "owner": one.rule.owner,
        "description": one.rule.description,
    }


def last_words(run: Run | None) -> str | None:
    """ "2026-04-01T09:00:00Z done"."""
    return None if run is None else f"{format_instant(run.scheduled)} {run.status}"


def instants(found: tuple[Instant, ...]) -> list[str]:
    """As text."""
    return [format_instant(instant) for instant in found]


def _last_facts(run: Run) -> dict[str, Any]:
    return {"run": run.id, "scheduled": format_instant(run.scheduled), "status": run.status}
