"""Reads triggers: what makes a rule run."""

from collections.abc import Mapping

from segflow.loader.cron import CRON
from segflow.loader.event_predicate import EVENT_PREDICATE
from segflow.loader.heads import Headed
from segflow.loader.records import Key, Record
from segflow.loader.shapes import Shape
from segflow.loader.slots import NAME, TRUE, choice
from segflow.loader.times import DURATION, MOMENT, RRULE, ZONE_OR_USER
from segflow.model.duration import Duration
from segflow.model.rule import (
    AtTrigger,
    CronTrigger,
    EventTrigger,
    EveryTrigger,
    RruleTrigger,
    TransitionTrigger,
    Trigger,
)

_CATCHING_UP: Mapping[str, Key] = {
    "misfire": Key(choice("skip", "latest", "all"), doc="Which of the missed runs are made up"),
    "catch_up": Key(DURATION, doc="How late a run may be; 1h when left out"),
    "overlap": Key(
        choice("skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"),
        doc="What happens while the run before is not over",
    ),
}
_ZONE = Key(ZONE_OR_USER, doc="Whose clock: a zone, or each user's")

TRIGGER: Shape[Trigger] = Headed(
    what="a trigger",
    heads={
        "cron": Record(
            what="a cron trigger",
            keys={
                "cron": Key(CRON, required=True),
                "timezone": _ZONE,
                "gap": Key(choice("shift", "skip"), doc="A local time that does not exist"),
                "fold": Key(choice("first", "last", "both"), doc="A local time that comes twice"),
                **_CATCHING_UP,
            },
            build=lambda values, node, found: CronTrigger(**values),
        ),
        "rrule": Record(
            what="an rrule trigger",
            keys={"rrule": Key(RRULE, required=True), "timezone": _ZONE, **_CATCHING_UP},
            build=lambda values, node, found: RruleTrigger(**values),
        ),
        "every": Record(
            what="a trigger at a fixed distance",
            keys={"every": Key(DURATION, required=True), **_CATCHING_UP},
            build=lambda values, node, found: EveryTrigger(**values),
        ),
        "at": Record(
            what="a trigger at a point in time",
            keys={"at": Key(MOMENT, required=True)},
            build=lambda values, node, found: AtTrigger(at=values["at"]),
        ),
        "entered": Record(
            what="a trigger on entering",
            keys={"entered": Key(TRUE, required=True)},
            build=lambda values, node, found: TransitionTrigger(kind="entered"),
        ),
        "exited": Record(
            what="a trigger on exiting",
            keys={"exited": Key(TRUE, required=True)},
            build=lambda values, node, found: TransitionTrigger(kind="exited"),
        ),
        "event": Record(
            what="a trigger on an event",
            keys={
                "event": Key(NAME, required=True),
                "where": Key(EVENT_PREDICATE),
                "key": Key(NAME, doc="One run per value of this property, not per user"),
            },
            build=lambda values, node, found: EventTrigger(**values),
        ),
    },
    example='{cron: "0 9 * * *"}',
    stand_in=EveryTrigger(every=Duration(count=1, unit="d")),
    instead={"on": "write {entered: true} or {exited: true}", "did": "event"},
)
