"""The cells that the language permits: made from its grammar, tried on the loader and compiler.

Each key of each form stands in a segment with a value of each type; what is accepted is permitted.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

from segflow.compiler.codes import NOT_YET
from segflow.compiler.pipeline import compile_project
from segflow.loader.project import load_project
from segflow.loader.schema import document_schema
from segflow.loader.source import WITH_TABLES
from segflow.model.address import Address
from segflow.model.types import ScalarName, parse_type
from segflow.model.wording_text import Plain, Word, Words, flow
from tests.agreement.cells import COMPARING, Cell, is_about_value, key_of, type_name

Json = Mapping[str, Any]


class Permitted(NamedTuple):
    """Cells that an engine answers, and those that the language has and the engine is refused."""

    cells: frozenset[Cell]
    refused: frozenset[Cell]


@cache
def permitted(engine: str) -> Permitted:
    """The cells of a source on the engine."""
    tried: dict[str, set[Cell]] = defaultdict(set)
    for cell, words in _tries():
        tried[flow(words)].add(cell)
    wrong, unsupported = _judged(list(tried), engine)
    cells, refused = set[Cell](), set[Cell]()
    for number, found in enumerate(tried.values()):
        if number not in wrong:
            (refused if number in unsupported else cells).update(found)
    return Permitted(frozenset(cells), frozenset(refused - cells))


def _judged(wheres: Sequence[str], engine: str) -> tuple[set[int], set[int]]:
    """The numbers of the conditions that are no part of the language, and of those that are not
    supported on the engine."""
    segments = [
        f"segment: s{number}\nentity: customer\nwhere: {where}"
        for number, where in enumerate(wheres)
    ]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "segflow.toml").write_text('[project]\nname = "cells"\n')
        (root / "keys.csv").write_text("1\n")
        (root / "catalog").mkdir()
        (root / "catalog" / "all.yaml").write_text(
            "\n---\n".join([_catalog(engine), *segments]), encoding="utf-8"
        )
        project, _ = load_project(root)
    _, report = compile_project(replace(project, broken={}))
    codes = defaultdict(set)
    for found in report:
        codes[found.address].add(found.code)
    wrong, unsupported = set(), set()
    for number in range(len(wheres)):
        address = Address("segment", f"s{number}")
        found = codes[str(address)]
        if address not in project.objects or found - {NOT_YET}:
            wrong.add(number)
        elif found:
            unsupported.add(number)
    return wrong, unsupported


# --- the catalog -----------------------------------------------------------------------------


def _types() -> Iterator[tuple[str, str]]:
    """A name for each type of the language, and how it is written."""
    for name in get_args(ScalarName):
        yield name, "decimal(18,2)" if name == "decimal" else name
        with suppress(ValueError):
            yield f"{name}s", str(parse_type(f"list<{name}>"))


TYPES = dict(_types())


def _catalog(engine: str) -> str:
    """A source on the engine with a field, its history and a property of every type."""
    place = "source: shop, table: people, key: id"
    fields = [
        f'  {name}: {{type: "{type_}", at: {{{place}, column: {name}}},'
        f" history: {{{place}, time: since, column: {name}}}}}"
        for name, type_ in TYPES.items()
    ]
    properties = [f'  {name}: {{type: "{type_}", column: {name}}}' for name, type_ in TYPES.items()]
    events = [
        f"event: {name}\nentities: {{customer: id}}\nat: {{source: shop, table: {name}s, time: at}}"
        for name in ("purchase", "view")
    ]
    documents = [
        f"source: shop\nengine: {engine}\nurl: shop.db"
        + ("\ntables: {people: people.parquet}" if engine in WITH_TABLES else ""),
        "entity: account\nkey: {type: integer}\n"
        "population: {source: shop, table: accounts, key: id}",
        "relation: account\nfrom: {entity: customer, column: of}\nto: {entity: account}",
        "relation: owner\nfrom: {entity: account, column: of}\nto: {entity: customer}",
        "entity: customer\nkey: {type: integer}\ntimezone: {field: string}\n"
        "population: {source: shop, table: people, key: id}\nfields:\n" + "\n".join(fields),
        *("\n".join([event, "properties:", *properties]) for event in events),
        "consent: news\nentity: customer\n"
        "at: {source: shop, table: words, key: id, granted: granted}",
        "address: email\nentity: customer\nfield: string",
        "segment: other\nentity: customer\nwhere: {everyone: true}",
    ]
    return "\n---\n".join(documents)


# --- examples --------------------------------------------------------------------------------

_LITERALS: Mapping[str, Word] = {
    **dict.fromkeys(("string", "strings"), "a"),
    **dict.fromkeys(("integer", "integers", "decimal", "float"), 1),
    **dict.fromkeys(("date", "timestamp"), Plain("2026-01-31")),
    "boolean": True,
    "version": Plain("1.10"),
}
_ANYBODY: Word = {"everyone": True}
_EVENT: Word = {"property": "string", "exists": True}


def _examples(of: str) -> Mapping[str, Sequence[Word]]:
    """What may stand under each key, about values of a type."""
    literal = _LITERALS[of]
    one = {
        **dict.fromkeys(("from", "to"), literal),
        **dict.fromkeys(("in", "not_in", "has_any", "has_all", "has_none"), [literal]),
        **dict.fromkeys(("contains", "starts_with", "ends_with", "matches"), "a"),
        **dict.fromkeys(("exists", "ignore_case", "everyone", "every", "skip_current"), True),
        **dict.fromkeys(("before", "after", "since", "until"), Plain("2026-01-31")),
        **dict.fromkeys(("within", "in_last", "older_than", "in_next", "for"), "7d"),
        **dict.fromkeys(("span", "max_gap"), "7d"),
        **dict.fromkeys(("ago", "ahead"), {"from": "1d"}),
        **dict.fromkeys(("at_least", "at_most", "exactly", "more_than", "fewer_than"), 1),
        **dict.fromkeys(("top", "bottom", "sample"), "10%"),
        **dict.fromkeys(("all", "any", "none"), [_ANYBODY]),
        **dict.fromkeys(("not", "among"), _ANYBODY),
        **dict.fromkeys(("where", "has"), _EVENT),
        **dict.fromkeys(("field", "property", "changed"), of),
        **dict.fromkeys(("did", "did_not", "count", "first_time", "last_time"), "purchase"),
        **dict.fromkeys(("sum", "avg", "min", "max", "mode"), f"purchase.{of}"),
        **dict.fromkeys(("first", "last", "count_distinct"), f"purchase.{of}"),
        **dict.fromkeys(("same", "by"), {"purchase": of, "view": of}),
        **dict.fromkeys(("segment", "entered", "exited"), "other"),
        **dict.fromkeys(("via", "members"), "account"),
        "between": [literal, literal],
        "size": {"gte": 1},
        "calendar": "today",
        "timezone": "user",
        "times": 2,
        "rank": {"count": "purchase"},
        "held": {"segment": "other"},
        "sequence": [{"did": "purchase"}, {"did": "view"}],
        "periods": {"every": "day", "last": 2, "at_least": 1},
        "as": "snapshot",
        "salt": "x",
        "in_file": "keys.csv",
        "sql": "select id from people",
        "source": "shop",
        "consent": "news",
        "reachable": "email",
    }
    several = {
        **dict.fromkeys(COMPARING, (literal, {"field": of})),
        "anniversary": ("today", "12-24"),
    }
    return {**{key: (value,) for key, value in one.items()}, **several}


_TYPED = {key for key, some in _examples("string").items() if some != _examples("integer")[key]}
"""The keys whose values are of a type."""

# --- what is tried ---------------------------------------------------------------------------

_DEFS: Json = document_schema()["$defs"]
_ABOUT_USERS = ("same", "via", "members")
"""The forms whose `where` is not about events."""


def _tries() -> Iterator[tuple[Cell, Words]]:
    """Every cell of the grammar, in a predicate; what makes no sense is among them."""
    yield from _tries_of(_DEFS["predicate"], "")
    for cell, words in _tries_of(_DEFS["event_predicate"], " in where"):
        yield cell, {"did": "purchase", "where": _about_events(words)}
    for cell, words in _tries_of(_DEFS["event_right_side"], " on the right"):
        for left in TYPES:
            yield cell, {"did": "purchase", "where": {"property": left, "eq": words}}
    for cell, words in _tries_of(_DEFS["right_side"], " on the right"):
        for left in {"integer", "decimal", "timestamp", cell.type} & TYPES.keys():
            yield cell, {"field": left, "eq": words}
    for cell, words in _tries_of(_DEFS["ranked_feature"], " in rank"):
        yield cell, {"rank": words, "top": "10%"}
    held = _DEFS["predicate_held"]["properties"]["held"]
    for cell, words in _tries_of(held, " in held"):
        yield cell, {"held": words, "for": "7d"}
    step = _DEFS["predicate_sequence"]["properties"]["sequence"]["items"]
    for cell, words in _tries_of(step, " in sequence"):
        yield cell, {"sequence": [{"did": "purchase"}, words, {"did": "view"}]}
    for key in _DEFS["predicate_did"]["then"]["properties"]["periods"]["properties"]:
        periods = {"every": "day", "last": 2, "skip_current": True}
        periods = {"at_least": 1} | periods if key in periods else {**periods, key: 1}
        yield Cell("periods", key), {"did": "purchase", "periods": periods}


def _about_events(words: Words) -> Words:
    """Boolean algebra with conditions on events inside; any other words as they are."""
    inside = {"all": [_EVENT], "any": [_EVENT], "none": [_EVENT], "not": _EVENT}
    return {key: inside.get(key, value) for key, value in words.items()}


def _tries_of(schema: Json, inside: str) -> Iterator[tuple[Cell, Words]]:
    for record in _records(schema):
        for of in TYPES:
            for key in ("", *list(record["properties"])[1:]):
                yield from _tries_of_key(record, inside, key, of)


def _records(schema: Json) -> Iterator[Json]:
    """The mappings that a schema allows, each with a head of its own."""
    if "$ref" in schema:
        yield from _records(_DEFS[schema["$ref"].rpartition("/")[2]])
    elif "then" in schema:
        yield from _records(schema["then"])
        yield from _records(schema["else"])
    elif "required" in schema:
        yield schema


def _tries_of_key(record: Json, inside: str, key: str, of: str) -> Iterator[tuple[Cell, Words]]:
    """A key of a mapping beside those that it needs, with each value that may stand there."""
    head, *_ = record["properties"]
    needed, examples = record["required"], _examples(of)
    form = next((f"{head} with {one}" for one in ("has", "periods") if one in needed), head)
    base = {head: examples[head][0]} | {one: examples[one][0] for one in needed}
    if form != head:
        base[head] = "purchase"
    if "where" in needed and head in _ABOUT_USERS:
        base["where"] = _ANYBODY
    if key == "timezone" and "periods" not in needed:
        base["since"] = examples["since"][0]  # a date, whose instant is each user's own
    typed = key == "by" or (head in _TYPED and form == head and is_about_value(head, key))
    type_ = type_name(parse_type(TYPES[of])) if typed else ""
    for value in examples[key] if key else ("",):
        words = base | ({key: value} if key and key not in needed else {})
        yield Cell(form + inside, key_of(key, value), type_), _complete(words, record, examples)


def _complete(words: Words, record: Json, examples: Mapping[str, Sequence[Word]]) -> Words:
    """The words with one key of each group of which one must stand."""
    for rule in record.get("allOf", ()):
        group = [one["required"][0] for one in rule.get("anyOf", rule.get("oneOf", ()))]
        if group and not words.keys() & group:
            chosen = "exists" if "exists" in group else group[0]
            words = {**words, chosen: examples[chosen][0]}
    return words
