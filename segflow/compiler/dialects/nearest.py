"""Joins with the nearest row in time, which some engines have: DuckDB's ASOF JOIN."""

from typing import Any

from sqlalchemy import Join
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class NearestJoin(Join):
    """Each row of the left with the one row of the right that is nearest: of those that satisfy the
    `onclause`, which are equalities and one inequality, where both sides of it differ least. Of
    several that are equally near it is any. An outer join keeps what has none."""

    inherit_cache = True


@compiles(NearestJoin)
def _written(join: NearestJoin, compiler: SQLCompiler, **given: Any) -> str:
    assert join.onclause is not None
    left, right = (compiler.process(side, **given) for side in (join.left, join.right))
    words = "ASOF LEFT JOIN" if join.isouter else "ASOF JOIN"
    return f"{left} {words} {right} ON {compiler.process(join.onclause)}"
