"""`sql:` leaves: the keys that a query of a person gives, asked by itself.

Within a larger statement its tables could be taken for ours; and the query may be one of another
source.
"""

from typing import NamedTuple

from sqlalchemy import bindparam, column, select, text

from segflow.compiler.dialects import dialect_of
from segflow.compiler.dialects.base import UTC_TIMESTAMP, Expression
from segflow.compiler.targets.events import KEY
from segflow.compiler.targets.keys import key_of
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, datetime_of
from segflow.model.keys import KeyType
from segflow.model.predicate import Sql
from segflow.ports import Selection


class KeyQuery(NamedTuple):
    """A leaf, and the type of the keys that its query gives."""

    leaf: Sql
    key_type: KeyType


def select_query(asked: KeyQuery, compiled: Compiled, as_of: Instant) -> Selection:
    """The query for the keys, each once; a missing one is nobody's."""
    from segflow.compiler.queries import AS_OF, read_query  # slow to import, seldom needed

    leaf = asked.leaf
    source = compiled.project.source(leaf.source)
    assert source is not None
    query = read_query(leaf.query, source.engine)
    written = text(query.text)
    if query.binds:
        instant = bindparam(AS_OF, datetime_of(as_of), UTC_TIMESTAMP, unique=True)
        written = written.bindparams(instant)
    found = written.columns(column(query.column)).subquery("query")
    given: Expression = found.c[query.column]
    key = key_of(given, asked.key_type, dialect_of(source.engine))
    statement = select(key.label(KEY)).where(given.is_not(None)).distinct()
    return Selection(source=leaf.source, statement=statement, key_type=asked.key_type)
