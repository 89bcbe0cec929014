"""Who may be written to: the catalog of it, rows for its tables, and leaves that ask for it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from segflow.model.catalog import Location
from segflow.model.contact import (
    ConsentTable,
    ConsentTopic,
    ContactAddress,
    Suppression,
    SuppressionTable,
)
from segflow.model.predicate import Consent, Reachable
from tests.agreement.choices import Pick

TABLES = ("consents", "terms", "contacts", "bounced", "blocked")
TOPICS = ("news", "offers", "terms")
ADDRESSES = ("email", "post", "sms")
Row = Mapping[str, Any]


def catalog() -> tuple[ConsentTopic | ContactAddress | Suppression, ...]:
    """Two topics in one table and one in a table of its own; an address in a table of its own, one
    that is a field and one that is a field with a history; suppressions of users, and of addresses.
    """

    def words(name: str, default: Any) -> ConsentTopic:
        at = ConsentTable(
            source="shop",
            table="consents",
            key="customer_id",
            granted="granted",
            time="at",
            topic="topic",
        )
        return ConsentTopic(name=name, entity="customer", at=at, default=default)

    terms = ConsentTable(source="shop", table="terms", key="customer_id", granted="granted")
    email = Location(source="shop", table="contacts", key="customer_id", column="email")
    bounced = SuppressionTable(
        source="shop", table="bounced", key="customer_id", channel="channel", time="at"
    )
    blocked = SuppressionTable(
        source="shop", table="blocked", address="address", channel="channel", time="at"
    )
    return (
        words("news", "denied"),
        words("offers", "granted"),
        ConsentTopic(name="terms", entity="customer", at=terms),
        ContactAddress(name="email", entity="customer", at=email, topic="news"),
        ContactAddress(name="post", entity="customer", field="city", topic="terms"),
        ContactAddress(name="sms", entity="customer", field="tier"),
        Suppression(name="bounced", entity="customer", at=bounced),
        Suppression(name="blocked", entity="customer", at=blocked),
    )


def tables(
    pick: Pick,
    keys: Sequence[int],
    strangers: Sequence[int],
    moment: Callable[[], datetime],
    texts: Sequence[str],
) -> Mapping[str, Sequence[Row]]:
    """Rows for the tables: several words of one user at one instant, rows without a time, without
    a word, without a key, and about nobody."""
    anybody = [*keys, *keys[2:8], None, *strangers]

    def when() -> datetime | None:
        return None if pick.chance(8) else moment()

    consents: list[Row] = []
    for _ in range(pick.one([60, 40, 20, 0])):
        row = {"customer_id": pick.one(anybody), "at": when(), "topic": pick.one(_WORDS_ON)}
        if consents and pick.chance(4):
            row = {name: consents[-1][name] for name in row}
        consents.append({**row, "granted": pick.one([True, False, True, None])})
    return {
        "consents": consents,
        "terms": [
            {"customer_id": pick.one(anybody), "granted": pick.one([True, True, True, False])}
            for _ in range(30)
        ],
        "contacts": [
            {"customer_id": key, "email": pick.one([*texts, None])}
            for key in keys
            if not pick.chance(5)
        ],
        "bounced": [
            {"customer_id": pick.one(anybody), "channel": pick.one(_CHANNELS), "at": when()}
            for _ in range(pick.one([10, 5, 0]))
        ],
        "blocked": [
            {"address": pick.one([*texts, None]), "channel": pick.one(_CHANNELS), "at": when()}
            for _ in range(pick.one([3, 2, 0]))
        ],
    }


_WORDS_ON = ("news", "offers", "news", "offers", "News", None)
_CHANNELS = ("email", "sms", "post", None, "", "SMS", "fax")


def consent(pick: Pick) -> Consent:
    """Who consented to a topic."""
    return Consent(topic=pick.one(TOPICS))


def reachable(pick: Pick) -> Reachable:
    """Who may be written to at an address of a kind."""
    return Reachable(address=pick.one(ADDRESSES))
