"""Rows for the tables of the corpus, always the same: people with habits, and stories of theirs."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.examples.chance import Chance
from tests.examples.habits import AGES, HABITS, TIMES, doings
from tests.examples.stories import STORIES, Rows

CUSTOMERS = 150
ACCOUNTS = 24


def corpus_tables() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Every table of the corpus."""
    rows = Rows(Chance("corpus"))
    rows.tables["accounts"] = [_account(key, rows.chance) for key in range(1, ACCOUNTS + 1)]
    rows.tables["customers"] = [_customer(key, rows.chance) for key in range(1, CUSTOMERS + 1)]
    for person in rows.tables["customers"]:
        key = person["customer_id"]
        # Some come all year round, others only around one of the instants.
        mine = rows.chance.sample(TIMES, rows.chance.between(1, len(TIMES)))
        for table, habit in HABITS.items():
            for time, columns in doings(habit, mine, rows.chance):
                rows.add(table, key, time, **columns)
        for story in STORIES:
            if rows.chance.happens(30):
                story(rows, key, rows.chance.choice(mine))
    _agree(rows.tables)
    return rows.tables


def _agree(tables: Mapping[str, list[dict[str, Any]]]) -> None:
    """Make the tables agree with each other, as those of a shop do."""
    people = {person["customer_id"]: person for person in tables["customers"]}
    for row in tables["logins"]:
        row["account_id"] = people[row["customer_id"]]["account_id"]
    for row in tables["surveys"]:
        row["edited_at"] = row["loaded_at"] = row["answered_at"]
    for name in ("plan", "status"):
        for row in sorted(tables[f"{name}_changes"], key=lambda row: row["changed_at"]):
            people[row["customer_id"]][name] = row[name]


# --- people ----------------------------------------------------------------------------------


def _account(key: int, chance: Chance) -> dict[str, Any]:
    return {
        "account_id": key,
        "created_at": datetime(2024, 1, 1, tzinfo=UTC),
        "tier": chance.choice(("business", "starter", None)),
        "industry": chance.choice(("software", "retail")),
    }


def _customer(key: int, chance: Chance) -> dict[str, Any]:
    one = chance.choice
    old = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=chance.between(0, 700))
    identified = datetime(2026, one((1, 2, 2, 3, 7, 9)), chance.between(1, 28), 23, tzinfo=UTC)
    born_now = one(TIMES) - timedelta(seconds=chance.between(1, 59))
    return {
        "customer_id": key,
        "account_id": one((*range(1, ACCOUNTS + 1), None)),
        "created_at": one((old, old, old, one(TIMES) - one(AGES), born_now)),
        "identified_at": one((None, identified, identified)),
        "email": one((
            *(f"p{key}@{host}" for host in ("gmail.example", "staff.example", "firm.UK", "a.org")),
            *(f"info@p{key}.example", "", None),
        )),
        "birthday": _birthday(chance),
        "age": one((None, 17, 18, 19, 24, 25, 40, 64, 65, 80)),
        "country": one(("DE", "DE", "AT", "US", "NO", "gb", "UK", None)),
        "language": one(("de", "de", "en", None)),
        "timezone": one(("Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles", "Mars", None)),
        "company_city": one(("Berlin", "Kyiv", "Lyon", None)),
        "role": one(("admin", "member", None)),
        "music": one(("pop", "pop", "jazz", None)),
        "at_risk": one((True, False, None)),
        "points": one((0, 49, 50, 123, 123, 900, None)),
        "score": one((*map(Decimal, ("20.49", "20.50", "3.00", "99.90")), None)),
        "spent": one(tuple(map(Decimal, ("0.00", "10.00", "250.00", "900.00")))),
        "credit_limit": one((Decimal("100.00"), Decimal("250.00"), None)),
        "renews_at": one((None, one(TIMES) + timedelta(days=one((-1, 3, 7, 10, 31, 90))))),
        "auto_renew": one((True, False, None)),
        "app_version": one(("1.5.6", "1.5.7", "1.10.0", "1.2", "2.0.0-rc.1", "unknown", None)),
        "tags": one(('["plus"]', '["plus", "gold"]', "[]", None, json.dumps(list("abcdef")))),
        "hobbies": one(('["hiking", "tennis"]', '["tennis"]', '["tennis","chess","hiking"]', None)),
        "profile": one((
            *('{"person": {"preferred name": "Sam"}}', '{"pet": {"name": "Rex"}}', "{}", None),
            '{"person": {"preferred name": "Ada"}, "pet": {"name": null}}',
        )),
        "plan": one(("free", "pro", "trial", None)),
        "status": one(("onboarding", "active", "active", None)),
    }  # fmt: skip


def _birthday(chance: Chance) -> date | None:
    year = chance.choice((1970, 1984, 1999, 2000, 2001, 2005, 2008, 2009))
    today = chance.choice(TIMES).date()
    week_ago = today - timedelta(days=7)
    days = ((1, 1), (today.month, today.day), (week_ago.month, week_ago.day), (6, 15))
    return chance.choice((*(date(year, month, day) for month, day in days), None))
