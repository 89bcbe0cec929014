"""Cron expressions of five fields, checked so far that a typing error is found."""

import re

from segflow.loader.shapes import Misfit, Slot

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of the month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days of each month, in a leap year."""
_PART = re.compile(r"(?:\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]{1,3}))?\Z", re.ASCII)


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != 5:
        help = 'minute, hour, day, month, weekday: "0 9 * * *" is every day at 09:00'
        raise Misfit(f"a cron expression has five fields, this one has {len(fields)}", help=help)
    for given, (name, low, high, names) in zip(fields, _FIELDS, strict=True):
        if not all(_is_part(part, low, high, names) for part in given.lower().split(",")):
            raise Misfit(
                f"`{given}` is no {name} of cron", help=f"*, or numbers from {low} to {high}"
            )
    if not _comes(*fields[2:]):
        raise Misfit(
            f"no month of `{fields[3]}` has a day `{fields[2]}`, so it would never come",
            help="name a day that such a month has",
        )
    return " ".join(fields)


def _comes(days: str, months: str, weekdays: str) -> bool:
    """Whether one of the months has such a day. Where neither day field begins with *, the days of
    the week are enough."""
    if not weekdays.startswith("*"):
        return True
    first = min(_members(days, *_FIELDS[2][1:]))
    return any(first <= _LONGEST[month - 1] for month in _members(months, *_FIELDS[3][1:]))


def _members(field: str, low: int, high: int, names: list[str]) -> set[int]:
    """The numbers that a field stands for, every part of which is one."""
    found: set[int] = set()
    for part in field.lower().split(","):
        ends, _, step = part.partition("/")
        first, dash, last = ends.partition("-")
        start = _number(first, low, names) or low
        end = _number(last, low, names) if dash else None if first == "*" or step else start
        found.update(range(start, (high if end is None else end) + 1, int(step or 1)))
    return found


def _is_part(part: str, low: int, high: int, names: list[str]) -> bool:
    match = _PART.match(part)
    if match is None or match[3] == "0" or (match[3] or "").strip("0") == "" and match[3]:
        return False
    ends = [_number(end, low, names) for end in match.groups()[:2] if end is not None]
    return all(end is not None and low <= end <= high for end in ends) and ends == sorted(
        ends, key=lambda end: end or 0
    )


def _number(text: str, low: int, names: list[str]) -> int | None:
    if text in names:
        return names.index(text) + low
    return int(text) if text.isdigit() and len(text) < 4 else None


CRON: Slot[str] = Slot(
    'a cron expression such as "0 9 * * *"',
    lambda node: _cron(node.text),
    {"type": "string"},
    stand_in="",
)
