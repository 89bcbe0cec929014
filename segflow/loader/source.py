"""Reads sources: the places that data is read from."""

from collections.abc import Iterable
from dataclasses import replace

from segflow.loader.findings import Findings
from segflow.loader.heads import IfKey
from segflow.loader.nodes import MapNode
from segflow.loader.records import Key, Record, Values
from segflow.loader.secrets import SECRET_OR_TEXT
from segflow.loader.shapes import ListOf, MapOf, Shape
from segflow.loader.slots import NAME, TEXT, choice, integer
from segflow.loader.times import DURATION, HOURS
from segflow.model.catalog import Limits, Replica, Source

ENGINES = ("duckdb", "sqlite", "postgres", "mysql", "clickhouse", "spark", "elasticsearch")

REPLICA = Record(
    what="a replica",
    keys={
        "url": Key(SECRET_OR_TEXT, required=True),
        "max_lag": Key(DURATION, doc="How far it may be behind"),
        "fallback": Key(choice("refuse", "primary"), doc="What to do when it is further behind"),
    },
    build=lambda values, node, found: Replica(
        url=values["url"],
        max_lag=values.get("max_lag"),
        fallback=values.get("fallback", "refuse"),
    ),
)
LIMITS = Record(
    what="limits",
    keys={
        "concurrency": Key(integer(least=1), doc="Queries at a time"),
        "timeout": Key(DURATION, doc="Of one query"),
        "rows": Key(integer(least=1), doc="Rows that one query may give"),
        "windows": Key(ListOf("hours", HOURS), doc="Local hours in which it may be read"),
    },
    build=lambda values, node, found: Limits(
        concurrency=values.get("concurrency"),
        timeout=values.get("timeout"),
        rows=values.get("rows"),
        windows=values.get("windows", ()),
    ),
)


_KEYS: dict[str, Key] = {
    "source": Key(NAME, required=True, doc="The name"),
    "engine": Key(choice(*ENGINES), required=True),
    "url": Key(
        SECRET_OR_TEXT,
        doc="Where it is; for duckdb and sqlite a database file, for clickhouse a folder of chDB,"
        " for spark its master",
    ),
    "tables": Key(
        MapOf("tables and their files", TEXT, TEXT), doc="duckdb and spark: Parquet files"
    ),
    "replica": Key(REPLICA, doc="A copy that is read instead"),
    "limits": Key(LIMITS, doc="How hard it may be read"),
}


def _source(values: Values, node: MapNode, found: Findings) -> Source:
    return Source(
        name=values["source"],
        engine=values["engine"],
        url=values.get("url"),
        tables=values.get("tables", ()),
        replica=values.get("replica"),
        limits=values.get("limits"),
    )


_AT_URL = {
    "sqlite": "{source: shop, engine: sqlite, url: shop.db}",
    "postgres": "{source: shop, engine: postgres, url: ${SHOP_URL}}",
    "mysql": "{source: shop, engine: mysql, url: ${SHOP_URL}}",
    "clickhouse": "{source: shop, engine: clickhouse, url: warehouse.chdb}",
    "elasticsearch": "{source: search, engine: elasticsearch, url: ${SEARCH_URL}}",
    "spark": '{source: lake, engine: spark, url: "local[2]", tables: {sales: sales.parquet}}',
}
"""Engines whose sources are at a url, each with an example."""

WITH_TABLES = ("spark",)
"""Those of them whose tables are named one by one."""


def _at_url(engine: str, otherwise: Shape[Source]) -> Shape[Source]:
    """A source of an engine at a url, or another shape."""
    keys = {name: key for name, key in _KEYS.items() if name != "tables"}
    keys["url"] = replace(_KEYS["url"], required=True)
    if engine in WITH_TABLES:
        keys["tables"] = replace(_KEYS["tables"], required=True)
    then = Record(what="a source", keys=keys, build=_source, example=_AT_URL[engine])
    return IfKey("engine", value=engine, then=then, otherwise=otherwise)


def _other(engines: Iterable[str]) -> Shape[Source]:
    """A source of one of the engines; of no other anything is demanded, since it is reported."""
    found: Shape[Source] = Record(what="a source", keys=_KEYS, build=_source)
    for engine in engines:
        found = _at_url(engine, found)
    return found


SOURCE: Shape[Source] = IfKey(
    "engine",
    value="duckdb",
    then=Record(
        what="a source",
        keys=_KEYS,
        build=_source,
        one_of=(("url", "tables"),),
        example="{source: warehouse, engine: duckdb, url: warehouse.duckdb}",
    ),
    otherwise=_other(reversed(_AT_URL)),
)
