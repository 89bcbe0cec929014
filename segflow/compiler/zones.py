"""The zones of users: which texts name one, and the ways in which something is resolved in them.

An engine never computes with zones. What is local to users is resolved in every zone that there is;
zones with the same result are one way, and an engine only looks up which way is a user's.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from segflow.compiler.timeline import zone
from segflow.model.catalog import Entity

Resolved = TypeVar("Resolved", bound=Hashable)

_NOT_THE_SAME_EVERYWHERE = frozenset(("localtime", "posixrules"))


@cache
def zone_names() -> frozenset[str]:
    """The texts that name a zone: IANA's, old names too, in exactly that spelling."""
    return frozenset(available_timezones()) - _NOT_THE_SAME_EVERYWHERE


def users_zone(text: object, default: ZoneInfo) -> ZoneInfo:
    """The zone that a user's text names; the default where it names none or is missing."""
    return zone(text) if isinstance(text, str) and text in zone_names() else default


def default_zone(entity: Entity, of_project: ZoneInfo) -> ZoneInfo:
    """The zone of users who have none of their own: their entity's, else the project's."""
    return of_project if entity.timezone_default is None else zone(entity.timezone_default)


@dataclass(frozen=True, slots=True)
class Ways(Generic[Resolved]):
    """What something is resolved to: `default` for most, and for the users of the zones of `others`
    something else, each with the names of its zones, in order."""

    default: Resolved
    others: tuple[tuple[Resolved, tuple[str, ...]], ...] = ()

    def each(self) -> Iterator[Resolved]:
        """Every result, once."""
        yield self.default
        yield from (found for found, _ in self.others)


def ways(
    default: ZoneInfo, resolve: Callable[..., Resolved], *arguments: Hashable
) -> Ways[Resolved]:
    """What `resolve` gives of the arguments and, as the last one, the default zone or any other."""
    found: Ways[Resolved] = _ways(default, resolve, arguments)
    return found


@lru_cache(maxsize=512)
def _ways(
    default: ZoneInfo, resolve: Callable[..., Any], arguments: tuple[Hashable, ...]
) -> Ways[Any]:
    """Kept, since the segments of one refresh ask for the same things at the same instant, and
    there are six hundred zones."""
    usual = resolve(*arguments, default)
    found: dict[Any, list[str]] = {}
    for name in sorted(zone_names()):
        found.setdefault(resolve(*arguments, zone(name)), []).append(name)
    found.pop(usual, None)
    return Ways(usual, tuple((one, tuple(names)) for one, names in found.items()))


@dataclass(frozen=True, slots=True)
class Zones:
    """The zones of one entity's users: the project's, and that of users without one of their own.
    `known` says whether the entity has a field that names them."""

    project: ZoneInfo
    users: ZoneInfo
    known: bool

    def ways(
        self, of_user: bool, resolve: Callable[..., Resolved], *arguments: Hashable
    ) -> Ways[Resolved]:
        """What `resolve` gives of the arguments and, as the last one, the project's zone, or each
        user's."""
        if of_user and self.known:
            return ways(self.users, resolve, *arguments)
        return Ways(resolve(*arguments, self.users if of_user else self.project))


def zones_of(entity: Entity, of_project: ZoneInfo) -> Zones:
    """The zones of the users of an entity."""
    return Zones(of_project, default_zone(entity, of_project), entity.timezone_field is not None)
