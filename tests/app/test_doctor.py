"""segflow doctor: what it finds in each engine, what it says of it, and what it leaves alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from segflow.app.doctor.examine import Examined, examine
from segflow.app.structure import SAMPLE
from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.clock import SystemClock, VirtualClock
from segflow.diagnostics import Diagnostic
from segflow.ports import Clock
from tests.agreement.spark import MASTER, keep
from tests.app.stores import DUCKDB, MARIADB, POSTGRES, SQLITE, Store, store
from tests.warehouse import SETTINGS, write, write_table

__all__ = ["store"]

CUSTOMERS = (
    "CREATE TABLE customers (customer_id {integer} PRIMARY KEY, name {text}, balance {money})"
)
PURCHASES = (
    "CREATE TABLE purchases (purchase_id {integer} PRIMARY KEY, customer_id {integer} NOT NULL,"
    " purchased_at {time} NOT NULL, amount {money})"
)
ROWS = (
    "INSERT INTO customers VALUES (1, 'ada', 10), (2, 'bob', NULL)",
    "INSERT INTO purchases VALUES (1, 1, '2025-01-31 12:00:00', 5),"
    " (2, 2, '2025-02-01 12:00:00', 6)",
)
SOUND = (CUSTOMERS, PURCHASES, *ROWS)

ENTITY = """\
entity: customer
key: {type: integer}
population: {source: shop, table: customers, key: customer_id}
fields:
  name: {type: string, at: {source: shop, table: customers, key: customer_id, column: name}}
  balance:
    type: "decimal(18,2)"
    at: {source: shop, table: customers, key: customer_id, column: balance}
"""
EVENT = """\
event: purchase
entities: {customer: customer_id}
at:
  source: shop
  table: purchases
  time: purchased_at
  id: {column: purchase_id, type: integer}
  unique: true
properties:
  amount: {type: "decimal(18,2)", column: amount}
"""


def examined(root: Path, *documents: str, clock: Clock | None = None) -> tuple[Examined, ...]:
    """What doctor finds in a project of these documents."""
    write(root, {"segflow.toml": SETTINGS, "catalog/shop.yaml": "---\n".join(documents)})
    (root / "segments").mkdir(exist_ok=True)
    loaded = load(root, None)
    with open_world(loaded.compiled.project.settings, root, clock) as world:
        return examine(world, loaded.compiled)


def findings(root: Path, *documents: str, clock: Clock | None = None) -> list[Diagnostic]:
    """What doctor finds in all sources of a project of these documents."""
    return [told for one in examined(root, *documents, clock=clock) for told in one.report]


def codes(found: Sequence[Diagnostic]) -> list[str]:
    """Their codes, each once; of each is known where the catalog says what is not so."""
    assert all(one.span is not None and one.help for one in found)
    return sorted({one.code for one in found})


def changed(before: str, after: str) -> tuple[str, ...]:
    """The sound shop, made otherwise."""
    assert sum(statement.count(before) for statement in SOUND) == 1
    return tuple(statement.replace(before, after) for statement in SOUND)


FREE_KEY = changed("customer_id {integer} NOT NULL", "customer_id {integer}")
FREE_TIME = changed("purchased_at {time} NOT NULL", "purchased_at {time}")
FREE_ID = changed("purchase_id {integer} PRIMARY KEY", "purchase_id {integer} NOT NULL")
FREE_USERS = changed("(customer_id {integer} PRIMARY KEY", "(customer_id {integer} NOT NULL")

CASES = {
    "sound": (SOUND, []),
    "no table": (SOUND[:1] + ROWS[:1], ["SRC001"]),
    "no column": (changed("name {text}", "nickname {text}"), ["SRC002"]),
    "another kind": (changed("purchased_at {time}", "purchased_at {double}")[:2], ["SRC004"]),
    "key may be missing": (FREE_KEY, ["DOC001"]),
    "time may be missing": (FREE_TIME, ["DOC001"]),
    "no key": (
        (*FREE_KEY, "INSERT INTO purchases VALUES (3, NULL, '2025-01-31 12:00:00', 1)"),
        ["DOC001", "DOC002"],
    ),
    "no time": (
        (*FREE_TIME, "INSERT INTO purchases VALUES (3, 1, NULL, 1)"),
        ["DOC001", "DOC002"],
    ),
    "nobody known": (
        (*SOUND, "INSERT INTO purchases VALUES (3, 99, '2025-01-31 12:00:00', 1)"),
        ["DOC003"],
    ),
    "an id twice": (
        (*FREE_ID, "INSERT INTO purchases VALUES (2, 1, '2025-01-31 12:00:00', 1)"),
        ["DOC004"],
    ),
    "a user twice": ((*FREE_USERS, "INSERT INTO customers VALUES (2, 'bo', 1)"), ["DOC005"]),
    "in the future": (
        (*SOUND, "INSERT INTO purchases VALUES (3, 1, '2999-01-31 12:00:00', 1)"),
        ["DOC009"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_engine_is_seen_through(store: Store, tmp_path: Path, case: str):
    """What is not as the catalog says is found in each engine, and nothing else is."""
    statements, expected = CASES[case]
    source = store.source(tmp_path, statements)
    assert codes(findings(tmp_path, source, ENTITY, EVENT)) == expected


def test_money_in_doubles_is_found(store: Store, tmp_path: Path):
    """A decimal may be read of doubles, which is told; not in SQLite, where that is an error."""
    source = store.source(tmp_path, changed("balance {money}", "balance {double}"))
    expected = ["SRC004"] if store is SQLITE else ["DOC006"]
    assert codes(findings(tmp_path, source, ENTITY, EVENT)) == expected


def test_keys_of_texts_are_compared_as_they_are(store: Store, tmp_path: Path):
    """A key in another case is another key, whatever the engine thinks of it."""
    text = tuple(
        statement.replace("customer_id {integer}", "customer_id {text}") for statement in SOUND[:2]
    )
    source = store.source(
        tmp_path,
        (
            *text,
            "INSERT INTO customers VALUES ('ann', 'ada', 10), ('Bob ', 'bob', 1)",
            "INSERT INTO purchases VALUES (1, 'ann', '2025-01-31 12:00:00', 5),"
            " (2, 'Ann', '2025-01-31 12:00:00', 5), (3, 'Bob ', '2025-01-31 12:00:00', 5),"
            " (4, 'Bob', '2025-01-31 12:00:00', 5), (5, 'Bob', '2025-01-31 12:00:00', 5)",
        ),
    )
    documents = ENTITY.replace("type: integer", "type: string"), EVENT
    (found,) = (one for one in findings(tmp_path, source, *documents) if one.code == "DOC003")
    assert found.summary == (
        "event purchase: table customers has no row for the keys of 3 of the 5 newest rows (2 keys)"
    )


def test_what_it_says(tmp_path: Path):
    """A finding says how many of how many, where the catalog says otherwise, and what to do."""
    statements, _ = CASES["no key"]
    source = SQLITE.source(tmp_path, statements)
    may, is_ = findings(tmp_path, source, ENTITY, EVENT)
    assert (may.code, may.severity, may.address) == ("DOC001", "warning", "event.purchase")
    assert (is_.code, is_.severity) == ("DOC002", "warning")
    assert is_.summary == "event purchase: no `customer_id` in 1 of 3 rows"
    assert is_.span is not None
    assert "entities: {customer: customer_id}" in is_.span.text


def test_only_rows_of_the_event_count(store: Store, tmp_path: Path):
    """Rows that `when` leaves out may lack a key, repeat an id, and be of anybody at any time."""
    source = store.source(
        tmp_path,
        (
            CUSTOMERS,
            "CREATE TABLE purchases (purchase_id {integer} NOT NULL,"
            " customer_id {integer} NOT NULL, purchased_at {time} NOT NULL,"
            " amount {money}, kind {text})",
            ROWS[0],
            "INSERT INTO purchases VALUES (1, 1, '2025-01-31 12:00:00', 5, 'sold'),"
            " (1, 99, '2999-01-31 12:00:00', 5, 'seen'), (1, 99, '2999-01-31 12:00:00', 5, 'seen')",
        ),
    )
    when = EVENT.replace("unique: true", "unique: true\n  when: {kind: sold}")
    assert codes(findings(tmp_path, source, ENTITY, when)) == []


def test_lists_may_have_a_row_for_each_element(store: Store, tmp_path: Path):
    """A table of elements is no table of fields."""
    source = store.source(
        tmp_path,
        (
            *SOUND,
            "CREATE TABLE hobbies (customer_id {integer} NOT NULL, hobby {text})",
            "INSERT INTO hobbies VALUES (1, 'chess'), (1, 'go')",
        ),
    )
    place = "{source: shop, table: hobbies, key: customer_id, column: hobby, encoding: child_table}"
    hobbies = f'{ENTITY}  hobbies: {{type: "list<string>", at: {place}}}\n'
    assert codes(findings(tmp_path, source, hobbies, EVENT)) == []
    single = (
        f"{ENTITY}  hobby: {{type: string, at: {place.replace(', encoding: child_table', '')}}}\n"
    )
    (found,) = findings(tmp_path, source, single, EVENT)
    assert (found.code, found.severity) == ("DOC005", "error")
    assert found.summary == (
        "table hobbies: 1 key stands in several of the 10,000 rows with the greatest `customer_id`"
    )


def test_no_more_than_a_sample_is_looked_at(tmp_path: Path):
    """Of many rows the newest are judged: a stranger among older ones is not looked for."""
    rows = (
        f"INSERT INTO purchases SELECT i, 1, TIMESTAMP '2025-01-01' + to_seconds(i), 1"
        f" FROM range(10, {SAMPLE + 10}) AS t(i)"
    )
    stranger = "INSERT INTO purchases VALUES (1, 99, '{}', 1)"
    made = (CUSTOMERS, PURCHASES, ROWS[0], rows)
    old = DUCKDB.source(tmp_path, (*made, stranger.format("2024-12-31 00:00:00")))
    assert codes(findings(tmp_path, old, ENTITY, EVENT)) == []
    new = DUCKDB.source(tmp_path, (*made, stranger.format("2025-06-01 00:00:00")))
    (found,) = findings(tmp_path, new, ENTITY, EVENT)
    assert found.summary.endswith(" keys of 1 of the 10,000 newest rows (1 key)")


def test_users_may_be_in_another_source(tmp_path: Path):
    """Events are held against the population wherever it is."""
    source = SQLITE.source(tmp_path, (CUSTOMERS, ROWS[0]))
    more = (PURCHASES, ROWS[1], "INSERT INTO purchases VALUES (3, 7, '2025-01-31 12:00:00', 1)")
    other = DUCKDB.source(tmp_path, more, "events")
    documents = source, other, ENTITY, EVENT.replace("source: shop", "source: events")
    (found,) = findings(tmp_path, *documents)
    assert (found.code, found.address) == ("DOC003", "event.purchase")


def test_one_failing_source_does_not_stop_the_others(tmp_path: Path):
    """That it can't be asked is told once, and what others have is looked at all the same."""
    source = SQLITE.source(tmp_path, (CUSTOMERS, ROWS[0]))
    gone = "source: events\nengine: duckdb\nurl: gone.duckdb\n"
    documents = gone, source, ENTITY, EVENT.replace("source: shop", "source: events")
    found = {one.source.name: codes(list(one.report)) for one in examined(tmp_path, *documents)}
    assert found == {"events": ["SRC003"], "shop": []}


@pytest.mark.parametrize(
    ("engine", "url"),
    [("postgres", "postgresql://a:b@127.0.0.1:1/x"), ("mysql", "mysql://a:b@127.0.0.1:1/x")],
)
def test_a_server_that_is_down_is_an_error(tmp_path: Path, engine: str, url: str):
    """With the reason, and without the url."""
    (found,) = findings(tmp_path, f"source: shop\nengine: {engine}\nurl: {url}\n")
    assert (found.code, found.severity, found.address) == ("SRC003", "error", "source.shop")
    assert "a:b" not in f"{found.summary}{found.help}"


def test_values_are_not_repeated(tmp_path: Path):
    """A value that can't be read keeps a question from being answered. It is not shown."""
    statements = (*SOUND, "INSERT INTO purchases VALUES (3, 'ann@example.com', '2025-01-31', 1)")
    found = findings(tmp_path, SQLITE.source(tmp_path, statements), ENTITY, EVENT)
    assert codes(found) == ["DOC010"]
    assert "ann@example.com" not in str(found)


def test_a_table_that_gives_no_answer_keeps_no_other_from_being_looked_at(tmp_path: Path):
    """It is named, where the catalog names it, and once however many questions it leaves open."""
    statements = (
        *SOUND,
        "INSERT INTO purchases VALUES (3, 'ann', '2025-01-31', 1)",
        PURCHASES.replace("purchases", "returns"),
        "INSERT INTO returns VALUES (1, 99, '2999-01-31 12:00:00', 5)",
    )
    returns = EVENT.replace("purchase\n", "return\n", 1).replace("purchases", "returns")
    documents = SQLITE.source(tmp_path, statements), ENTITY, EVENT, returns
    unanswered, *others = sorted(findings(tmp_path, *documents), key=lambda one: one.severity)
    assert unanswered.summary == "a question about table purchases could not be answered"
    assert (unanswered.code, unanswered.address) == ("DOC010", "event.purchase")
    assert codes(others) == ["DOC003", "DOC009"]


def test_a_finding_stands_at_the_place_that_it_is_about(tmp_path: Path):
    """An event that lies in two sources is named where the source at fault is."""
    sound = SQLITE.source(tmp_path, SOUND)
    ahead = (CUSTOMERS, PURCHASES, "INSERT INTO purchases VALUES (3, 1, '2999-01-31 12:00:00', 1)")
    other = DUCKDB.source(tmp_path, ahead).replace("source: shop", "source: archive")
    head, table = EVENT.split("  source: shop\n")
    both = f"{head}  - {{source: shop, table: purchases, time: purchased_at}}\n" + (
        "  - {source: archive, table: purchases, time: purchased_at}\n"
        + table[table.index("properties") :]
    )
    (found,) = findings(tmp_path, sound, other, ENTITY, both)
    assert (found.code, found.address) == ("DOC009", "event.purchase")
    assert found.span is not None
    assert "source: archive" in found.span.text


@pytest.mark.parametrize(
    ("store", "column"),
    [
        (MARIADB, "varchar(50) COLLATE utf8mb4_general_ci"),
        (MARIADB, "varchar(50) COLLATE utf8mb4_bin"),
        (POSTGRES, "text COLLATE loose"),
        (POSTGRES, "character(20)"),
    ],
    indirect=["store"],
)
def test_loose_collations_are_found(store: Store, tmp_path: Path, column: str):
    """Those that ignore case or pad; one warning for each table."""
    loose = (
        "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    before = (loose,) if store is POSTGRES else ()
    source = store.source(tmp_path, (*before, *changed("name {text}", f"name {column}")))
    (found,) = findings(tmp_path, source, ENTITY, EVENT)
    assert (found.code, found.severity) == ("DOC007", "warning")
    assert "`name`" in found.summary


@pytest.mark.parametrize("offset", [-3_600_000, 0, 3_600_000])
def test_clocks_that_differ_are_found(store: Store, tmp_path: Path, offset: int):
    """A server's clock is held against ours; an engine that runs with us has ours."""
    source = store.source(tmp_path, SOUND)
    clock = VirtualClock(SystemClock().now() + offset)
    found = findings(tmp_path, source, ENTITY, EVENT, clock=clock)
    differs = offset and store in (POSTGRES, MARIADB)
    assert codes(found) == (["DOC008"] if differs else [])
    if differs:
        assert ("ahead of" if offset < 0 else "behind") in found[0].summary


def test_tables_without_rows_are_passed_over(store: Store, tmp_path: Path):
    """Nothing is wrong with a shop that has no customers yet."""
    source = store.source(tmp_path, SOUND[:2])
    assert codes(findings(tmp_path, source, ENTITY, EVENT)) == []


def test_files_are_looked_into_by_spark(tmp_path: Path):
    """They promise nothing, so that their rows are all that is judged: here a key is missing, one
    is unknown, an id and a user come twice, and money is in doubles."""
    keep()
    customers = {"customer_id": [1, 2, 2], "name": ["ada", "bob", "bo"], "balance": [1.5, 2.5, 3.5]}
    noon = datetime(2025, 1, 31, 12, tzinfo=UTC)
    purchases = {
        "purchase_id": [1, 1, 2],
        "customer_id": [1, 99, None],
        "purchased_at": [noon, noon, noon],
        "amount": [Decimal(1), Decimal(2), Decimal(3)],
    }
    write_table(tmp_path, "customers", customers)
    write_table(tmp_path, "purchases", purchases)
    tables = "customers: data/customers.parquet, purchases: data/purchases.parquet"
    source = f"source: shop\nengine: spark\nurl: {MASTER}\ntables: {{{tables}}}\n"
    found = findings(tmp_path, source, ENTITY, EVENT)
    assert codes(found) == ["DOC002", "DOC003", "DOC004", "DOC005", "DOC006"]
