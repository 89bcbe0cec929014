"""What a habit alone would seldom give, such as a cart that is left: rows that belong together."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.examples.chance import Chance
from tests.examples.habits import AMOUNTS, HABITS, SKUS


class Rows:
    """The tables as they are being filled."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._ids = count(1)

    def number(self) -> int:
        """A number that was not given before."""
        return next(self._ids)

    def add(self, table: str, customer: int, time: datetime, **columns: Any) -> int:
        """Add a row of an event, and give the number in its id."""
        habit, number = HABITS[table], self.number()
        known = {habit.id: f"id-{number}" if habit.id_is_text else number, habit.key: customer}
        self.tables[table].append({**known, habit.time: time, **columns})
        return number


def _cart(rows: Rows, customer: int, now: datetime) -> None:
    """A cart is filled, and ordered soon, late or never; or another one is."""
    chance, cart = rows.chance, rows.number()
    start = now - chance.choice((timedelta(minutes=20), *(timedelta(hours=h) for h in (2, 5, 20))))
    rows.add("cart_adds", customer, start, cart_id=cart, sku=chance.choice(SKUS))
    if chance.happens(70):
        rows.add("checkouts", customer, start + timedelta(minutes=2), cart_id=cart)
    wait = chance.choice((None, timedelta(minutes=9), timedelta(minutes=45), timedelta(hours=3)))
    if wait is not None:
        ordered = cart if chance.happens(60) else rows.number()
        _order(rows, customer, start + wait, cart_id=ordered)


def _order(rows: Rows, customer: int, time: datetime, **columns: Any) -> None:
    chance = rows.chance
    columns = {"amount": chance.choice(AMOUNTS), "category": "books", **columns}
    order = rows.add("orders", customer, time, **columns)
    for sku in chance.sample(SKUS[:3], chance.between(1, 3)):
        rows.add("order_lines", customer, time, order_id=order, sku=sku, quantity=1)


def _looked_at_twice(rows: Rows, customer: int, now: datetime) -> None:
    """A thing is looked at twice, and some order it."""
    chance, sku = rows.chance, rows.chance.choice(SKUS)
    for age in (5, 2):
        rows.add("product_views", customer, now - timedelta(days=age), sku=sku, category="shoes")
    if chance.happens(50):
        line = {"order_id": rows.number(), "sku": sku, "quantity": 1}
        rows.add("order_lines", customer, now - timedelta(days=1), **line)


def _regular(rows: Rows, customer: int, now: datetime) -> None:
    """Somebody comes each day, logs in each week and orders each month, or nearly."""
    for days in range(7):
        if rows.chance.happens(80):
            rows.add("sessions", customer, now - timedelta(days=days, hours=1))
    for week in range(4):
        if rows.chance.happens(80):
            rows.add("logins", customer, now - timedelta(days=7 * week + 3))
    for month in range(12):
        if rows.chance.happens(90):
            time = now - timedelta(days=30 * month + 10)
            _order(rows, customer, time, store="harbour", ship_country="DE")


def _back_after_months(rows: Rows, customer: int, now: datetime) -> None:
    """Orders before and after a long silence."""
    for days in (rows.chance.choice((40, 130)), 3):
        _order(rows, customer, now - timedelta(days=days))
        rows.add("sessions", customer, now - timedelta(days=days))


def _campaign(rows: Rows, customer: int, now: datetime) -> None:
    """The mail of the spring sale, opened by some, followed by an order of some."""
    chance, sent = rows.chance, now - timedelta(days=rows.chance.choice((3, 20, 50)))
    rows.add("mails", customer, sent, campaign="spring_sale")
    for hours in range(chance.between(0, 3)):
        opened = sent + timedelta(hours=hours + 1)
        rows.add("mail_opens", customer, opened, campaign="spring_sale", template="spring")
    if chance.happens(40):
        _order(rows, customer, sent + timedelta(days=chance.choice((2, 9))))


def _short_message(rows: Rows, customer: int, now: datetime) -> None:
    """An SMS of the spring sale, which half of the time no carrier takes."""
    sent, message = now - timedelta(days=9), f"sms-{rows.number()}"
    told = {"message_id": message, "campaign": rows.chance.choice(("spring_sale", "news"))}
    rows.add("sms", customer, sent, state="sent", **told)
    if rows.chance.happens(50):
        rows.add("sms", customer, sent + timedelta(seconds=2), state="carried", **told)


def _coupon(rows: Rows, customer: int, now: datetime) -> None:
    """A coupon that expires soon or late, used by half."""
    chance, code, issued = rows.chance, f"CODE-{rows.number()}", now - timedelta(days=12)
    expires = now + timedelta(days=chance.choice((-1, 2, 30)))
    rows.add("coupons_issued", customer, issued, code=code, expires_at=expires)
    if chance.happens(50):
        rows.add("coupons_used", customer, issued + timedelta(days=4), code=code)


def _appointment(rows: Rows, customer: int, now: datetime) -> None:
    """An appointment, confirmed or cancelled."""
    number, booked = rows.number(), now - timedelta(days=6)
    rows.add("appointments", customer, booked, appointment_id=number)
    told = {"appointment_id": number, "operation": rows.chance.choice(("CANCELLED", "CONFIRMED"))}
    rows.add("appointment_updates", customer, booked + timedelta(days=1), **told)


def _in_the_app(rows: Rows, customer: int, now: datetime) -> None:
    """The prices are read again and again, and a button is clicked around a week of August."""
    for hours in range(rows.chance.between(2, 4)):
        read = {"event_name": "Page Viewed", "properties": '{"path": "/pricing/teams"}'}
        rows.add("track", customer, now - timedelta(days=2, hours=hours), **read)
    click = {"event_name": "Button Clicked", "properties": '{"button": "1"}'}
    rows.add("track", customer, datetime(2026, 8, rows.chance.between(1, 12), tzinfo=UTC), **click)


def _referred(rows: Rows, customer: int, now: datetime) -> None:
    """A partner names somebody."""
    rows.add("partner_leads", customer, now - timedelta(days=40))


STORIES = (
    *(_cart, _looked_at_twice, _regular, _back_after_months, _campaign, _short_message),
    *(_coupon, _appointment, _in_the_app, _referred),
)
