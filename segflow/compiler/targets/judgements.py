"""Leaves that are judged over rows of their own, in SQL: the keys for which one holds."""

from typing import Any

from sqlalchemy import Select

from segflow.compiler.targets.changes import field_changed, field_held
from segflow.compiler.targets.conditions import unsupported
from segflow.compiler.targets.contacts import consent_keys, suppressed_keys
from segflow.compiler.targets.ends import event_has_keys
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.modes import mode_values
from segflow.compiler.targets.needs import Judgement, Suppressed
from segflow.compiler.targets.periods import periods_keys
from segflow.compiler.targets.ranks import rank_keys
from segflow.compiler.targets.relations import members_keys, via_keys
from segflow.compiler.targets.same import same_keys
from segflow.compiler.targets.sequences import sequence_keys
from segflow.model.predicate import (
    Aggregate,
    Changed,
    Consent,
    EventHas,
    FieldFeature,
    Held,
    Members,
    Periods,
    Rank,
    Same,
    Sequence,
    Test,
    Via,
)


def judged(leaf: Judgement | Aggregate, facts: Facts) -> Select[Any]:  # noqa: C901 - one arm each
    """The keys of users for which a leaf holds, each once, as the column KEY; of an aggregate that
    is made of rows of its own the keys with the column VALUE."""
    match leaf:
        case Aggregate():
            return mode_values(leaf, facts)
        case EventHas():
            return event_has_keys(leaf, facts)
        case Sequence():
            return sequence_keys(leaf, facts)
        case Same():
            return same_keys(leaf, facts)
        case Periods():
            return periods_keys(leaf, facts)
        case Rank():
            return rank_keys(leaf, facts)
        case Via():
            return via_keys(leaf, facts)
        case Members():
            return members_keys(leaf, facts)
        case Held(item=Test(feature=FieldFeature() as feature) as test):
            return field_held(leaf, test, feature, facts)
        case Changed():
            return field_changed(leaf, facts)
        case Consent():
            return consent_keys(leaf, facts)
        case Suppressed():
            return suppressed_keys(leaf, facts)
        case _:
            raise unsupported(leaf)
