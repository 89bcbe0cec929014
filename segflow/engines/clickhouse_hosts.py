"""What is the same wherever ClickHouse runs: the settings of its sessions, and its errors."""

import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from segflow.engines.clickhouse_sql import Query
from segflow.engines.servers import longest
from segflow.model.catalog import Limits
from segflow.ports import Volume

FORMAT = "Arrow"
"""The format of answers."""

_SETTINGS: dict[str, int | str] = {
    "session_timezone": "UTC",
    # What there is nothing of is missing; else it is the default of its type, 0 or an empty text.
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
    "cast_keep_nullable": 1,
    # Where a column is named like an alias, the column is meant.
    "prefer_column_name_to_alias": 1,
    "union_default_mode": "DISTINCT",
    "except_default_mode": "DISTINCT",
    "intersect_default_mode": "DISTINCT",
    # Else the last digit may be another one.
    "precise_float_parsing": 1,
    # Else a set is made of three equations of one value, and no set holds minus zero.
    "optimize_min_equality_disjunction_chain_length": 2**31,
    "optimize_min_inequality_conjunction_chain_length": 2**31,
    "allow_experimental_correlated_subqueries": 1,
    # ASOF joins read wrong rows of what a join before has repeated (26.9).
    "enable_lazy_columns_replication": 0,
    "max_query_size": 2**30,
    "max_ast_elements": 10**7,
    "max_expanded_ast_elements": 10**7,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_compression_method": "none",
}
YOUNG = (
    "optimize_min_inequality_conjunction_chain_length",
    "allow_experimental_correlated_subqueries",
    "enable_lazy_columns_replication",
)
"""Settings that older servers do not know, which have not what is set by them either."""

_NUMBER = re.compile(r"(?:Code: |code )(\d+)")


class FailedQueryError(Exception):
    """What ClickHouse says of a query that it did not answer, with the number that it gives."""

    def __init__(self, told: str) -> None:
        (line, *_) = told.strip().splitlines() or [""]
        super().__init__(line)
        found = _NUMBER.search(told)
        self.number = None if found is None else int(found[1])


class Answer(NamedTuple):
    """A file of Arrow, and what was read for it."""

    content: bytes
    read: Volume = Volume()


class Host(Protocol):
    """What can be asked."""

    def ask(self, query: Query) -> Answer:
        """The answer. Raises FailedQueryError."""

    def close(self) -> None:
        """Let go of it; harmless when done twice."""


def settings_of(limits: Limits | None) -> Mapping[str, int | str]:
    """The settings of a session, in the order in which they are made: after the last one none can
    be."""
    timeout = longest(limits)
    limit = {"max_execution_time": f"{timeout / 1000:f}"} if timeout else {}
    return {**_SETTINGS, **limit, "readonly": 1}
