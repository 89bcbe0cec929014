"""One shape for equal meanings."""

import pytest

from segflow.model.operator import CountTest
from segflow.model.predicate import (
    Aggregate,
    AnyOf,
    Compare,
    Everyone,
    FieldFeature,
    Not,
    Sample,
    Test,
)
from segflow.model.window import Within
from tests.compiler.projects import compiled

SAME = [
    ("{all: [{all: [{vip: 1}, {old: 1}]}, {vip: 1}]}", "{all: [{vip: 1}, {old: 1}]}"),
    ("{any: [{vip: 1}, {any: [{old: 1}]}]}", "{any: [{vip: 1}, {old: 1}]}"),
    ("{all: [{vip: 1}]}", "{vip: 1}"),
    ("{none: [{vip: 1}, {old: 1}]}", "{not: {any: [{vip: 1}, {old: 1}]}}"),
    ("{not: {not: {vip: 1}}}", "{vip: 1}"),
    ("{not: {none: [{vip: 1}, {old: 1}]}}", "{any: [{vip: 1}, {old: 1}]}"),
    ("{did: purchase}", "{did: purchase, at_least: 1}"),
    ("{did: purchase, more_than: 2}", "{did: purchase, at_least: 3}"),
    ("{did: purchase, fewer_than: 3}", "{did: purchase, at_most: 2}"),
    ("{did_not: purchase}", "{did: purchase, exactly: 0}"),
    ("{did: [visit, purchase]}", "{did: [purchase, visit]}"),
    ("{did: visit, ago: {from: 7d}}", "{did: visit, within: 7d}"),
    ("{field: age, in: [3, 1, 2, 1]}", "{field: age, in: [1, 2, 3]}"),
    ("{field: balance, gte: 1.50}", "{field: balance, gte: 1.5}"),
    ("{field: balance, eq: -0.00}", "{field: balance, eq: 0}"),
    ("{field: score, eq: 1e2}", "{field: score, eq: 100.0}"),
    ("{field: seen, gte: 2026-01-01}", '{field: seen, gte: "2026-01-01T00:00:00Z"}'),
    ("{field: seen, eq: 2026-01-01T01:00:00+01:00}", "{field: seen, eq: 2026-01-01T00:00:00Z}"),
    ("{sample: 10%}", "{sample: 10%, salt: s}"),
    ("{sample: 10%}", "{sample: [0%, 10%]}"),
    (
        "{did: visit, more_than: 1, periods: {every: day, last: 3, fewer_than: 3}}",
        "{did: visit, at_least: 2, periods: {every: day, last: 3, at_most: 2}}",
    ),
    ("{sequence: [{did: [visit, purchase]}]}", "{sequence: [{did: [purchase, visit, visit]}]}"),
    ("{sequence: [{did: visit}], ago: {from: 7d}}", "{sequence: [{did: visit}], within: 7d}"),
    (
        "{same: {visit: sku, purchase: sku}, where: {did_not: visit}, more_than: 1}",
        "{same: {purchase: sku, visit: sku}, where: {did: visit, exactly: 0}, at_least: 2}",
    ),
    (
        "{last: visit, ago: {from: 7d}, has: {not: {not: {property: sku, eq: a}}}}",
        "{last: visit, within: 7d, has: {property: sku, eq: a}}",
    ),
    (
        "{rank: {count: [visit, purchase]}, top: 5, among: {sample: 10%}}",
        "{rank: {count: [purchase, visit]}, top: [0, 5], among: {sample: 10%, salt: s}}",
    ),
]
SHORT = {"{vip: 1}": "{field: vip, eq: true}", "{old: 1}": "{field: age, gte: 65}"}


def where_of(folder, leaf):
    for short, long in SHORT.items():
        leaf = leaf.replace(short, long)
    return compiled(folder, f"segment: s\nentity: customer\nwhere: {leaf}\n").segments["s"].where


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_meanings_have_one_shape(one, other, tmp_path):
    """Two ways to write the same give equal predicates."""
    assert where_of(tmp_path, one) == where_of(tmp_path, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{not: {vip: 1}}", "{field: vip, eq: false}"),
        ("{field: age, ne: 1}", "{field: age, eq: 1}"),
        ("{field: country, eq: de}", "{field: country, eq: de, ignore_case: true}"),
        ("{field: country, eq: 1.0}", "{field: country, eq: 1.00}"),
        ("{did: visit, within: 7d}", "{did: visit, within: 1w}"),
        ("{sample: 10%, salt: a}", "{sample: 10%, salt: b}"),
    ],
)
def test_other_meanings_keep_their_shape(one, other, tmp_path):
    """What is not known to be the same is not made the same."""
    assert where_of(tmp_path, one) != where_of(tmp_path, other)


def test_items_keep_their_order(tmp_path):
    """An explanation shows the parts in the order in which they were written."""
    first, second = where_of(tmp_path, "{any: [{old: 1}, {vip: 1}]}").items
    assert first.feature == FieldFeature(field="age")
    assert second.feature == FieldFeature(field="vip")


def test_wheres_of_events_are_normalised_too(tmp_path):
    """Also within an aggregate, and in one on the right side of a comparison."""
    plain = "{sum: purchase.amount, where: {property: sku, in: [a, b]}}"
    odd = "{sum: purchase.amount, where: {all: [{property: sku, in: [b, a, b]}]}}"
    left = where_of(tmp_path, "{field: balance, gt: " + plain + "}")
    assert left == where_of(tmp_path, "{field: balance, gt: " + odd + "}")
    assert isinstance(left.operators[0], Compare)


def test_the_sample_of_a_population_is_salted_with_the_entity(tmp_path):
    """Nested and population samples keep the name that they were written under."""
    catalog = """\
source: w
engine: duckdb
url: w.duckdb
---
entity: account
key: {type: integer}
population: {source: w, table: accounts, key: id, where: {sample: 50%}}
"""
    text = """\
segment: inner
entity: account
where: {sample: 10%}
---
segment: outer
entity: account
where: {not: {any: [{segment: inner}, {everyone: true}]}}
"""
    found = compiled(tmp_path, text, catalog=catalog)
    population = found.entities["account"].population.where
    assert isinstance(population, Sample)
    assert population.salt == "account"
    assert found.segments["inner"].where.salt == "inner"
    assert isinstance(found.segments["outer"].where, Not)
    assert Everyone() in found.segments["outer"].where.item.items


def test_a_union_of_windows_stays_what_it_was(tmp_path):
    """Normalising touches no bound."""
    where = where_of(tmp_path, "{any: [{did: visit, within: 7d}, {did: purchase}]}")
    assert isinstance(where, AnyOf)
    visit, purchase = where.items
    assert isinstance(visit, Test)
    assert isinstance(visit.feature, Aggregate)
    assert isinstance(visit.feature.window, Within)
    assert purchase.operators == (CountTest(op="at_least", count=1),)
    assert purchase.feature.window is None
