"""Anniversaries of instants in SQL: of which of them clocks showed one of some days.

What the clocks showed is asked only on the days on which it matters, which are few in a year: on
all others it is enough to know the day of UTC.
"""

from sqlalchemy import BigInteger, String, case, literal

from segflow.compiler.clocks import KNOWN_UNTIL, OFFSETS, UNCHANGED_UNTIL, Days, turning_days
from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.dialects.standard import clipped, month_days


def shown_on(time: Expression, offsets: Expression, days: Days, dialect: Dialect) -> Condition:
    """The instant is of one of the days by clocks of which offsets_text() wrote the offsets."""
    in_utc = dialect.shown_day(time, literal(0, BigInteger))
    turning = turning_days(days)
    shown = dialect.shown_day(time, _ahead(time, offsets, dialect))
    # An engine may join a list as a table, and so work out for all rows what is asked of few.
    listed = literal(" ".join(month_days(days)), String)
    return case(
        (in_utc.in_(month_days(turning)), dialect.contains(listed, shown)),
        else_=in_utc.in_(month_days(days)),
    )


def _ahead(time: Expression, offsets: Expression, dialect: Dialect) -> Expression:
    """How many milliseconds the clocks are ahead of UTC."""
    first, last = literal(UNCHANGED_UNTIL, BigInteger), literal(KNOWN_UNTIL, BigInteger)
    since = clipped(dialect.milliseconds(time), first, last) - first
    found = dialect.greatest_below(offsets, (since + 1) * OFFSETS)
    return (found % OFFSETS - OFFSETS // 2) * 1000
