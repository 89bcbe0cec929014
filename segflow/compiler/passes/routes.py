"""Routes: one source can answer each leaf: it has all that the leaf reads, and can say it."""

from collections.abc import Iterable, Iterator, Sequence

from segflow.compiler.codes import NOT_THERE, NOT_YET, TWO_SOURCES, UNKNOWN
from segflow.compiler.passes.documents import refusals
from segflow.compiler.passes.draft import Draft, nearest, rule_entity
from segflow.compiler.passes.reads import reads, sites_below
from segflow.compiler.passes.sources import sources_of, sources_with, wished
from segflow.compiler.passes.walk import Site, sites
from segflow.compiler.templates import names_used
from segflow.model.address import Address
from segflow.model.predicate import (
    All,
    AnyOf,
    Changed,
    Everyone,
    Feature,
    FieldFeature,
    InSegment,
    NoneOf,
    Not,
    Sql,
)
from segflow.model.project import KeyPath
from segflow.model.rule import Rule
from segflow.model.segment import Segment

_COMBINED = All | AnyOf | NoneOf | Not | Everyone | InSegment
_Torn = frozenset[tuple[str, str]]
"""Fields, by entity and name, of which no source has both the values and the history."""


def routes(draft: Draft) -> Draft:
    """Report each leaf that no source can answer: because none has all that it reads, or because
    those that do can't say it; and messages with fields that no source gives."""
    torn = frozenset(_torn_fields(draft))
    for address, found in draft.sites.items():
        for site in leaf_sites(found):
            if site.entity in draft.index.entities:
                _check(draft, address, site, torn)
    for segment in draft.index.segments.values():
        _wishes(draft, segment)
    for rule in draft.index.rules.values():
        _messages(draft, rule)
    return draft


def leaf_sites(found: Iterable[Site]) -> Iterator[Site]:
    """What all, any, none, not and nested segments combine, and the features of derived fields,
    without all that is below them."""
    above: Sequence[object] | None = None
    for site in found:
        if above and tuple(site.path[: len(above)]) == tuple(above):
            continue
        if not site.events and not isinstance(site.node, _COMBINED):
            above = site.path
            yield site


def _torn_fields(draft: Draft) -> Iterator[tuple[str, str]]:
    for entity in draft.index.entities.values():
        for field in entity.fields:
            if not field.at or field.history is None:
                continue
            leaf = FieldFeature(field=field.name)
            if not sources_with(leaf, entity.name, draft.index):
                path: KeyPath = ("fields", field.name, "history", "source")
                _complain(draft, entity.address, Site(leaf, path, entity.name), None)
                yield entity.name, field.name


def _check(draft: Draft, address: Address, site: Site, torn: _Torn) -> None:
    index, home = draft.index, draft.index.entities[site.entity].population.source
    having = sources_with(site.node, site.entity, index)
    is_population = address.kind == "entity" and site.path[:1] == ("population",)
    if is_population:
        having = tuple(one for one in having if one == home)
    if not having:
        if not _rests_on(site, torn, draft):
            _complain(draft, address, site, home if is_population else None)
    elif isinstance(site.node, Feature) or not set(having) <= index.sources.keys():
        return  # it is judged where it is asked for; or it is reported where it is declared
    elif isinstance(site.node, Sql):
        _check_query(draft, address, site, site.node)
    elif set(sources_of(site.node, site.entity, index)).isdisjoint(having):
        _refuse(draft, address, site, having[0])


def _rests_on(site: Site, torn: _Torn, draft: Draft) -> bool:
    return any(
        (below.entity, below.node.field) in torn
        for below in sites_below(site.node, site.entity, draft.index)
        if isinstance(below.node, FieldFeature | Changed)
    )


def _complain(draft: Draft, address: Address, site: Site, needed: str | None) -> None:
    """That no source has all that a leaf reads; what a population rests on is in its own."""
    places = {read.what: read.places for read in reads(site.node, site.entity, draft.index)}
    if any(source not in draft.index.sources for found in places.values() for source in found):
        return  # which is reported where it is declared
    lying = [
        f"{what} lies in source {' and '.join(map(repr, found))}"
        for what, found in places.items()
        if needed is None or needed not in found
    ]
    if needed is None:
        summary = f"no source has all that this asks for: {'; '.join(lying)}"
        help = "give one of them a second place under `at:`, or ask in leaves of their own"
    else:
        summary = f"{'; '.join(lying)}, the population in {needed!r}"
        help = f"what a population rests on must be in its source: bring it into {needed}"
    draft.complain(TWO_SOURCES, address, site.path, summary, help=help)


def _refuse(draft: Draft, address: Address, site: Site, source: str) -> None:
    """Why a source of documents can't answer a leaf, at each place in it."""
    for one in sites(site.node, site.path, site.entity, draft.index.related):
        for reason in refusals(draft.index, one, source):
            draft.complain(
                NOT_YET,
                address,
                one.path,
                f"{reason.form} can't be asked of Elasticsearch",
                at_key=True,
                detail=reason.why,
                help=reason.help,
            )


def _check_query(draft: Draft, address: Address, site: Site, leaf: Sql) -> None:
    source = draft.index.sources.get(leaf.source)
    if source is not None and source.has_documents:
        draft.complain(
            NOT_YET,
            address,
            site.path,
            "`sql` can't be asked of Elasticsearch",
            at_key=True,
            detail="Elasticsearch is asked in its own query language",
            help="name a source of SQL",
        )


def _wishes(draft: Draft, segment: Segment) -> None:
    """Report names that `read_from` can't choose for, and sources that it can't choose."""
    fields = draft.index.fields.get(segment.entity)
    if fields is None:
        return
    for name, source in segment.read_from:
        path = ("read_from", name)
        if name in fields:
            places = [at.source for at in fields[name].at]
        elif name in draft.index.events:
            places = [at.source for at in draft.index.events[name].tables]
        else:
            near = nearest(name, [*fields, *draft.index.events])
            draft.complain(
                UNKNOWN,
                segment.address,
                path,
                f"there is no field or event {name!r}",
                at_key=True,
                help=f"did you mean `{near}`?" if near else "name one that the segment asks for",
            )
            continue
        if source and source not in places:
            draft.complain(
                NOT_THERE,
                segment.address,
                path,
                f"{name!r} does not lie in source {source!r}",
                help=f"it lies in {' and '.join(places)}" if places else "it is derived",
            )
        elif source:
            _check_wish(draft, segment, name, source)


def _check_wish(draft: Draft, segment: Segment, name: str, source: str) -> None:
    """Report the first leaf of the segment that can't be answered as it is wished."""
    index, wishes = draft.index, {name: source}
    for site in leaf_sites(draft.sites[segment.address]):
        assert not isinstance(site.node, Feature), "a segment is made of leaves"
        found = sources_of(site.node, segment.entity, index)
        if found and not wished(found, site.node, segment.entity, index, wishes):
            draft.complain(
                NOT_THERE,
                segment.address,
                ("read_from", name),
                f"a leaf that asks for {name!r} can't be answered by source {source!r}",
                help=f"leave it out: {' and '.join(found)} can",
            )
            return


def _messages(draft: Draft, rule: Rule) -> None:
    entity = rule_entity(draft.index, rule)
    for path, actions in rule.sends():
        for number, action in enumerate(actions):
            file = draft.project.files.get(action.template_path or "")
            uses = () if file is None else names_used(file.text)
            named = dict.fromkeys(use.name for use in uses if use.scope == "user")
            if any(_is_in_documents(name, entity, draft) for name in named):
                draft.complain(
                    NOT_YET,
                    rule.address,
                    (*path, number, "template"),
                    "a message with fields of users can't be filled in from Elasticsearch",
                    detail="it is asked for sets of users, and not for their fields",
                    help="name no field that is in Elasticsearch only",
                )


def _is_in_documents(field: str, entity: str, draft: Draft) -> bool:
    """Whether no source has the values of a field but those that give no rows."""
    if entity not in draft.index.entities or field not in draft.index.fields[entity]:
        return False
    sources = sources_with(FieldFeature(field=field), entity, draft.index)
    known = [draft.index.sources[one] for one in sources if one in draft.index.sources]
    return bool(known) and len(known) == len(sources) and all(one.has_documents for one in known)
