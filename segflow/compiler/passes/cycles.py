"""Cycles: no segment and no derived field rests on itself; gives the order in which they stand."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from segflow.compiler.codes import CYCLE
from segflow.compiler.passes.draft import Draft
from segflow.compiler.passes.walk import Site, feature_sites
from segflow.model.address import Address
from segflow.model.predicate import FieldFeature, InSegment, Transition
from segflow.model.project import KeyPath


def cycles(draft: Draft) -> Draft:
    """Report every cycle, once, with the names on it; order the segments by what they name."""
    for entity in draft.index.entities.values():
        derived = {
            field.name: tuple(feature_sites(field.derived, (), entity.name))
            for field in entity.fields
            if field.derived is not None
        }
        edges = {name: _fields_named(sites, derived) for name, sites in derived.items()}
        _ordered(edges, _reporter(draft, "field", lambda name: (entity.address, _is(name))))  # noqa: B023
    segments = {
        name: _segments_named(draft.sites[segment.address], draft)
        for name, segment in draft.index.segments.items()
    }
    where: KeyPath = ("where",)
    place = _reporter(draft, "segment", lambda name: (Address("segment", name), where))
    return replace(draft, order=_ordered(segments, place))


def _is(field: str) -> KeyPath:
    return ("fields", field, "is")


def _fields_named(sites: Iterable[Site], derived: Mapping[str, object]) -> tuple[str, ...]:
    names = (site.node.field for site in sites if isinstance(site.node, FieldFeature))
    return tuple(dict.fromkeys(name for name in names if name in derived))


def _segments_named(sites: Iterable[Site], draft: Draft) -> tuple[str, ...]:
    names = (site.node.segment for site in sites if isinstance(site.node, InSegment | Transition))
    return tuple(dict.fromkeys(name for name in names if name in draft.index.segments))


def _reporter(
    draft: Draft, what: str, place: Callable[[str], tuple[Address, KeyPath]]
) -> Callable[[tuple[str, ...]], None]:
    def report(cycle: tuple[str, ...]) -> None:
        address, path = place(cycle[0])
        draft.complain(
            CYCLE,
            address,
            path,
            f"{what} {cycle[0]!r} rests on itself: {' -> '.join(cycle)}",
            help=f"take one of these {what}s out of another's definition",
        )

    return report


def _ordered(
    edges: Mapping[str, tuple[str, ...]], report: Callable[[tuple[str, ...]], None]
) -> tuple[str, ...]:
    """Every name after those it names; a cycle is reported and cut. Without recursion, since
    chains may be longer than Python's stack."""
    done: dict[str, None] = {}
    for root in edges:
        trail: list[str] = []
        pending = [(root, iter(edges[root]))] if root not in done else []
        trail.extend(name for name, _ in pending)
        while pending:
            name, targets = pending[-1]
            target = next((one for one in targets if one not in done), None)
            if target is None:
                done[name] = None
                pending.pop()
                trail.pop()
            elif target in trail:
                report(_smallest_first((*trail[trail.index(target) :],)))
            else:
                pending.append((target, iter(edges[target])))
                trail.append(target)
    return tuple(done)


def _smallest_first(cycle: tuple[str, ...]) -> tuple[str, ...]:
    """One spelling of a cycle, so that it is reported once; its first name also ends it."""
    start = cycle.index(min(cycle))
    return (*cycle[start:], *cycle[:start], cycle[start])
