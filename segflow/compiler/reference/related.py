"""Related users of other entities: the one that a key leads to, and those whose keys lead here."""

from collections.abc import Callable, Mapping

from segflow.compiler.values import count_satisfies
from segflow.compiler.worlds import NotSupportedError, Subject
from segflow.model.catalog import Relation
from segflow.model.keys import Key
from segflow.model.predicate import Members, Predicate, Via

Holds = Callable[[Predicate, Subject], bool]
People = Mapping[Key, Subject]
"""The users of an entity that exist at T, by key."""


def via_holds(leaf: Via, subject: Subject, people: Callable[[str], People], holds: Holds) -> bool:
    """The one related user exists and satisfies the predicate."""
    relation = subject.context.compiled.project.relation(leaf.relation)
    if relation is None:
        raise NotSupportedError(f"there is no relation {leaf.relation}")
    led_to = _led_to(subject, relation)
    other = None if led_to is None else people(relation.to_entity).get(led_to)
    return other is not None and holds(leaf.where, other)


def members_hold(
    leaf: Members, subject: Subject, people: Callable[[str], People], holds: Holds
) -> bool:
    """So many of those whose key leads here satisfy the predicate; of `every`, all and one."""
    context = subject.context
    (relation,) = context.compiled.project.relations_between(leaf.entity, context.entity.name)
    here = subject.user.key
    related = [one for one in people(leaf.entity).values() if _led_to(one, relation) == here]
    holding = sum(holds(leaf.where, one) for one in related)
    if leaf.every:
        return holding == len(related) > 0
    return all(count_satisfies(test.op, holding, test.count) for test in leaf.counts)


def _led_to(subject: Subject, relation: Relation) -> Key | None:
    return subject.user.related.get(relation.name)
