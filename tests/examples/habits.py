"""What the people of the corpus do now and then, by table; and the instants that are asked about.

Values come from short pools that hold those of the segments. Times lie seconds to months before the
instants, so that every window has some events in it and some beside it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.examples.chance import Chance

TIMES = (
    datetime(2026, 3, 31, 12, tzinfo=UTC),
    datetime(2026, 8, 20, 7, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),  # 02:30 in Berlin, half an hour after it was 3
)
"""The instants that are asked about."""

AGES = tuple(
    timedelta(**age)
    for age in (
        *({"seconds": 3}, {"minutes": 4}, {"minutes": 25}, {"minutes": 50}, {"hours": 3}),
        *({"hours": 20}, *({"days": days} for days in (3, 6, 12, 25, 45, 80, 150, 300))),
    )
)
SKUS = ("A1", "B2", "C3", "D4", "E5", "F6", "G7")
CATEGORIES = ("shoes", "cosmetics", "travel", "books")
AMOUNTS = tuple(map(Decimal, ("9.99", "50.00", "120.00", "180.50", "420.00")))

Pools = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What people do now and then: the table's id, which may be text, and its time, the pools of
    its columns, and how often one does it at most; 0 where only stories have it."""

    id: str
    time: str
    pools: Pools = field(default_factory=dict)
    most: int = 6
    key: str = "customer_id"
    id_is_text: bool = False


HABITS: Mapping[str, Habit] = {
    "product_views": Habit(
        id="view_id",
        time="viewed_at",
        most=9,
        pools={
            "sku": SKUS,
            "category": CATEGORIES,
            "price": tuple(map(Decimal, ("19.00", "99.99", "100.00", "100.01", "350.00"))),
        },
    ),
    "sessions": Habit(
        id="session_id",
        time="started_at",
        most=9,
        pools={
            "device_model": ("SM-G991B", "iPhone14,5", None),
            "utm_source": ("tiktok", "search", None),
        },
    ),
    "orders": Habit(
        id="order_id",
        time="ordered_at",
        pools={
            "cart_id": (None,),
            "amount": AMOUNTS,
            "category": CATEGORIES,
            "store": ("harbour", "station", None),
            "ship_country": ("DE", "AT", "US", None),
            "extras": ('["gift_wrap"]', '["card", "gift_wrap"]', "[]", None),
        },
    ),
    "order_lines": Habit(
        id="line_id",
        time="ordered_at",
        pools={"order_id": (None,), "sku": SKUS, "quantity": (1, 1, 2, 3, 5)},
    ),
    "cart_adds": Habit(id="row_id", time="added_at", pools={"cart_id": (None,), "sku": SKUS}),
    "top_ups": Habit(
        id="payment_id",
        time="paid_at",
        id_is_text=True,
        pools={"cents": (2_000, 5_000, 15_000)},
    ),
    "logins": Habit(id="login_id", time="logged_in_at", pools={}, most=4),
    "reviews": Habit(id="review_id", time="written_at", pools={"sku": SKUS}),
    "shares": Habit(id="share_id", time="shared_at", pools={"sku": SKUS}),
    "tickets": Habit(
        id="ticket_id",
        time="opened_at",
        most=4,
        pools={
            "kind": ("billing", "returns", None),
            "team": ("first_line", "second_line", None),
            "status": ("open", "closed"),
            "priority": (5, 10, 19, 20, 30, None),
            "rating": (1, 9, 10, 20, None),
        },
    ),
    "surveys": Habit(id="survey_id", time="answered_at", pools={"score": tuple(range(11))}),
    "mails": Habit(id="mail_id", time="sent_at", pools={"campaign": ("news", None)}, most=24),
    "mail_opens": Habit(
        id="open_id",
        time="opened_at",
        most=9,
        pools={
            "campaign": ("spring_sale", "news", None),
            "template": ("spring", "plain"),
        },
    ),
    "sms": Habit(
        id="row_id",
        time="happened_at",
        most=8,
        pools={
            "state": ("rejected", "rejected", "rejected", "delivered"),
            "code": ("30003", "30003", "30005"),
        },
    ),
    "track": Habit(
        id="message_id",
        time="received_at",
        most=12,
        key="user_id",
        id_is_text=True,
        pools={
            "event_name": ("Page Viewed", "Page Viewed", "Banner Clicked", "Report Exported",
                           "Button Clicked", "Button Tapped", "BETA_search", "BETA_", "beta_map"),
            "properties": tuple(
                json.dumps(held)
                for held in (
                    {"path": "/pricing/teams", "platform": "web"},
                    {"path": "/pricing", "page": {"slot": {"name": "hero"}}},
                    {"path": "/blog", "button": "1", "platform": "ios"},
                    {"page": {"slot": {"name": "footer"}}, "button": "2", "platform": "web"},
                    {},
                )
            ),
        },
    ),
    "addresses": Habit(
        id="address_id",
        time="added_at",
        most=2,
        pools={"email": ("x@gmail.example", "x@mail.example")},
    ),
    "consents": Habit(
        id="consent_id",
        time="changed_at",
        most=4,
        pools={"topic": ("newsletter", "digest"), "granted": (True, False)},
    ),
    "bounces": Habit(
        id="row_id",
        time="bounced_at",
        most=1,
        pools={"channel": ("email", "sms"), "reason": ("complaint", "unknown address")},
    ),
    "plan_changes": Habit(
        id="row_id", time="changed_at", pools={"plan": ("free", "pro", "trial")}, most=4
    ),
    "status_changes": Habit(
        id="row_id", time="changed_at", pools={"status": ("onboarding", "active")}, most=3
    ),
    "checkouts": Habit(id="checkout_id", time="started_at", most=0),
    "coupons_issued": Habit(id="issue_id", time="issued_at", most=0),
    "coupons_used": Habit(id="use_id", time="used_at", most=0),
    "appointments": Habit(id="row_id", time="booked_at", most=0),
    "appointment_updates": Habit(id="row_id", time="updated_at", most=0),
    "partner_leads": Habit(id="row_id", time="referred_at", most=0),
}  # fmt: skip


def doings(
    habit: Habit, mine: Sequence[datetime], chance: Chance
) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
    """Each time that one person does a thing, or none. Half of all people are set in their ways:
    they take the same of every column; a third do it all in a row."""
    number = chance.choice((0, 0, 1, 1, 2, 3, 5, 8, 13, 21)) if habit.most else 0
    favourites = {name: chance.choice(pool) for name, pool in habit.pools.items()}
    is_faithful, in_a_row = chance.happens(50), chance.happens(30)
    start = chance.choice(mine) - chance.choice(AGES)
    for nth in range(min(number, habit.most)):
        age = chance.choice(AGES) * chance.between(40, 100) / 100
        time = start - timedelta(seconds=70 * nth) if in_a_row else chance.choice(mine) - age
        columns = {name: chance.choice(pool) for name, pool in habit.pools.items()}
        yield time, favourites if is_faithful else columns
