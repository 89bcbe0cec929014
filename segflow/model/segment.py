"""Segments: a named predicate over one entity, and how its members are kept."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from segflow.model.address import Address
from segflow.model.duration import Duration
from segflow.model.predicate import Predicate
from segflow.model.trial import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Refresh at a fixed distance."""

    duration: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Refresh by a five-field cron expression in an IANA zone (None: the project's)."""

    expression: str
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnStream:
    """Refresh as events arrive."""


Refresh = Every | Cron | OnStream
DEFAULT_REFRESH = Every(duration=Duration(count=1, unit="h"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Protect:
    """Limits that stop a change: `max_change` percent of the size before, `max_size` members after,
    and no deletion while `prevent_destroy`."""

    max_change: Decimal | None = None
    max_size: int | None = None
    prevent_destroy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A user group as a query. `static` ones are frozen at their first apply. `read_from` pairs
    names of fields and events with the sources that they are to be read from.

    Its tests are no part of what it is: segments that differ in them alone are equal, and neither
    state nor plans hold them.
    """

    name: str
    entity: str
    where: Predicate
    description: str | None = None
    owner: str | None = None
    mode: Literal["dynamic", "static"] = "dynamic"
    refresh: Refresh = DEFAULT_REFRESH
    protect: Protect = Protect()
    read_from: tuple[tuple[str, str], ...] = ()
    tests: tuple[Trial, ...] = field(default=(), compare=False)

    @property
    def address(self) -> Address:
        """segment.<name>"""
        return Address("segment", self.name)
