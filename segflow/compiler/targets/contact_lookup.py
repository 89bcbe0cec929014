"""One user's consents and suppressions looked up: the queries for the rows that may be theirs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Select, String, cast, null, select, union_all

from segflow.compiler.dialects.base import UTC_TIMESTAMP, Expression
from segflow.compiler.storage import place_of_field
from segflow.compiler.targets.contacts import is_text, stored_text
from segflow.compiler.targets.events import TIME
from segflow.compiler.targets.facts import Facts
from segflow.compiler.targets.keys import has_key
from segflow.compiler.targets.needs import declared_address, declared_field, declared_topic
from segflow.compiler.targets.stored import value_in
from segflow.compiler.targets.values import stored_table
from segflow.compiler.worlds import ConsentRow, SuppressionRow
from segflow.model.contact import Suppression
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import FieldFeature
from segflow.model.types import BOOLEAN, TIMESTAMP

_GRANTED, _ADDRESS, _CHANNEL, _REASON = "granted", "address", "channel", "reason"


def consent_rows(facts: Facts, key: Key, name: str) -> Select[Any]:
    """Every row about the topic and the user, read by consent_row()."""
    at, dialect = declared_topic(name, facts.compiled).at, facts.dialect
    assert at is not None, "the pass `supported` has seen to it"
    columns = filter(None, (at.key, at.granted, at.time, at.topic))
    source = stored_table(at.table, columns)
    tests = [has_key(source.c[at.key], key, dialect)]
    if at.topic is not None:
        tests.append(is_text(source.c[at.topic], name, dialect))
    granted = dialect.stored(source.c[at.granted], BOOLEAN)
    time = _time(None if at.time is None else source.c[at.time], facts)
    return select(time, granted.label(_GRANTED)).where(*tests)


def consent_row(row: Mapping[str, Any], time: Instant | None) -> ConsentRow:
    """A row of consent_rows(), whose time is `time`."""
    granted = row[_GRANTED]
    return ConsentRow(time, None if granted is None else bool(granted))


def suppression_rows(
    facts: Facts, key: Key, one: Suppression, addresses: Iterable[str]
) -> Select[Any]:
    """Every row of the user or of one of the user's addresses of those names, as they are or ever
    were, read by suppression_row()."""
    at, dialect = one.at, facts.dialect
    assert at is not None, "the pass `supported` has seen to it"
    columns = (at.key, at.address, at.channel, at.reason, at.time)
    source = stored_table(at.table, filter(None, columns))

    def text(column: str | None) -> Expression:
        return cast(null(), String) if column is None else stored_text(source.c[column], dialect)

    if at.key is not None:
        mine = has_key(source.c[at.key], key, dialect)
    else:
        own = [one for name in addresses for one in _own_addresses(facts, key, name)]
        mine = dialect.folded(text(at.address)).in_(union_all(*own))
    return select(
        _time(None if at.time is None else source.c[at.time], facts),
        text(at.address).label(_ADDRESS),
        text(at.channel).label(_CHANNEL),
        text(at.reason).label(_REASON),
    ).where(mine)


def suppression_row(row: Mapping[str, Any], time: Instant | None) -> SuppressionRow:
    """A row of suppression_rows(), whose time is `time`."""
    return SuppressionRow(time, row[_ADDRESS], row[_CHANNEL], row[_REASON])


def _time(column: Expression | None, facts: Facts) -> Expression:
    if column is None:
        return cast(null(), UTC_TIMESTAMP).label(TIME)
    return facts.dialect.floored(facts.dialect.stored(column, TIMESTAMP)).label(TIME)


def _own_addresses(facts: Facts, key: Key, name: str) -> Iterator[Select[Any]]:
    """The texts of the user's address now, and those that its history knows."""
    feature = FieldFeature(field=declared_address(name, facts.compiled).text_field)
    field, dialect = declared_field(feature, facts.entity), facts.dialect
    table, owner, storage = place_of_field(field, facts.entity)
    source = stored_table(table, (owner, storage.column))
    now = dialect.folded(value_in(source, storage, dialect))
    yield select(now).where(has_key(source.c[owner], key, dialect))
    if (history := field.history) is not None:
        source = stored_table(history.table, (history.key, history.column))
        then = dialect.folded(stored_text(source.c[history.column], dialect))
        yield select(then).where(has_key(source.c[history.key], key, dialect))
