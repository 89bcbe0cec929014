"""Reads sources: the places that data is read from."""

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
        doc="Where it is; for duckdb and sqlite a database file, for clickhouse a folder of chDB",
    ),
    "tables": Key(MapOf("tables and their files", TEXT, TEXT), doc="duckdb: Parquet files"),
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


def _at_url(engine: str, example: str, otherwise: Shape[Source]) -> Shape[Source]:
    """A source of an engine that has nothing but a url, or another shape."""
    keys = {name: key for name, key in _KEYS.items() if name != "tables"}
    keys["url"] = replace(keys["url"], required=True)
    then = Record(what="a source", keys=keys, build=_source, example=example)
    return IfKey("engine", value=engine, then=then, otherwise=otherwise)


# Of an engine that can't be used yet nothing is demanded: what helps is to be told that, and the
# compiler does.
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
    otherwise=_at_url(
        "sqlite",
        "{source: shop, engine: sqlite, url: shop.db}",
        _at_url(
            "postgres",
            "{source: shop, engine: postgres, url: ${SHOP_URL}}",
            _at_url(
                "mysql",
                "{source: shop, engine: mysql, url: ${SHOP_URL}}",
                _at_url(
                    "clickhouse",
                    "{source: shop, engine: clickhouse, url: warehouse.chdb}",
                    _at_url(
                        "elasticsearch",
                        "{source: search, engine: elasticsearch, url: ${SEARCH_URL}}",
                        Record(what="a source", keys=_KEYS, build=_source),
                    ),
                ),
            ),
        ),
    ),
)
