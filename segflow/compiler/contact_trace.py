"""What explanations show of consents and of addresses, without saying which address it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from segflow.compiler.interpret import (
    address_text,
)
from segflow.compiler.reference.contacts import (
    consents,
    last_words,
    suppressing,
    suppressions,
)
from segflow.compiler.worlds import (
    Subject,
    SuppressionRow,
)
from segflow.model.instant import format_instant
from segflow.model.predicate import (
    Consent,
    Reachable,
)
from segflow.model.wording_text import MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureValue:
    """What a feature was worth: `text` is the feature in the words of its YAML, `value` is written
    out (None: missing), `events` counts the events that an aggregate was over."""

    text: str
    value: str | None
    events: int | None = None


def consent_values(leaf: Consent, subject: Subject) -> Iterator[FeatureValue]:
    """The user's last word on a topic, and since when it is that."""
    last = last_words(leaf.topic, subject)
    word = "granted" if consents(leaf, subject) else "denied"
    yield FeatureValue(text=leaf.topic, value=word if last else f"{word} by default")
    since = last[0].time if last else None
    text = None if since is None else format_instant(since)
    yield FeatureValue(text=f"{leaf.topic} since", value=text)


def reachable_values(leaf: Reachable, subject: Subject) -> Iterator[FeatureValue]:
    """Whether there is an address, without saying which, and who forbids to write to it."""
    text = address_text(leaf, subject)
    shown = MASK if text else ""
    yield FeatureValue(text=leaf.address, value=None if text is None else shown)
    for one in suppressions(subject):
        rows = suppressing(one.name, leaf, text, subject)
        words = "; ".join(dict.fromkeys(map(_in_words, rows)))
        yield FeatureValue(text=str(one.address), value=words or "no")


def _in_words(row: SuppressionRow) -> str:
    since = "always" if row.time is None else f"since {format_instant(row.time)}"
    return f"{since}, {row.reason}" if row.reason else since
