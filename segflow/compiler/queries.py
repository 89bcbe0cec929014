"""`sql:` leaves: SQL that a person wrote, parsed, so that no more than one reading SELECT is run.

What is run is written anew from what was parsed: comments are gone, and with them what engines read
into some. The engine's own lock (no writing, no other files) stands behind this one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

AS_OF = "as_of"
"""The one parameter that a query may bind: the instant T."""

_DIALECTS = {
    "duckdb": "duckdb",
    "sqlite": "sqlite",
    "postgres": "postgres",
    "mysql": "mysql",
    "clickhouse": "clickhouse",
}

# Functions that make rows of nothing but their arguments.
_ROWS = (exp.Unnest, exp.GenerateSeries, exp.Values)
_ROW_NAMES = {"range", "generate_series", "unnest", "json_each", "jsonb_array_elements"}

# Readers of files, of the network and of the server's inside, writers, and those that wait.
_FORBIDDEN = re.compile(
    r"(pg_|lo_|dblink|query_to_|table_to_|schema_to_|database_to_|read|write|load|http|file|glob$"
    r"|getenv|set_config|current_setting|nextval|setval|sleep|benchmark|.*_lock|.*_scan$|system|shell"
    r"|txid_|inet_|edit$|attach|export|import|copy)",
    re.IGNORECASE,
)
_WRITES = (exp.DML, exp.DDL, exp.Command, exp.Copy, exp.Into, exp.Set, exp.Lock)
_MARK = "segflow_as_of_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that may be run. `text` binds :as_of where `binds` says so, all other colons in it
    are escaped with a backslash; `column` is the name of its one column."""

    text: str
    column: str
    binds: bool


class RefusedQueryError(ValueError):
    """A query that is not run; str() says why, `hint` what to do."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


def read_query(text: str, engine: str) -> Query:
    """The one SELECT that the text is, in the words of an engine of the catalog.

    Raises RefusedQueryError.
    """
    select = _parsed(text, engine)
    for found in select.walk():
        _refuse_part(found)
    (name, *more) = select.named_selects or [""]
    if more or name in ("", "*"):
        raise RefusedQueryError(
            "it must give one column, with a name",
            "select the key alone, for example: select customer_id from …",
        )
    binds = False
    for placeholder in list(_placeholders(select)):
        binds = True
        placeholder.replace(exp.column(_MARK))
    written = select.sql(dialect=_DIALECTS.get(engine), comments=False, identify=False)
    plain = written.replace("\\", "\\\\") if "\\:" in written else written
    plain = plain.replace(":", "\\:").replace(_MARK, f":{AS_OF}")
    return Query(text=plain, column=name, binds=binds)


def _parsed(text: str, engine: str) -> exp.Query:
    try:
        found = [one for one in sqlglot.parse(text, dialect=_DIALECTS.get(engine)) if one]
    except SqlglotError as error:
        (first, *_) = str(error).splitlines() or [""]
        raise RefusedQueryError(f"it can't be read: {first}", "write one SELECT") from error
    if len(found) != 1:
        raise RefusedQueryError(f"it has {len(found)} statements", "write one SELECT")
    (statement,) = found
    if not isinstance(statement, exp.Query):
        raise RefusedQueryError("it is no SELECT", "a segment only reads")
    return statement


def _placeholders(select: exp.Query) -> Iterator[exp.Expression]:
    yield from select.find_all(exp.Placeholder, exp.Parameter)


def _refuse_part(found: exp.Expr) -> None:
    if isinstance(found, _WRITES):
        raise RefusedQueryError("it does more than read", "a segment only reads")
    if isinstance(found, exp.Placeholder | exp.Parameter) and found.name != AS_OF:
        raise RefusedQueryError(
            f"it binds {found.name or '?'!r}", f"the instant :{AS_OF} is all that is bound"
        )
    if isinstance(found, exp.Table):
        _refuse_table(found)
    if isinstance(found, exp.Func):
        name = found.name if isinstance(found, exp.Anonymous) else found.sql_name()
        if _FORBIDDEN.match(name):
            raise RefusedQueryError(
                f"it calls {name.lower()}", "read the tables of the source, no files or servers"
            )


def _refuse_table(table: exp.Table) -> None:
    inside = table.this
    if isinstance(inside, exp.Func) and not isinstance(inside, _ROWS):
        name = inside.name if isinstance(inside, exp.Anonymous) else inside.sql_name()
        if name.lower() not in _ROW_NAMES:
            raise RefusedQueryError(
                f"it reads from {name.lower()}(…)", "read the tables of the source"
            )
    if re.search(r"[/\\:]|\.\w+$", table.name):
        raise RefusedQueryError(
            f"it reads the file {table.name!r}", "name the file under the source's `tables`"
        )
