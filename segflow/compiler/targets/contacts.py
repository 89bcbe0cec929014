"""Consents and suppressions in SQL: who agreed to a topic, and who is written to no more."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import FromClause, Select, false, func, or_, select, union

from segflow.compiler.dialects.base import Condition, Dialect, Expression
from segflow.compiler.dialects.standard import FIRST_INSTANT
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.keys import key_of
from segflow.compiler.targets.needs import Suppressed, declared_address, declared_topic
from segflow.compiler.targets.values import Value, compared, not_later, opposite, stored_table
from segflow.model.contact import ConsentTable, SuppressionTable
from segflow.model.predicate import Consent, FieldFeature
from segflow.model.scalar import Const
from segflow.model.types import BOOLEAN, STRING, TIMESTAMP

_GRANTED, _REFUSED, _TEXT = "granted", "refused", "text"


def consent_keys(leaf: Consent, facts: Facts) -> Select[Any]:
    """The users whose last word on the topic is yes; of those of one instant a no is the last. Who
    said nothing goes by the topic's default."""
    topic = declared_topic(leaf.topic, facts.compiled)
    assert topic.at is not None, "the pass `supported` has seen to it"
    words = _last_words(topic.at, topic.name, facts).cte(facts.name(f"{topic.name}_words"))
    yes, no = words.c[_GRANTED], words.c[_REFUSED]
    if topic.default == "denied":
        return select(words.c[KEY]).where(yes.is_not(None), or_(no.is_(None), yes > no))
    users = facts.population()
    everyone = users.outerjoin(words, words.c[KEY] == users.c[KEY])
    return select(users.c[KEY]).select_from(everyone).where(or_(no.is_(None), yes > no))


def _last_words(at: ConsentTable, topic: str, facts: Facts) -> Select[Any]:
    """When each user granted and refused last, missing where that never was."""
    dialect = facts.dialect
    columns = (at.key, at.granted, at.time, at.topic)
    source = stored_table(at.table, filter(None, columns))
    key = key_of(source.c[at.key], facts.entity.key_type, dialect)
    granted = dialect.stored(source.c[at.granted], BOOLEAN)
    moment = _moment(source, at.time, dialect)
    tests = [key.is_not(None), *_up_to(source, at.time, facts)]
    if at.topic is not None:
        tests.append(is_text(source.c[at.topic], topic, dialect))
    return (
        select(
            key.label(KEY),
            dialect.aggregated(func.max, moment, granted).label(_GRANTED),
            dialect.aggregated(func.max, moment, opposite(granted)).label(_REFUSED),
        )
        .where(*tests)
        .group_by(key)
    )


def suppressed_keys(leaf: Suppressed, facts: Facts) -> Select[Any]:
    """The users who are suppressed themselves, or whose address of that name is."""
    found = [
        _by_key(one.at, one.at.key, leaf, facts)
        if one.at.key is not None
        else _by_address(one.at, leaf, facts)
        for one in facts.compiled.project.suppressions(facts.entity.name)
        if one.at is not None
    ]
    if not found:
        return select(facts.population().c[KEY]).where(false())
    every = union(*found).subquery(facts.name("suppressed"))
    return select(every.c[KEY])


def _by_key(at: SuppressionTable, column: str, leaf: Suppressed, facts: Facts) -> Select[Any]:
    source = _rows(at, column)
    key = key_of(source.c[column], facts.entity.key_type, facts.dialect)
    return select(key.label(KEY)).where(key.is_not(None), *_applies(at, source, leaf, facts))


def _by_address(at: SuppressionTable, leaf: Suppressed, facts: Facts) -> Select[Any]:
    dialect, column = facts.dialect, at.address
    assert column is not None, "the loader has seen to it that there is a key or an address"
    source = _rows(at, column)
    listed = dialect.folded(stored_text(source.c[column], dialect))
    texts = select(listed.label(_TEXT)).distinct().where(*_applies(at, source, leaf, facts))
    named = texts.cte(facts.name("addresses"))
    users = facts.population()
    feature = FieldFeature(field=declared_address(leaf.address, facts.compiled).text_field)
    known = facts.joined(users, users.c[KEY], [feature])
    own = dialect.folded(known.values[feature].expression)
    return select(users.c[KEY]).select_from(known.relation.join(named, named.c[_TEXT] == own))


def _rows(at: SuppressionTable, column: str) -> FromClause:
    return stored_table(at.table, filter(None, (column, at.channel, at.time)))


def _applies(
    at: SuppressionTable, source: FromClause, leaf: Suppressed, facts: Facts
) -> Iterator[Condition]:
    """Which rows are in force at the instant, for the address or for all."""
    yield from _up_to(source, at.time, facts)
    if at.channel is not None:
        channel = Value(stored_text(source.c[at.channel], facts.dialect), STRING)
        named = Const(type=STRING, value=leaf.address)
        this = compared("eq", channel, named, facts.dialect, facts.dialect.folded)
        is_empty = is_text(source.c[at.channel], "", facts.dialect)
        yield or_(channel.expression.is_(None), is_empty, this)


def is_text(column: Expression, text: str, dialect: Dialect) -> Condition:
    """The column of texts holds this one."""
    value = Value(stored_text(column, dialect), STRING)
    return compared("eq", value, Const(type=STRING, value=text), dialect, None)


def stored_text(column: Expression, dialect: Dialect) -> Expression:
    """A column as a text."""
    return dialect.stored(column, STRING)


def _moment(source: FromClause, time: str | None, dialect: Dialect) -> Expression:
    """When a row was written; one without a time is older than all others."""
    if time is None:
        return FIRST_INSTANT
    return func.coalesce(dialect.floored(dialect.stored(source.c[time], TIMESTAMP)), FIRST_INSTANT)


def _up_to(source: FromClause, time: str | None, facts: Facts) -> Iterator[Condition]:
    """Which rows were there at the instant."""
    if time is not None:
        moment = facts.dialect.stored(source.c[time], TIMESTAMP)
        yield or_(moment.is_(None), not_later(moment, facts.as_of))
