"""Related users of other entities: the one that a key leads to, and those whose keys lead here."""

from collections.abc import Callable, Mapping, Sequence

from segflow.compiler.values import count_satisfies
from segflow.compiler.worlds import NotSupportedError, Subject
from segflow.model.catalog import Relation
from segflow.model.keys import Key
from segflow.model.predicate import Members, Predicate, Via
from segflow.model.project import Project

Holds = Callable[[Predicate, Subject], bool]
People = Mapping[Key, Subject]
"""Users of an entity, by key."""


def via_holds(leaf: Via, related: Sequence[Subject], holds: Holds) -> bool:
    """The one related user exists and satisfies the predicate."""
    return any(holds(leaf.where, one) for one in related)


def members_hold(leaf: Members, related: Sequence[Subject], holds: Holds) -> bool:
    """So many of those whose key leads here satisfy the predicate; of `every`, all and one."""
    holding = sum(holds(leaf.where, one) for one in related)
    if leaf.every:
        return holding == len(related) > 0
    return all(count_satisfies(test.op, holding, test.count) for test in leaf.counts)


def related_entity(leaf: Via | Members, subject: Subject) -> str:
    """The entity of the related users."""
    return led_entity(leaf, _relation(leaf, subject))


def related_to(leaf: Via | Members, subject: Subject, people: People) -> list[Subject]:
    """Those of the people, who are of that entity, that the user's key leads to, which is one at
    most, or whose keys lead to the user."""
    relation = _relation(leaf, subject)
    if isinstance(leaf, Members):
        return [one for one in people.values() if _led_to(one, relation) == subject.user.key]
    key = _led_to(subject, relation)
    return [] if key is None or key not in people else [people[key]]


def led_entity(leaf: Via | Members, relation: Relation) -> str:
    """The entity at the other end of the relation that a leaf goes along."""
    return relation.to_entity if isinstance(leaf, Via) else relation.from_entity


def relation_of(leaf: Via | Members, entity: str, project: Project) -> Relation:
    """The relation that a leaf about users of an entity goes along."""
    if isinstance(leaf, Members):
        (between,) = project.relations_between(leaf.entity, entity)
        return between
    relation = project.relation(leaf.relation)
    if relation is None:
        raise NotSupportedError(f"there is no relation {leaf.relation}")
    return relation


def _relation(leaf: Via | Members, subject: Subject) -> Relation:
    return relation_of(leaf, subject.context.entity.name, subject.context.compiled.project)


def _led_to(subject: Subject, relation: Relation) -> Key | None:
    return subject.user.related.get(relation.name)
