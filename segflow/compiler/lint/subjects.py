"""What lint looks at: the typed conditions of a project as they were written, with places."""

from collections.abc import Iterator
from dataclasses import dataclass

from segflow.compiler.passes.draft import Draft, rule_entity
from segflow.compiler.passes.walk import Site, predicate_sites
from segflow.model.address import Address
from segflow.model.compiled import Compiled
from segflow.model.predicate import Aggregate, All, FieldFeature, Predicate
from segflow.model.project import KeyPath


@dataclass(frozen=True, slots=True)
class Root:
    """A whole condition: where it stands, and whose fields and properties it is about."""

    address: Address
    node: Predicate
    path: KeyPath
    entity: str
    events: tuple[str, ...] = ()

    def sites(self) -> Iterator[Site]:
        """Every node of it with its place."""
        return predicate_sites(self.node, self.path, self.entity, self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """A project under lint. `draft` is typed and not normalised, and takes the findings; `files`
    are those in the folders of lists and templates, relative to the project."""

    compiled: Compiled
    draft: Draft
    files: tuple[str, ...]
    roots: tuple[Root, ...]

    def warn(
        self,
        code: str,
        address: Address,
        path: KeyPath,
        summary: str,
        help: str,
        *,
        at_key: bool = False,
    ) -> None:
        """Note a finding about the value at the path, or about the key there."""
        self.draft.complain(
            code, address, path, summary, help=help, severity="warning", at_key=at_key
        )

    def derived(self, entity: str, field: FieldFeature) -> Aggregate | None:
        """The aggregate that a derived field is."""
        declared = self.draft.index.fields[entity].get(field.field)
        feature = None if declared is None else declared.derived
        return feature if isinstance(feature, Aggregate) else None


def roots(draft: Draft) -> Iterator[Root]:
    """Every condition of the project: of segments, rules and populations, and inside of them the
    conditions on events."""
    for root in _outer(draft):
        yield root
        for site in root.sites():
            if isinstance(site.node, Aggregate) and site.node.where is not None:
                path = (*site.path, "where")
                yield Root(root.address, site.node.where, path, site.entity, site.node.events)


def _outer(draft: Draft) -> Iterator[Root]:
    for name, segment in draft.index.segments.items():
        yield Root(segment.address, draft.wheres[name], ("where",), segment.entity)
    for name, rule in draft.index.rules.items():
        audience = draft.audiences[name]
        if rule.where is not None and isinstance(audience, All):
            entity = rule_entity(draft.index, rule)
            yield Root(rule.address, audience.items[1], ("where",), entity)
    for one in draft.entities.values():
        if one.population.where is not None:
            yield Root(one.address, one.population.where, ("population", "where"), one.name)
