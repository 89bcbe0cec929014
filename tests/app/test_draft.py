"""segflow catalog import: what is guessed of tables, and that drafts are valid as they stand."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from segflow.app.columns import declared_type, fits
from segflow.app.draft.draft import draft_catalog
from segflow.app.draft.guesses import guess
from segflow.app.draft.tables import Column, Table
from segflow.app.draft.written import written
from segflow.app.sources import check_sources
from segflow.app.validate import load
from segflow.app.wiring import open_world
from segflow.errors import RefusedError
from segflow.model.types import FLOAT, INTEGER, STRING, TIMESTAMP, ValueType
from tests.agreement.spark import MASTER, keep
from tests.app.stores import CLICKHOUSE, DUCKDB, Store, promising
from tests.warehouse import CUSTOMERS, SETTINGS, write, write_table

__all__ = ["promising"]

SHOP = (
    "CREATE TABLE customers (customer_id {integer} PRIMARY KEY, email {text}, balance {double},"
    " vip {boolean}, birthday {date}, first_seen {time})",
    "CREATE TABLE profiles (customer_id {integer} PRIMARY KEY, score {double}, plan {text})",
    "CREATE TABLE purchases (purchase_id {integer} PRIMARY KEY, customer_id {integer} NOT NULL,"
    " purchased_at {time} NOT NULL, amount {money}, category {text})",
    "CREATE TABLE visits (visitor {integer}, customer_id {integer}, visited_at {time},"
    " page {text})",
    "CREATE TABLE notes (note {text}, seen {boolean})",
    "CREATE TABLE accounts (id {text} NOT NULL UNIQUE, tier {text})",
    "INSERT INTO customers VALUES (1, 'ann@example.com', 1.5, true, '2000-02-29',"
    " '2025-01-01 00:00:00')",
    "INSERT INTO visits VALUES (1, 1, '2025-01-01 00:00:00', 'a'), (1, 1, NULL, 'b')",
)


PARQUET = {"duckdb": "engine: duckdb\n", "spark": f"engine: spark\nurl: {MASTER}\n"}


def draft(root: Path, source: str, *tables: str) -> str:
    """The draft for a source, whose project has nothing else."""
    write(root, {"segflow.toml": SETTINGS, "catalog/shop.yaml": source})
    (root / "segments").mkdir(exist_ok=True)
    compiled = load(root, None).compiled
    with open_world(compiled.project.settings, root) as world:
        return draft_catalog(world, compiled, "shop", tables)


def findings(root: Path) -> list[str]:
    """What validate says of a project with its sources."""
    loaded = load(root, None)
    with open_world(loaded.compiled.project.settings, root) as world:
        loaded.report.extend(check_sources(world, loaded.compiled))
    return [one.summary for one in loaded.report]


def test_a_draft_is_valid_as_it_stands(promising: Store, tmp_path: Path):
    """On every engine: users by the table with their key, fields of another one, and events."""
    text = draft(tmp_path, promising.source(tmp_path, SHOP))
    write(tmp_path, {"catalog/drafted.yaml": text})
    assert findings(tmp_path) == []
    made = {next(iter(one.items())): one for one in yaml.safe_load_all(text)}
    assert set(made) == {
        ("entity", "account"),
        ("entity", "customer"),
        ("event", "purchase"),
        ("event", "visit"),
    }
    customer = made["entity", "customer"]
    assert customer["population"]["table"] == "customers"
    assert {name: field["type"] for name, field in customer["fields"].items()} == {
        "email": "string",
        "balance": "float",
        "vip": "boolean",
        "birthday": "date",
        "first_seen": "timestamp",
        "score": "float",
        "plan": "string",
    }
    assert customer["fields"]["plan"]["at"]["table"] == "profiles"
    assert customer["fields"]["email"]["pii"] is True
    assert made["entity", "account"]["key"] == {"type": "string"}
    purchase = made["event", "purchase"]
    assert purchase["entities"] == {"customer": "customer_id"}
    assert purchase["at"] == {
        "source": "shop",
        "table": "purchases",
        "time": "purchased_at",
        "id": {"column": "purchase_id", "type": "integer"},
        "unique": True,
    }
    assert "id" not in made["event", "visit"]["at"]


def test_guesses_are_marked(promising: Store, tmp_path: Path):
    """Each is one in a comment of its own; so is money in doubles, and a table left out."""
    text = draft(tmp_path, promising.source(tmp_path, SHOP))
    for said in (
        "# guess: each row of table customers is one customer, since customer_id tells them apart",
        "# guess: table profiles has fields of it",
        "# guess: each row of table visits is one visit of the customer that",
        "# guess: balance is money, stored as doubles",
        "# guess: email is personal",
        "# Left out: table notes has neither",
    ):
        assert said in text
    assert "score is money" not in text
    assert "ann@example.com" not in text


@pytest.mark.parametrize("engine", PARQUET)
def test_files_show_what_is_unique(tmp_path: Path, engine: str):
    """Parquet promises nothing: some rows are looked at, and `unique` is not promised of them."""
    write_table(tmp_path, "customers", {"customer_id": [1, 2], "plan": ["a", None]})
    write_table(tmp_path, "orders", {"order_id": [1, 1], "customer_id": [1, 2], "plan": ["a", "b"]})
    tables = "customers: data/customers.parquet, orders: data/orders.parquet"
    if engine == "spark":
        keep()
    text = draft(tmp_path, f"source: shop\n{PARQUET[engine]}tables: {{{tables}}}\n")
    assert "since customer_id tells them apart in the rows looked at, 10,000 at most" in text
    assert "# Left out: table orders" in text


def test_clickhouse_shows_what_is_unique(tmp_path: Path):
    """No key of a table there keeps rows from having the same: some rows are looked at."""
    statements = (
        'CREATE TABLE customers (customer_id {integer} PRIMARY KEY, "a b: # x" {text},'
        " balance {money}, tags Array(String) NOT NULL)",
        "CREATE TABLE purchases (purchase_id {integer} PRIMARY KEY, customer_id {integer},"
        " purchased_at {time}, amount {money})",
        "CREATE TABLE visits (visit_id {integer} PRIMARY KEY, customer_id {integer}, at {time})",
        "INSERT INTO customers VALUES (1, 'x', 1, ['a']), (2, NULL, 2, [])",
        "INSERT INTO purchases VALUES (1, 1, '2025-01-01 00:00:00', 1)",
        "INSERT INTO visits VALUES (1, 1, '2025-01-01 00:00:00'), (1, 1, '2025-01-02 00:00:00')",
    )
    text = draft(tmp_path, CLICKHOUSE.source(tmp_path, statements))
    assert "since customer_id tells them apart in the rows looked at, 10,000 at most" in text
    write(tmp_path, {"catalog/drafted.yaml": text})
    assert findings(tmp_path) == []
    made = {next(iter(one.items())): one for one in yaml.safe_load_all(text)}
    assert set(made) == {("entity", "customer"), ("event", "purchase"), ("event", "visit")}
    fields = made["entity", "customer"]["fields"]
    assert sorted(one["type"] for one in fields.values()) == [
        "decimal(18,2)",
        "list<string>",
        "string",
    ]
    assert "unique" not in made["event", "purchase"]["at"]
    assert "id" not in made["event", "visit"]["at"]


def test_a_table_of_people_holds_no_events(tmp_path: Path):
    """Even where each of them has a time and belongs to something else."""
    statements = (
        "CREATE TABLE accounts (id {integer} PRIMARY KEY, tier {text})",
        "CREATE TABLE users (id {integer} PRIMARY KEY, account_id {integer}, email {text},"
        " created_at {time})",
        "CREATE TABLE invoices (id {integer} PRIMARY KEY, account_id {integer}, sent_at {time})",
    )
    made = list(yaml.safe_load_all(draft(tmp_path, DUCKDB.source(tmp_path, statements))))
    named = {kind: one for one in made for kind in [next(iter(one.items()))]}
    assert set(named) == {("entity", "account"), ("entity", "user"), ("event", "invoice")}
    assert named["entity", "user"]["fields"]["email"]["pii"] is True


def test_what_the_catalog_reads_is_not_drafted_again(tmp_path: Path):
    """Events of other tables are of the entity that there is already; fields of it are left out,
    as its document is another."""
    write_table(tmp_path, "customers", {"customer_id": [1]})
    statements = (
        "CREATE TABLE visits (id {integer} PRIMARY KEY, customer_id {integer}, t {time})",
        "CREATE TABLE profiles (customer_id {integer} PRIMARY KEY, plan {text})",
    )
    shop = DUCKDB.source(tmp_path, statements)
    documents = "---\n".join((CUSTOMERS, shop)).replace(", purchases: data/purchases.parquet", "")
    text = draft(tmp_path, documents)
    write(tmp_path, {"catalog/drafted.yaml": text})
    assert [next(iter(one.items())) for one in yaml.safe_load_all(text)] == [("event", "visit")]
    assert "# Left out: table profiles has fields of the entity customer, which is there." in text


def test_a_draft_of_nothing_is_refused(tmp_path: Path):
    """A catalog that reads all tables leaves none to draft, and a url may lead to none."""
    with pytest.raises(RefusedError, match="source shop has no table that") as caught:
        draft(tmp_path, DUCKDB.source(tmp_path, ()))
    assert caught.value.hint is not None


def test_tables_are_chosen(tmp_path: Path):
    """Only those that are named; a name that there is not is refused with the nearest."""
    source = DUCKDB.source(tmp_path, SHOP)
    assert "event:" not in draft(tmp_path, source, "customers")
    with pytest.raises(RefusedError, match="no table custmers") as caught:
        draft(tmp_path, source, "custmers")
    assert caught.value.hint == "did you mean `customers`?"


def test_odd_names_are_kept_as_texts(promising: Store, tmp_path: Path):
    """A column with any name can be read; what it is called in the catalog is a name."""
    quote = "`" if promising.engine == "mysql" else '"'
    odd = ("On", "a b: {c}", "# x", "ü", "1st", "yes", "A B C")
    columns = ", ".join(f"{quote}{name}{quote} {{text}}" for name in odd)
    columns = columns.replace("{c}", "{{c}}")
    source = promising.source(
        tmp_path, [f"CREATE TABLE things (id {{integer}} PRIMARY KEY, {columns})"]
    )
    write(tmp_path, {"catalog/drafted.yaml": draft(tmp_path, source)})
    assert findings(tmp_path) == []


WORDS = {
    "duckdb": ("BIGINT", "VARCHAR", "DECIMAL(18,2)", "DOUBLE", "TIMESTAMP_NS", "VARCHAR[]", "BLOB"),
    "sqlite": ("INTEGER", "TEXT", "DECIMAL(9,2)", "REAL", "DATETIME", "DATE", "BOOLEAN", "BLOB"),
    "postgres": (
        "numeric(20,0)",
        "numeric(3,5)",
        "text[]",
        "uuid",
        "real",
        "timestamp(3)",
        "bytea",
    ),
    "mysql": (
        "tinyint(1)",
        "tinyint(4)",
        "decimal(10,0) unsigned",
        "decimal(65,30)",
        "bit(1)",
        "blob",
    ),
    "clickhouse": (
        "Int64",
        "UInt8",
        "Nullable(Decimal(18, 2))",
        "Decimal(76, 10)",
        "LowCardinality(Nullable(String))",
        "DateTime64(3, 'UTC')",
        "Nullable(Date32)",
        "Array(Nullable(Int64))",
        "Array(Float64)",
        "Map(String, Int64)",
    ),
    "spark": (
        "bigint",
        "decimal(20,0)",
        "decimal(18,2)",
        "string",
        "timestamp_ntz",
        "array<bigint>",
        "array<double>",
        "struct<a:int>",
    ),
}


@pytest.mark.parametrize(
    ("engine", "word"), [(engine, word) for engine, words in WORDS.items() for word in words]
)
def test_what_is_declared_fits(engine: str, word: str):
    """The type that is drafted for a column is one that validate accepts of it."""
    declared = declared_type(engine, word)
    assert declared is None or fits(engine, word, declared)


TYPES: st.SearchStrategy[ValueType | None] = st.sampled_from(
    (None, INTEGER, STRING, FLOAT, TIMESTAMP)
)
NAMES = st.sampled_from(("id", "customer_id", "order_id", "at", "price", "é", "x y", "on"))


@st.composite
def tables(draw: st.DrawFn) -> list[Table]:
    """Tables with any columns, of which one may be a key."""
    made = []
    for name in draw(st.lists(st.sampled_from(("customers", "orders", "a", "ü")), unique=True)):
        found = draw(st.dictionaries(NAMES, TYPES, min_size=1))
        columns = tuple(Column(name=one, word="x", type=type_) for one, type_ in found.items())
        keys = [one for one in columns if one.may_be_key]
        unique = draw(st.sampled_from([None, *keys]))
        made.append(Table(name=name, columns=columns, unique=unique, sampled=draw(st.booleans())))
    return made


@given(tables())
def test_any_tables_make_a_valid_draft(tmp_path_factory: pytest.TempPathFactory, made: list[Table]):
    """Each table is in the draft or left out, and the draft loads and compiles."""
    root = tmp_path_factory.mktemp("any")
    guesses = guess(made, {})
    text = written("shop", guesses, {}, lambda kind, name: False)
    source = "source: shop\nengine: sqlite\nurl: shop.db\n"
    write(root, {"segflow.toml": SETTINGS, "catalog/s.yaml": source, "catalog/d.yaml": text})
    (root / "segments").mkdir()
    assert list(load(root, None).report) == []
    named = [table.name for one in guesses.entities for table in one.tables]
    named += [one.table.name for one in guesses.events] + [name for name, _ in guesses.left]
    assert sorted(named) == sorted(table.name for table in made)
