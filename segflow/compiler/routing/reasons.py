"""Why a source is asked for a part: what it does, has, or costs."""

from collections.abc import Iterator, Mapping

from segflow.compiler.passes.reads import reads
from segflow.compiler.routing.route import Part, Router, leaves
from segflow.model.predicate import Predicate
from segflow.model.wording_cost import duration


def why(router: Router, part: Part, dearer: Mapping[Predicate, str]) -> str:
    """Why a source is asked for a part, in words that follow "which"; `dearer` is of the segment
    that it is a part of, see Router."""
    return ", and ".join([_what_it_has(router, part), *_why_cheaper(router, part, dearer)])


def _what_it_has(router: Router, part: Part) -> str:
    home = router.compiled.entities[part.entity].population.source
    having: dict[str, None] = {}
    elsewhere = False
    for leaf in leaves(part.where, router.compiled):
        for read in reads(leaf, part.entity, router.index):
            having[read.what] = None
            elsewhere |= home not in read.places
    what = ", ".join(having)
    if part.source == home:
        population = f"has the population of {part.entity}"
        return f"{population}, and {what}" if what else population
    return f"has {what}" + (f", which source.{home} has not" if elsewhere else "")


def _why_cheaper(router: Router, part: Part, dearer: Mapping[Predicate, str]) -> Iterator[str]:
    """Of what would be read elsewhere by order: what it costs here, and what there."""
    moved: dict[str, list[Predicate]] = {}
    for leaf in leaves(part.where, router.compiled):
        if leaf in dearer:
            moved.setdefault(dearer[leaf], []).append(leaf)
    for other, found in moved.items():
        here = router.price(found, part.entity, part.source)
        there = router.price(found, part.entity, other)
        assert here is not None and there is not None, "what was not measured turns no choice"
        yield (
            f"takes about {duration(here)} for a segment where source.{other} takes about"
            f" {duration(there)}, as it was measured"
        )
