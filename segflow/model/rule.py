"""Rules: who of a segment gets what, when, how often and at what cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Union

from segflow.model.address import Address
from segflow.model.channel import Rate
from segflow.model.duration import Duration
from segflow.model.predicate import Predicate
from segflow.model.scalar import Moment
from segflow.model.settings import SettingMap

Overlap = Literal[
    "skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"
]

HOLDOUT = "holdout"
"""The arm of those who get nothing, so that others can be compared with them; no variant's name."""


TEMPLATES = "templates"
"""The folder that templates are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronTrigger:
    """Runs by cron in a zone (an IANA name, "user", or None for the project's)."""

    cron: str
    timezone: str | None = None
    gap: Literal["shift", "skip"] = "shift"
    fold: Literal["first", "last", "both"] = "first"
    misfire: Literal["skip", "latest", "all"] = "latest"
    catch_up: Duration = Duration(count=1, unit="h")
    overlap: Overlap = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class RruleTrigger:
    """Runs by an iCalendar recurrence rule."""

    rrule: str
    timezone: str | None = None
    misfire: Literal["skip", "latest", "all"] = "latest"
    catch_up: Duration = Duration(count=1, unit="h")
    overlap: Overlap = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryTrigger:
    """Runs at a fixed distance."""

    every: Duration
    misfire: Literal["skip", "latest", "all"] = "latest"
    catch_up: Duration = Duration(count=1, unit="h")
    overlap: Overlap = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTrigger:
    """Runs once, at a point in time."""

    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionTrigger:
    """Runs for each user that enters or exits the segment."""

    kind: Literal["entered", "exited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """Runs for each matching event, per user or per value of `key`."""

    event: str
    where: Predicate | None = None
    key: str | None = None


Trigger = CronTrigger | RruleTrigger | EveryTrigger | AtTrigger | TransitionTrigger | EventTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One delivery: a channel, what it needs by name (`offer`, `template`), and open settings."""

    channel: str
    offer: str | None = None
    template: str | None = None
    settings: SettingMap = SettingMap(items=())

    @property
    def template_path(self) -> str | None:
        """Where the template is, relative to the project."""
        return None if self.template is None else f"{TEMPLATES}/{self.template}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One arm of an A/B test."""

    name: str
    send: tuple[Action, ...]
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SendStep:
    """Deliver."""

    send: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitStep:
    """Wait a while."""

    wait: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitUntilStep:
    """Wait until the predicate holds, at most so long."""

    until: Predicate
    at_most: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class IfStep:
    """Branch on a predicate at the instant the step is due."""

    condition: Predicate
    then: "tuple[RuleStep, ...]"
    otherwise: "tuple[RuleStep, ...]" = ()


RuleStep = Union[SendStep, WaitStep, WaitUntilStep, IfStep]  # noqa: UP007 - recursive


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most so many sends to one user per length of time."""

    at_most: int
    per: Duration
    window: Literal["rolling", "calendar"] = "rolling"
    scope: Literal["rule", "channel", "all"] = "rule"
    when_full: Literal["drop", "defer"] = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Local times "HH:MM" between which nothing is sent."""

    start: str
    end: str
    timezone: str | None = None
    then: Literal["defer", "drop"] = "defer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A ceiling of coupons and of cost, per run, per day or in total."""

    coupons: int | None = None
    cost: Decimal | None = None
    per: Literal["run", "day", "total"] = "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The event that counts as success within `window` after the send; `value` is a property."""

    event: str
    window: Duration
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An automation over one segment. Exactly one of `send`, `variants` and `steps` is given."""

    name: str
    segment: str
    trigger: Trigger
    send: tuple[Action, ...] = ()
    variants: tuple[Variant, ...] = ()
    steps: tuple[RuleStep, ...] = ()
    where: Predicate | None = None
    active_from: Moment | None = None
    active_until: Moment | None = None
    kind: Literal["marketing", "transactional"] = "marketing"
    re_entry: Literal["never", "always"] | Duration = "always"
    enrol: Literal["new", "existing"] = "new"
    holdout: Decimal = Decimal(0)
    consent: str | None = None
    caps: tuple[Cap, ...] = ()
    quiet_hours: QuietHours | None = None
    throttle: Rate | None = None
    budget: Budget | None = None
    max_recipients: int | None = None
    priority: int = 50
    goal: Goal | None = None
    description: str | None = None
    owner: str | None = None

    @property
    def address(self) -> Address:
        """rule.<name>"""
        return Address("rule", self.name)

    def sends(self) -> Iterator[tuple[tuple[str | int, ...], tuple[Action, ...]]]:
        """Every list of actions that one user gets one after the other, with its key path; those
        of `steps` are not among them."""
        if self.send:
            yield ("send",), self.send
        for number, variant in enumerate(self.variants):
            yield ("variants", number, "send"), variant.send

    def actions(self) -> tuple[Action, ...]:
        """The actions of all those lists."""
        return tuple(action for _, actions in self.sends() for action in actions)
