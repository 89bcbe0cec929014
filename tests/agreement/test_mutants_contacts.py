"""The agreement sees faults in who consented and who is reachable: see test_mutants.py."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import not_, true

from segflow.compiler.dialects.duckdb import DuckDb
from segflow.compiler.dialects.standard import FIRST_INSTANT
from segflow.compiler.targets import contacts, facts
from segflow.compiler.targets.values import not_later
from segflow.model.predicate import All
from segflow.model.types import TIMESTAMP
from tests.agreement.faults import Fault, is_caught, share

CONSENT, REACHABLE = ('"Consent"',), ('"Reachable"',)


def to_the_microsecond(_: Any) -> Any:
    """Words of one millisecond have an order."""

    def moment(source: Any, time: Any, dialect: Any) -> Any:
        return FIRST_INSTANT if time is None else dialect.stored(source.c[time], TIMESTAMP)

    return moment


def with_a_time(_: Any) -> Any:
    """Rows without a time do not count."""

    def up_to(source: Any, time: Any, known: Any) -> Any:
        if time is not None:
            yield not_later(known.dialect.stored(source.c[time], TIMESTAMP), known.as_of)

    return up_to


def of_any_topic(is_text: Any) -> Any:
    """Whatever is said is about the topic."""
    return lambda column, text, dialect: is_text(column, text, dialect) if text == "" else true()


def denied_by_default(declared: Any) -> Any:
    """No topic has another default."""
    return lambda name, compiled: replace(declared(name, compiled), default="denied")


def of_today(by_address: Any) -> Any:
    """The address of today is suppressed, whatever it was at T."""
    return lambda at, leaf, known: by_address(at, leaf, replace(known, then=False))


def without(part: int) -> Any:
    """Reachable without one of what it takes: a text, or consent."""

    def forget(may_be_reached: Any) -> Any:
        def forgetful(leaf: Any, compiled: Any) -> Any:
            found = may_be_reached(leaf, compiled)
            if part == 0:
                return found.items[0] if isinstance(found, All) else found
            has_address = found.items[0] if isinstance(found, All) else found
            any_text = replace(has_address, operators=has_address.operators[:1])
            rest = found.items[1:] if isinstance(found, All) else ()
            return All(items=(any_text, *rest))

        return forgetful

    return forget


FAULTS = [
    Fault("words keep their microseconds", contacts, "_moment", to_the_microsecond, CONSENT),
    Fault("later words count", contacts, "_up_to", lambda _: lambda *arguments: (), CONSENT),
    Fault("words without a time do not count", contacts, "_up_to", with_a_time, CONSENT),
    Fault("no word is no refusal", contacts, "opposite", lambda _: not_, CONSENT),
    Fault("words on all topics count", contacts, "is_text", of_any_topic, CONSENT),
    Fault("nothing is granted by default", contacts, "declared_topic", denied_by_default, CONSENT),
    Fault("suppressions to come hold", contacts, "_up_to", lambda _: lambda *arguments: (),
          REACHABLE),
    Fault("suppressions are of all channels", contacts, "compared", lambda _: lambda *_: true(),
          REACHABLE),
    Fault("an address has its case", DuckDb, "folded", lambda _: lambda self, text: text,
          REACHABLE),
    Fault("today's address is suppressed", contacts, "_by_address", of_today, REACHABLE),
    Fault("consent is not asked for", facts, "may_be_reached", without(0), REACHABLE),
    Fault("no letters are an address", facts, "may_be_reached", without(1), REACHABLE),
]  # fmt: skip


@pytest.mark.parametrize("fault", share(FAULTS), ids=lambda fault: fault.name)
def test_the_agreement_catches(fault, tmp_path):
    """With the fault in the engine's path, some segment has other members than by the reference."""
    assert is_caught(fault, tmp_path)
