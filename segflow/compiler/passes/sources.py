"""The sources that can answer a leaf: they have all that it reads, and can say it exactly."""

from collections.abc import Mapping, Sequence

from segflow.compiler.passes.documents import can_say
from segflow.compiler.passes.draft import Index
from segflow.compiler.passes.reads import reads
from segflow.model.predicate import Feature, Predicate


def sources_with(node: Predicate | Feature, entity: str, index: Index) -> tuple[str, ...]:
    """The sources that have all that a leaf or a feature of an entity reads: the population's own
    before all others, these as they are declared. Of one that reads nothing of the catalog it is
    the population's."""
    home = index.entities[entity].population.source
    places = [read.places for read in reads(node, entity, index)]
    if not places:
        return (home,)
    common = [one for one in places[0] if all(one in others for others in places)]
    return tuple(sorted(common, key=lambda one: one != home))


Wishes = Mapping[str, str]
"""By the name of a field or event the source that it is to be read from."""


def wished(
    sources: Sequence[str],
    node: Predicate | Feature,
    entity: str,
    index: Index,
    wishes: Wishes,
) -> tuple[str, ...]:
    """Those of the sources that what a leaf reads is to be read from, if anything is wished."""
    named = [wishes.get(read.name or "") for read in reads(node, entity, index)]
    return tuple(source for source in sources if all(wish in (None, source) for wish in named))


def sources_of(leaf: Predicate, entity: str, index: Index) -> tuple[str, ...]:
    """Those of sources_with() that can say the leaf."""
    found = sources_with(leaf, entity, index)
    return tuple(one for one in found if one in index.sources and can_say(leaf, entity, one, index))
