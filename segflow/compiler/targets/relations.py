"""Users of related entities in SQL: the one that a key leads to, and those whose keys lead here."""

from typing import Any

from sqlalchemy import FromClause, Select, and_, func, select

from segflow.compiler.reference.related import relation_of
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.keys import key_of
from segflow.compiler.targets.numbers import NUMBER, keys_by_number
from segflow.compiler.targets.values import stored_table
from segflow.model.catalog import Relation
from segflow.model.predicate import Members, Via
from segflow.ports import KeyColumn

OTHER = "other"


def via_keys(leaf: Via, facts: Facts) -> Select[Any]:
    """The users whose related one is of its population and satisfies the predicate."""
    relation = relation_of(leaf, facts.entity.name, facts.compiled.project)
    pairs = _pairs(relation, facts)
    inside = facts.of_entity(relation.to_entity).keys(leaf.where).cte(facts.name(relation.name))
    return select(pairs.c[KEY]).where(pairs.c[OTHER].in_(select(inside.c[KEY]))).distinct()


def members_keys(leaf: Members, facts: Facts) -> Select[Any]:
    """The users to whom as many of the other entity's population lead, with the predicate true."""
    relation = relation_of(leaf, facts.entity.name, facts.compiled.project)
    pairs = _pairs(relation, facts)
    there = facts.of_entity(leaf.entity)
    inside = there.keys(leaf.where).cte(facts.name(leaf.entity))
    number = _related(pairs, inside, facts, "holding")
    if not leaf.every:
        return keys_by_number(number, leaf.counts, facts)
    everyone = there.everyone().cte(facts.name(f"every_{leaf.entity}"))
    every = _related(pairs, everyone, facts, "related")
    alike = and_(every.c[KEY] == number.c[KEY], every.c[NUMBER] == number.c[NUMBER])
    return select(number.c[KEY]).select_from(number.join(every, alike))


def _related(pairs: FromClause, inside: FromClause, facts: Facts, name: str) -> FromClause:
    """How many of those inside lead to each user; who has none has no row."""
    return (
        select(pairs.c[OTHER].label(KEY), func.count().label(NUMBER))
        .select_from(pairs.join(inside, inside.c[KEY] == pairs.c[KEY]))
        .group_by(pairs.c[OTHER])
        .cte(facts.name(name))
    )


def _pairs(relation: Relation, facts: Facts) -> FromClause:
    """The keys of the entity that a relation leads from, with those that it leads to. They stand in
    the table of the population, which has one row per key where it does."""
    here = facts.compiled.entities[relation.from_entity]
    of = KeyColumn(here.population.table, here.population.key, here.key_type)
    facts.one_row[of] = None
    found = key_pairs(relation, facts)
    known = (one.is_not(None) for one in found.selected_columns)
    return found.where(*known).cte(facts.name(f"{relation.name}_of"))


def key_pairs(relation: Relation, facts: Facts) -> Select[Any]:
    """The same as they are stored, missing ones, too: KEY is what leads, OTHER what it leads to."""
    here = facts.compiled.entities[relation.from_entity]
    there = facts.compiled.entities[relation.to_entity]
    source = stored_table(here.population.table, (here.population.key, relation.from_column))
    key = key_of(source.c[here.population.key], here.key_type, facts.dialect)
    other = key_of(source.c[relation.from_column], there.key_type, facts.dialect)
    return select(key.label(KEY), other.label(OTHER))
