"""Who may be written to, for the reference: what a user agreed to, and who is written to no more.

A row without a time is older than all others: it counts at every instant.
"""

from collections.abc import Iterator

from segflow.compiler.timeline import FIRST
from segflow.compiler.values import Value, fold
from segflow.compiler.worlds import ConsentRow, NotSupportedError, Subject, SuppressionRow
from segflow.model.contact import ConsentTopic, ContactAddress, Suppression
from segflow.model.instant import Instant
from segflow.model.predicate import Consent, Reachable


def consents(leaf: Consent, subject: Subject) -> bool:
    """Whether the user's last word on the topic is yes; of rows of one instant all must say so."""
    last = last_words(leaf.topic, subject)
    if not last:
        return topic_of(leaf, subject).default == "granted"
    return all(row.granted is True for row in last)


def last_words(topic: str, subject: Subject) -> tuple[ConsentRow, ...]:
    """The user's rows about the topic at the last instant up to T that has any."""
    as_of = subject.context.as_of
    rows = [row for row in subject.user.consents.get(topic, ()) if _since(row.time) <= as_of]
    last = max((_since(row.time) for row in rows), default=None)
    return tuple(row for row in rows if _since(row.time) == last)


def is_reachable(leaf: Reachable, text: Value | None, subject: Subject) -> bool:
    """Whether the user may be written to at the address, which is worth `text`."""
    if text is None or text == "":
        return False
    for one in suppressions(subject):
        if any(suppressing(one.name, leaf, text, subject)):
            return False
    topic = address_of(leaf, subject).topic
    return topic is None or consents(Consent(topic=topic), subject)


def suppressions(subject: Subject) -> tuple[Suppression, ...]:
    """Those that the user may be in."""
    return subject.context.compiled.project.suppressions(subject.context.entity.name)


def suppressing(
    name: str, leaf: Reachable, text: Value | None, subject: Subject
) -> Iterator[SuppressionRow]:
    """The rows of a suppression that forbid it to write to the user at the address."""
    for row in subject.user.suppressions.get(name, ()):
        in_force = _since(row.time) <= subject.context.as_of
        is_for = not row.channel or fold(row.channel) == fold(leaf.address)
        if in_force and is_for and _is_of(row, text):
            yield row


def _is_of(row: SuppressionRow, text: Value | None) -> bool:
    """A row without an address is the user's own."""
    return row.address is None or (isinstance(text, str) and fold(row.address) == fold(text))


def _since(time: Instant | None) -> Instant:
    return FIRST if time is None else time


def topic_of(leaf: Consent, subject: Subject) -> ConsentTopic:
    """The topic that a leaf names."""
    found = subject.context.compiled.project.consent_topic(leaf.topic)
    if found is None:
        raise NotSupportedError(f"there is no consent {leaf.topic}")
    return found


def address_of(leaf: Reachable, subject: Subject) -> ContactAddress:
    """The address that a leaf names."""
    found = subject.context.compiled.project.contact_address(leaf.address)
    if found is None:
        raise NotSupportedError(f"there is no address {leaf.address}")
    return found
