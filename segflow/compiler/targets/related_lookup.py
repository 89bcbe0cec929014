"""One user looked up for an explanation with all those that decide by `via` or `members`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select

from segflow.compiler.reference.related import led_entity, relation_of
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.keys import constant_key
from segflow.compiler.targets.lookup import Ask, events_of, look_up_of, read_key, user_of
from segflow.compiler.targets.needs import (
    beyond,
    beyond_one_user,
    inlined_segment,
    own_sites,
)
from segflow.compiler.targets.relations import OTHER, key_pairs
from segflow.compiler.targets.sql import facts_about
from segflow.compiler.worlds import EventRow, User, World
from segflow.errors import UnusableDataError
from segflow.model.catalog import Relation
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import (
    Feature,
    Held,
    InSegment,
    Members,
    Predicate,
    Rank,
    Sql,
    Transition,
    Via,
)

MOST = 50
"""So many users are looked up at most: each costs some queries."""

Asked = Mapping[str, tuple[Predicate, ...]]
"""The predicates that are asked about users, by their entity."""

Leads = Mapping[str, frozenset[tuple[Relation, bool]]]
"""The relations along which they lead on, and whether from the users (`via`) or towards them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """A user with the rows of its events, and `worlds` with everybody that decides, by entity, for
    the leaves in `follows`. Of other leaves about related users nothing is known here."""

    user: User | None
    events: tuple[EventRow, ...]
    worlds: Mapping[str, World] = field(default_factory=dict)
    follows: frozenset[Predicate] = frozenset()


def look_around(compiled: Compiled, name: str, key: Key, ask: Ask) -> Around:
    """Look a user up for a segment, and those that relations lead to, where they are not too many
    and their rows alone decide. Asks nothing of others where no leaf is about them.

    Raises UnusableDataError where a field or a relation has two values, and what `ask` raises.
    """
    segment = compiled.segments[name]
    entity = segment.segment.entity
    others = [leaf for leaf in beyond_one_user(compiled, name) if isinstance(leaf, Via | Members)]
    follows = frozenset(leaf for leaf in others if _is_told_by_rows(leaf, entity, compiled))
    left_out = frozenset(others) - follows
    asked = _asked(compiled, entity, (segment.where,), left_out)
    leads = {of: _leads(found, of, compiled, left_out) for of, found in asked.items()}
    people = _People(compiled, asked, leads, ask)
    if follows and people.gather(entity, key):
        user = people.users[entity][key]
        events = tuple(people.events[entity])
        return Around(user=user, events=events, worlds=people.worlds(), follows=follows)
    lookup = look_up_of(compiled, entity, (segment.where,), key)
    return Around(user=user_of(lookup, ask), events=events_of(lookup, ask))


class _People:
    """The users that are found, and the rows of their events, by entity."""

    def __init__(self, compiled: Compiled, asked: Asked, leads: Leads, ask: Ask) -> None:
        self._compiled = compiled
        self._asked = asked
        self._leads = leads
        self._ask = ask
        self.users: dict[str, dict[Key, User | None]] = {of: {} for of in asked}
        self.events: dict[str, list[EventRow]] = {of: [] for of in asked}

    def gather(self, entity: str, key: Key) -> bool:
        """Look up a user and all that leads on from it; False where they are too many."""
        coming = {(entity, key)}
        while coming:
            if len(coming) + sum(map(len, self.users.values())) > MOST:
                return False
            found = self._look_up(*coming.pop())
            coming |= {(of, one) for of, one in found if one not in self.users[of]}
        return True

    def worlds(self) -> Mapping[str, World]:
        """All that is known of each entity."""
        return {
            of: World(users=tuple(filter(None, found.values())), events=tuple(self.events[of]))
            for of, found in self.users.items()
        }

    def _look_up(self, of: str, key: Key) -> Iterator[tuple[str, Key]]:
        """Look one user up, and give the users that it leads to."""
        lookup = look_up_of(self._compiled, of, self._asked[of], key)
        self.users[of][key] = user = user_of(lookup, self._ask)
        if user is None:
            return
        self.events[of] += events_of(lookup, self._ask)
        related = {one.name: self._led_to(one, key) for one in self._relations_from(of)}
        self.users[of][key] = replace(user, related=related)
        for relation, is_via in self._leads[of]:
            if not is_via:
                yield from ((relation.from_entity, one) for one in self._leading(relation, key))
            elif (other := related[relation.name]) is not None:
                yield relation.to_entity, other

    def _relations_from(self, of: str) -> set[Relation]:
        every = (relation for leads in self._leads.values() for relation, _ in leads)
        return {relation for relation in every if relation.from_entity == of}

    def _led_to(self, relation: Relation, key: Key) -> Key | None:
        rows = self._rows(relation, _pairs(relation, self._compiled, KEY, key))
        if len(rows) > 1:
            entity = self._compiled.entities[relation.from_entity]
            raise UnusableDataError(
                f"source {entity.population.source}: table {entity.population.table} has more than"
                f" one row for key {key}",
                hint="a relation has one value per key: bring the table to one row each by a view",
            )
        return next((read_key(row[OTHER]) for row in rows), None)

    def _leading(self, relation: Relation, key: Key) -> list[Key]:
        pairs = _pairs(relation, self._compiled, OTHER, key).limit(MOST + 1)
        found = (read_key(row[KEY]) for row in self._rows(relation, pairs))
        return [one for one in found if one is not None]

    def _rows(self, relation: Relation, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
        """The rows of a query about those that a relation leads from."""
        source = self._compiled.entities[relation.from_entity].population.source
        return self._ask(source, statement)


def _pairs(relation: Relation, compiled: Compiled, side: str, key: Key) -> Select[Any]:
    """The keys that a relation leads from, with those that it leads to, of which one is known."""
    facts = facts_about(compiled, compiled.entities[relation.from_entity], Instant(0))
    pairs = key_pairs(relation, facts)
    return pairs.where(pairs.selected_columns[side] == constant_key(key, facts.dialect))


# --- what is asked of whom -------------------------------------------------------------------


def _is_told_by_rows(leaf: Via | Members, entity: str, compiled: Compiled) -> bool:
    """Whether the rows of related users tell what the leaf comes to: neither ranks nor queries,
    logs or kept sets are asked about them."""
    other = led_entity(leaf, relation_of(leaf, entity, compiled.project))
    asked = _asked(compiled, other, (leaf.where,))
    predicates = (one for found in asked.values() for one in found)
    nodes = (site.node for one in predicates for site in own_sites(one, compiled))
    return not any(_is_beyond_rows(node, compiled) for node in nodes)


def _is_beyond_rows(node: Predicate | Feature, compiled: Compiled) -> bool:
    match node:
        case InSegment():
            return inlined_segment(node, compiled) is None
        case Rank() | Sql() | Transition() | Held(item=InSegment()):
            return True
        case _:
            return False


def _asked(
    compiled: Compiled,
    entity: str,
    predicates: Iterable[Predicate],
    left_out: frozenset[Predicate] = frozenset(),
) -> Asked:
    """The predicates, those about related users that they lead to, and the conditions of all their
    populations; without what some leaves ask of others."""
    asked: dict[str, dict[Predicate, None]] = {}
    coming = [(entity, one) for one in predicates]
    while coming:
        of, predicate = coming.pop()
        found = asked.setdefault(of, {})
        if predicate in found:
            continue
        found[predicate] = None
        condition = compiled.entities[of].population.where
        coming += [] if condition is None else [(of, condition)]
        for leaf in beyond(predicate, compiled):
            if isinstance(leaf, Via | Members) and leaf not in left_out:
                relation = relation_of(leaf, of, compiled.project)
                coming.append((led_entity(leaf, relation), leaf.where))
    return {of: tuple(found) for of, found in asked.items()}


def _leads(
    predicates: Iterable[Predicate], entity: str, compiled: Compiled, left_out: frozenset[Predicate]
) -> frozenset[tuple[Relation, bool]]:
    """See Leads."""
    leaves = (leaf for one in predicates for leaf in beyond(one, compiled))
    return frozenset(
        (relation_of(leaf, entity, compiled.project), isinstance(leaf, Via))
        for leaf in leaves
        if isinstance(leaf, Via | Members) and leaf not in left_out
    )
