"""The SQL that segments become: a few statements to read, and what holds for all."""

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from duckdb_engine import Dialect
from pyroaring import BitMap64

from segflow.compiler.targets.lookup import events_of, look_up, user_of
from segflow.engines.duckdb import DuckDbEngine
from segflow.model.instant import parse_instant
from tests.compiler.projects import compiled
from tests.selections import select_members

T = parse_instant("2026-01-31T00:00:00Z")


def selection(folder, where, rest=""):
    text = f"segment: s\nentity: customer\nwhere: {where}\n{rest}"
    return select_members(compiled(folder, text), "s", T)


def sql(folder, where, rest=""):
    statement = selection(folder, where, rest).statement
    rendered = statement.compile(dialect=Dialect(), compile_kwargs={"literal_binds": True})
    return " ".join(str(rendered).split())


NOW = "TIMESTAMP WITH TIME ZONE) < '2026-01-31 00:00:00.001000+00:00'"
POPULATION = (
    "WITH population AS (SELECT DISTINCT customers.id AS key FROM customers"
    f" WHERE customers.id IS NOT NULL AND CAST(customers.first_seen AS {NOW})"
)


def test_everyone_is_the_population(tmp_path):
    """Each key once that has a key and exists at T."""
    assert sql(tmp_path, "{everyone: true}") == (
        f"{POPULATION} SELECT population.key FROM population WHERE true"
    )


def test_a_lapse_is_no_last_time_in_the_window(tmp_path):
    """The window and T are constants; who has no event at all has no last one."""
    assert sql(tmp_path, "{did_not: purchase, within: 7d}") == (
        f"{POPULATION}, purchase AS (SELECT purchases.customer_id AS key,"
        " CAST(purchases.at AS TIMESTAMP WITH TIME ZONE) AS time FROM purchases"
        f" WHERE CAST(purchases.at AS {NOW}"
        " AND CAST(purchases.at AS TIMESTAMP WITH TIME ZONE)"
        " >= '2026-01-24 00:00:00.001000+00:00'),"
        " purchase_facts AS (SELECT purchase.key AS key, max(purchase.time) AS f1"
        " FROM purchase GROUP BY purchase.key)"
        " SELECT population.key FROM population"
        " LEFT OUTER JOIN purchase_facts ON purchase_facts.key = population.key"
        " WHERE NOT coalesce(purchase_facts.f1 IS NOT NULL, false)"
    )


def test_one_scan_per_event_serves_every_feature(tmp_path):
    """Nested segments and derived fields share scans; an equal feature is computed once."""
    nested = "---\nsegment: t\nentity: customer\nwhere: {did_not: purchase, within: 7d}\n"
    where = (
        "{all: [{segment: t}, {did_not: purchase, within: 7d}, {field: spend, gte: 10},"
        " {field: age, gte: 65}, {field: country, eq: de}, {did: visit}]}"
    )
    text = sql(tmp_path, where, nested)
    assert text.count("FROM purchases") == 1
    assert text.count("FROM visits") == 1
    assert text.count("JOIN customers AS customers_fields") == 1
    assert text.count("max(") == 2


def test_negation_makes_unknown_false_first(tmp_path):
    """`not` and `ne` are complements: who has no value is in them."""
    assert sql(tmp_path, "{field: country, ne: de}").endswith(
        'WHERE NOT coalesce((CAST(customers_fields.country AS VARCHAR) COLLATE "C")'
        " = 'de', false)"
    )
    assert sql(tmp_path, "{not: {field: age, gte: 65}}").endswith(
        "WHERE NOT coalesce(CAST(customers_fields.age AS BIGINT) >= 65, false)"
    )


def test_an_average_is_never_divided(tmp_path):
    """The sum is compared with count times value."""
    assert sql(tmp_path, "{avg: purchase.amount, gte: 0.1}").endswith(
        "WHERE CAST(purchase_facts.f1 AS NUMERIC(38, 2))"
        " >= purchase_facts.f1_values * CAST(0.1 AS NUMERIC(1, 1))"
    )


def test_a_number_beyond_the_digits_of_a_decimal_decides_at_once(tmp_path):
    """No decimal(38, 2) is that large, so nothing need be compared."""
    huge = "9" * 38
    assert sql(tmp_path, f"{{sum: purchase.amount, lt: {huge}}}").endswith("IS NOT NULL")
    assert sql(tmp_path, f"{{sum: purchase.amount, gte: {huge}}}").endswith("WHERE false")


def test_a_number_has_the_digits_it_is_written_with(tmp_path):
    """A literal finer than the column is compared as it is, not rounded to the column's scale."""
    assert sql(tmp_path, "{field: balance, gt: 1.005}").endswith(
        "WHERE CAST(nullif(customers_fields.cash, CAST('NaN' AS DOUBLE PRECISION))"
        " AS NUMERIC(18, 2)) > CAST(1.005 AS NUMERIC(4, 3))"
    )


@pytest.mark.parametrize(
    ("bounds", "test"),
    [
        ("10%", "< '199999999999999a'"),
        ("[10%, 100%]", ">= '199999999999999a'"),
        ("50%", "< '8000000000000000'"),
    ],
)
def test_a_sample_compares_digits_of_the_hash(tmp_path, bounds, test):
    """Percentages become thresholds of 64 bits, written as the digits that MD5 gives."""
    text = sql(tmp_path, f"{{sample: {bounds}, salt: x}}")
    assert text.endswith(f"md5(concat('x', chr(0), CAST(population.key AS VARCHAR))) {test}")


def test_all_of_the_population_is_a_sample_of_100_percent(tmp_path):
    """Nothing is left to compare."""
    assert sql(tmp_path, "{sample: 100%}").endswith("FROM population WHERE true")


def test_kept_sets_are_asked_for_by_name(tmp_path):
    """Lists, static segments and snapshots are sets that the engine is given; each named once."""
    (tmp_path / "vips.csv").write_text("1\n")
    rest = (
        "---\nsegment: frozen\nentity: customer\nmode: static\nwhere: {did: visit}\n"
        "---\nsegment: moving\nentity: customer\nwhere: {did: purchase}\n"
    )
    where = (
        "{all: [{in_file: vips.csv}, {segment: frozen}, {segment: moving, as: snapshot},"
        " {not: {segment: frozen}}]}"
    )
    found = selection(tmp_path, where, rest)
    assert found.sets == ("list.vips.csv", "segment.frozen", "segment.moving")
    assert "purchases" not in str(found.statement)


def test_a_static_segment_is_evaluated_by_its_own_predicate(tmp_path):
    """Its frozen set stands for it in others, not in the question who is in it now."""
    text = "segment: s\nentity: customer\nmode: static\nwhere: {did: visit}\n"
    found = select_members(compiled(tmp_path, text), "s", T)
    assert found.sets == ()
    assert "visits" in str(found.statement)


def test_tables_of_fields_must_have_one_row_per_key(tmp_path):
    """The selection names every table whose fields it reads."""
    assert selection(tmp_path, "{field: age, gte: 65}").one_row == (("customers", "id", "integer"),)
    assert selection(tmp_path, "{did: visit}").one_row == ()


def test_literals_are_bound_and_not_written(tmp_path):
    """No text of a user stands in the statement."""
    where = '{all: [{field: country, eq: "\'; DROP"}, {did: purchase, where: {property: sku, contains: "\'x"}}]}'  # noqa: E501
    compiled_statement = selection(tmp_path, where).statement.compile(dialect=Dialect())
    assert "DROP" not in str(compiled_statement)
    assert {"'; DROP", "'x"} <= {value for value in compiled_statement.params.values()}


def test_numbers_are_bound_exactly(tmp_path):
    """A decimal stays a decimal on its way to the engine."""
    statement = selection(tmp_path, "{field: balance, in: [0.1, 0.3]}").statement
    values = set(statement.compile(dialect=Dialect()).params.values())
    assert {Decimal("0.1"), Decimal("0.3")} <= values
    assert not any(isinstance(value, float) for value in values)


@pytest.mark.parametrize(
    ("test", "condition"),
    [
        ("lte: 9999-12-31T23:59:59.999Z", "IS NOT NULL"),
        ("gt: 9999-12-31T23:59:59.999Z", "WHERE false"),
        ('gte: "9999-12-31T23:59:59-23:59"', "WHERE false"),
        ("gte: 0001-01-01", "IS NOT NULL"),
        ("lt: 0001-01-01", "WHERE false"),
        ('lt: "0001-01-01T00:00:00+23:59"', "WHERE false"),
    ],
)
def test_instants_at_the_calendars_ends_are_no_trouble(tmp_path, test, condition):
    """What no timestamp can be before or after is decided without a comparison."""
    assert sql(tmp_path, f"{{field: seen, {test}}}").endswith(condition)


# --- names -----------------------------------------------------------------------------------

ODD_CATALOG = """\
source: warehouse
engine: duckdb
tables: {population: population.parquet, Purchase: purchase.parquet, "select": select.parquet}
---
entity: customer
key: {type: integer}
population: {source: warehouse, table: population, key: key, since: time}
fields:
  time: {type: timestamp, at: {source: warehouse, table: population, key: key, column: time}}
  last: {type: integer, at: {source: warehouse, table: "select", key: time, column: 'a "b" %'}}
  total: {type: integer, is: {sum: purchase.amount}}
---
event: purchase
entities: {customer: event}
at: {source: warehouse, table: Purchase, time: key, id: {column: copy, type: integer}}
properties:
  amount: {type: integer, column: time}
  key: {type: integer, column: p_amount}
"""


def test_names_of_tables_and_columns_are_free(tmp_path):
    """Tables and columns may have the names that queries use for their own parts."""
    seen = pa.array([0, 0, 0], pa.timestamp("ms", tz="UTC"))
    tables = {
        "population": pa.table({"key": [1, 2, 3], "time": seen}),
        "purchase": pa.table(
            {
                "event": [1, 1, 2],
                "key": seen,
                "copy": [7, 7, 8],
                "time": [10, 10, 20],
                "p_amount": [1, 1, 2],
            }
        ),
        "select": pa.table({"time": [1, 2, 3], 'a "b" %': [100, 200, 300]}),
    }
    for name, content in tables.items():
        pq.write_table(content, tmp_path / f"{name}.parquet")
    where = (
        "{any: [{all: [{field: total, eq: 10}, {field: last, eq: 100},"
        " {first: purchase.key, eq: 1}]}, {field: last, gte: 300}]}"
    )
    text = f"segment: s\nentity: customer\nwhere: {where}\n"
    project = compiled(tmp_path, text, catalog=ODD_CATALOG)
    engine = DuckDbEngine(project.project.source("warehouse"), tmp_path)
    assert engine.members(select_members(project, "s", T), {}) == BitMap64([1, 3])
    lookup = look_up(project, "s", 1)

    def ask(source, statement):
        return engine.rows(statement)

    user = user_of(lookup, ask)
    assert user.fields["last"] == 100
    rows = events_of(lookup, ask)
    assert [row.properties for row in rows] == [{"amount": 10, "key": 1}] * 2
    engine.close()
