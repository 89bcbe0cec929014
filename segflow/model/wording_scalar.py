"""The words of values, durations, calendar spans, percentages and settings."""

from datetime import date
from decimal import Decimal
from typing import assert_never

from segflow.model.channel import Rate
from segflow.model.duration import Duration
from segflow.model.instant import Instant, format_instant
from segflow.model.scalar import Const, DatePoint, InstantPoint, Moment, Text
from segflow.model.settings import SecretRef, Setting, SettingMap
from segflow.model.window import CalendarSpan
from segflow.model.wording_text import Plain, Word, Words


def without_absent(words: Words) -> Words:
    """The mapping without the keys that hold None."""
    return {key: word for key, word in words.items() if word is not None}


def one_or_list(names: tuple[str, ...]) -> Word:
    """One name as it is, several as a list."""
    return names[0] if len(names) == 1 else list(names)


def pairs(items: tuple[tuple[str, str], ...]) -> Words:
    """Pairs as a mapping."""
    return dict(items)


def literal(value: Text | Const) -> Word:
    """A literal of a comparison: what was written, or what a typed constant would be written as."""
    match value:
        case Text(text=text, quoted=quoted):
            return text if quoted else Plain(text)
        case Const(type=type_, value=held):
            if type_.name == "timestamp" and isinstance(held, int):
                return Plain(format_instant(Instant(held)))
            return _scalar(held)


def _scalar(value: str | int | Decimal | float | bool | date) -> Word:
    match value:
        case bool() | str() | int():
            return value
        case Decimal():
            return decimal(value)
        case float():
            return Plain(repr(value))
        case date():
            return Plain(value.isoformat())
        case _:
            assert_never(value)


def decimal(value: Decimal) -> Plain:
    """A decimal in plain digits without trailing zeros; equal ones have equal words."""
    digits = f"{value:f}"
    trimmed = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return Plain("0" if trimmed == "-0" else trimmed)


def percent(value: Decimal) -> str:
    """10 as "10%"."""
    return f"{decimal(value)}%"


def duration(value: Duration | None) -> Word:
    """7 days as "7d"."""
    return None if value is None else str(value)


def rate(value: Rate | None) -> Word:
    """500 a minute as "500/min"."""
    return None if value is None else f"{value.count}/{value.per}"


def moment(value: Moment | None) -> Word:
    """A point in time as ISO text: a date, or an instant in UTC."""
    match value:
        case None:
            return None
        case InstantPoint(instant=instant):
            return Plain(format_instant(instant))
        case DatePoint(date=day):
            return Plain(day.isoformat())


def calendar(span: CalendarSpan) -> Word:
    """A calendar span by its name (this_month, last_7_days), or as {month: -3}."""
    unit, last, count = span.unit, span.last, span.count
    if count != 1:
        # The grammar has only whole units that end with the one before the current.
        return f"last_{count}_{unit}s" if last == -1 else {unit: last, "count": count}
    if unit == "day":
        return {0: "today", -1: "yesterday"}.get(last) or {unit: last}
    if last == 0:
        return f"this_{unit}"
    return f"last_{unit}" if last == -1 else {unit: last}


def setting(value: Setting) -> Word:
    """An open setting; secrets stay references."""
    match value:
        case SecretRef():
            return Plain(value)
        case SettingMap():
            return settings(value)
        case tuple():
            return [setting(item) for item in value]
        case None | bool() | int() | str():
            return value
        case _:
            assert_never(value)


def settings(value: SettingMap) -> Words:
    """Open settings in the order written."""
    return {key: setting(item) for key, item in value.items}


def url(value: str | SecretRef | None) -> Word:
    """A url, or the reference to the secret that holds it."""
    return value if value is None or isinstance(value, str) else Plain(value)
