"""Supported: what the language knows but can't be compiled yet is refused, by the form's name."""

from collections.abc import Iterator, Mapping

from segflow.compiler.codes import TOO_DEEP
from segflow.compiler.passes.draft import Draft
from segflow.compiler.passes.walk import Site
from segflow.model.catalog import Entity, Event, Source
from segflow.model.contact import ConsentTopic, ContactAddress, Suppression
from segflow.model.duration import Duration
from segflow.model.predicate import (
    ContextFeature,
    InSegment,
    Periods,
)
from segflow.model.project import KeyPath
from segflow.model.rule import Rule
from segflow.model.segment import OnStream

_TIMED = ("postgres", "mysql", "clickhouse", "spark", "elasticsearch")
"""Engines that end a query that takes too long."""

LEVELS = 64
"""How deep a predicate may be with its nested segments in their places: queries are built and read
by recursion, in segflow and in engines."""

MOST_PERIODS = 400
"""Each period is a column of a query, and engines have no more than some hundreds of them."""

NEARER = "name a nearer segment, or take the last snapshot of one with `as: snapshot`"

Finding = tuple[KeyPath, str]
"""Where the form stands, and its name."""


def supported(draft: Draft) -> Draft:
    """Report every form that can't be compiled yet."""
    for found in draft.project:
        if isinstance(found, Source):
            _source(draft, found)
        for path, form in _of_object(found):
            draft.refuse(found.address, path, form)
        if isinstance(found, ConsentTopic | Suppression | ContactAddress):
            _in_a_source(draft, found)
    for segment in draft.index.segments.values():
        if isinstance(segment.refresh, OnStream):
            draft.refuse(segment.address, ("refresh",), "`refresh: stream`")
    for address, sites in draft.sites.items():
        for site in sites:
            for path, form in _of_site(site):
                draft.refuse(address, path, form)
    _not_too_deep(draft)
    return draft


# --- predicates ------------------------------------------------------------------------------


def _of_site(site: Site) -> Iterator[Finding]:
    node, path = site.node, site.path
    match node:
        case Periods(last=last) if last > MOST_PERIODS:
            yield (*path, "periods", "last"), f"a leaf with more than {MOST_PERIODS} periods"
        case ContextFeature():
            yield (*path, "context"), "`context`"
        case _:
            pass


def _not_too_deep(draft: Draft) -> None:
    levels: dict[str, int] = {}
    for name in draft.order:
        segment = draft.index.segments[name]
        sites = draft.sites[segment.address]
        levels[name] = max(_level(site.path) + _below(draft, site.node, levels) for site in sites)
        if levels[name] > LEVELS:
            levels[name] = 0  # whatever rests on it is not reported again
            draft.complain(
                TOO_DEEP,
                segment.address,
                ("where",),
                f"segment {name!r} and those it rests on are more than {LEVELS} levels deep",
                help=NEARER,
            )
    for rule in draft.index.rules.values():
        if _audience_level(draft, rule, levels) > LEVELS:
            draft.complain(
                TOO_DEEP,
                rule.address,
                ("segment",),
                f"the audience of rule {rule.name!r} is more than {LEVELS} levels deep",
                help=NEARER,
            )


def _audience_level(draft: Draft, rule: Rule, levels: Mapping[str, int]) -> int:
    """How deep the rule's segment is together with its `where`, as two items of one list; 0 for a
    rule without a `where`, whose audience is the segment."""
    segment = _below(draft, InSegment(segment=rule.segment), levels)
    inside = [
        _level(site.path) + _below(draft, site.node, levels)
        for site in draft.sites[rule.address]
        if site.path[:1] == ("where",)
    ]
    return 1 + max([segment, *inside]) if inside else 0


def _level(path: KeyPath) -> int:
    return sum(1 for step in path if step in ("all", "any", "none", "not"))


def _below(draft: Draft, node: object, levels: Mapping[str, int]) -> int:
    """How deep the segment that stands for the node is."""
    if not isinstance(node, InSegment) or node.snapshot:
        return 0
    nested = draft.index.segments.get(node.segment)
    return 1 + levels.get(node.segment, 0) if nested and nested.mode == "dynamic" else 0


# --- the catalog -----------------------------------------------------------------------------


def _in_a_source(draft: Draft, one: ConsentTopic | Suppression | ContactAddress) -> None:
    """The state database, which is meant where no table is named, holds none of them yet."""
    if one.at is None and not (isinstance(one, ContactAddress) and one.field is not None):
        kind = one.address.kind
        help = "name the table of a source under `at:`"
        if kind == "address":
            help += ", or a field under `field:`"
        draft.refuse(one.address, (kind,), f"`{kind}` in the state database", help)


def _of_object(found: object) -> Iterator[Finding]:
    match found:
        case Entity():
            yield from _of_entity(found)
        case Event():
            yield from _of_event(found)
        case _:
            pass


def _source(draft: Draft, source: Source) -> None:
    engine, replica, limits = source.engine, source.replica, source.limits
    if replica is not None and engine != "postgres":
        help = "replicas of postgres are read, which tell how far they are behind"
        draft.refuse(source.address, ("replica",), f"`replica` of {engine}", help)
    elif replica is not None and _in_months(replica.max_lag):
        draft.refuse(source.address, ("replica", "max_lag"), "a lag of months")
    if limits is None:
        return
    if limits.timeout is not None and engine not in _TIMED:
        help = "it runs inside of segflow, where nobody else waits for it"
        draft.refuse(source.address, ("limits", "timeout"), f"`timeout` of {engine}", help)
    elif _in_months(limits.timeout):
        draft.refuse(source.address, ("limits", "timeout"), "a timeout of months")
    if limits.rows is not None and source.has_documents:
        help = "it is asked for sets of users, which are put together from many questions"
        draft.refuse(source.address, ("limits", "rows"), f"`rows` of {engine}", help)


def _in_months(duration: Duration | None) -> bool:
    return duration is not None and duration.milliseconds is None


def _of_entity(entity: Entity) -> Iterator[Finding]:
    if entity.key_type == "integer" and entity.ordinals == "dictionary":
        yield ("key", "ordinals"), "`ordinals: dictionary`"


def _of_event(event: Event) -> Iterator[Finding]:
    if event.stream is not None:
        yield ("stream",), "`stream`"
