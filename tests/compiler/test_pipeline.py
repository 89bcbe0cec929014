"""What compiling a project gives: order, dependencies, fingerprints, definitions."""

import pytest
from duckdb_engine import Dialect

from segflow.compiler.pipeline import compile_project
from segflow.loader.project import load_project
from segflow.model.address import Address
from segflow.model.codec import canonical, digest
from segflow.model.instant import Instant
from segflow.model.predicate import All, Compare, FieldFeature, InSegment, Test
from segflow.model.project import Project, Settings
from segflow.model.scalar import Const, Text
from segflow.model.types import INTEGER, decimal_type
from tests.compiler.projects import CATALOG, SETTINGS, compiled, project
from tests.selections import select_members

NESTED = """\
segment: a
entity: customer
where: {all: [{segment: b}, {field: spend, gte: 10}]}
---
segment: b
entity: customer
where: {not: {segment: c}}
---
segment: c
entity: customer
where: {did: purchase}
---
rule: r
segment: a
trigger: {every: 1d}
goal: {event: purchase, window: 7d}
send: [{channel: push}]
"""
ONE = "segment: s\nentity: customer\nwhere: {}\n"


def definition(folder, leaf, **parts):
    text = ONE.replace("{}", leaf)
    return compiled(folder, text, **parts).segments["s"].definition


def test_an_empty_project_compiles():
    """No objects, no errors."""
    found, report = compile_project(Project(settings=Settings(name="empty"), objects={}))
    assert found is not None
    assert len(report) == 0
    assert found.segments == {}


def named_segments(segment) -> set[str]:
    return {address.name for address in segment.depends if address.kind == "segment"}


def test_segments_stand_after_those_they_name(tmp_path):
    """Whoever evaluates in order has every nested segment before it is asked for."""
    found = compiled(tmp_path, NESTED)
    assert list(found.segments) == ["c", "b", "a"]
    assert named_segments(found.segments["a"]) == {"b"}


def chain(length, leaf="{not: {segment: s%d}}"):
    """Segments of which each rests on the next."""
    links = [
        f"segment: s{number}\nentity: customer\nwhere: {leaf % (number + 1)}\n"
        for number in range(length)
    ]
    return "---\n".join([*links, f"segment: s{length}\nentity: customer\nwhere: {{did: visit}}\n"])


def test_a_chain_of_segments_may_be_long(tmp_path):
    """The deepest one that is allowed becomes a query that an engine understands."""
    found = compiled(tmp_path, chain(32))
    assert next(iter(found.segments)) == "s32"
    statement = select_members(found, "s0", Instant(0)).statement
    assert str(statement.compile(dialect=Dialect())).count("NOT coalesce") == 32


@pytest.mark.parametrize("length", [33, 3_000])
def test_a_chain_that_is_too_long_is_refused(length, tmp_path):
    """It is reported where the limit is passed, not at everything that rests on that."""
    found, report = compile_project(project(tmp_path, chain(length)))
    assert found is None
    assert len(report) == length // 33
    assert {one.code for one in report} == {"SUP003"}


@pytest.mark.parametrize(
    ("where", "codes"), [("", set()), ("where: {field: age, gte: 18}\n", {"SUP003"})]
)
def test_a_rule_may_not_make_a_chain_too_long(where, codes, tmp_path):
    """With a filter of its own a rule's audience is a level deeper than its segment."""
    rule = f"---\nrule: r\nsegment: s0\ntrigger: {{every: 1d}}\n{where}send: [{{channel: push}}]\n"
    _, report = compile_project(project(tmp_path, chain(32) + rule))
    assert {one.code for one in report} == codes


def test_a_snapshot_ends_a_chain(tmp_path):
    """What is not evaluated at T is no part of the query."""
    assert compiled(tmp_path, chain(100, "{not: {segment: s%d, as: snapshot}}"))


def test_dependencies_are_direct_ones(tmp_path):
    """Each object names what its own text names, in order of address."""
    found = compiled(tmp_path, NESTED)
    named = {str(key): tuple(map(str, value)) for key, value in found.depends.items()}
    assert named["segment.a"] == ("entity.customer", "segment.b")
    assert named["segment.c"] == ("entity.customer", "event.purchase")
    assert named["entity.customer"] == ("event.purchase", "source.warehouse")
    assert named["event.visit"] == ("source.warehouse",)
    assert named["rule.r"] == ("channel.push", "event.purchase", "segment.a")
    assert found.segments["c"].depends == found.depends[Address("segment", "c")]


def test_what_an_object_reaches_is_known(tmp_path):
    """A change of an event reaches the segments over it, those made of them, and their rules."""
    reached = compiled(tmp_path, NESTED).reached_by(Address("event", "purchase"))
    names = {str(address) for address in reached}
    assert {"segment.a", "segment.b", "segment.c", "rule.r", "entity.customer"} <= names


def test_fingerprints_hash_objects_as_written(tmp_path):
    """The fingerprint is that of the canonical JSON of the project's object, literals untyped."""
    found = compiled(tmp_path, NESTED)
    for address, written in found.project.objects.items():
        assert found.fingerprints[address] == digest(canonical(written))


def test_objects_stay_as_written_and_typed_ones_stand_beside(tmp_path):
    """Literals become constants of the type of their slot; the project's object keeps its text."""
    found = compiled(tmp_path, ONE.replace("{}", "{field: spend, gte: 10}"))
    written = found.project.segment("s").where.operators[0].right
    typed = found.segments["s"].where.operators[0].right
    assert isinstance(written, Text)
    assert isinstance(typed, Const)
    assert typed.type == decimal_type(18, 2)


def test_a_typed_predicate_can_be_compiled_again(tmp_path):
    """Constants that are typed already stay as they are."""
    found = compiled(tmp_path, ONE.replace("{}", "{field: age, in: [1, 2]}"))
    values = found.segments["s"].where.operators[0].values
    assert values == (Const(type=INTEGER, value=1), Const(type=INTEGER, value=2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{field: age, gte: 65}", "{field: age, gte: 66}"),
        ("{did: purchase}", "{did: visit}"),
        ("{did: purchase, within: 7d}", "{did: purchase, within: 8d}"),
        ("{segment: t}", "{not: {segment: t}}"),
    ],
)
def test_another_meaning_is_another_definition(one, other, tmp_path):
    """The definition hash tells predicates apart."""
    rest = "---\nsegment: t\nentity: customer\nwhere: {everyone: true}\n"
    texts = [ONE.replace("{}", leaf) + rest for leaf in (one, other)]
    hashes = {compiled(tmp_path, text).segments["s"].definition for text in texts}
    assert len(hashes) == 2


def test_names_words_and_schedules_are_no_part_of_a_definition(tmp_path):
    """What decides nothing about members changes no definition."""
    plain = compiled(tmp_path, ONE.replace("{}", "{did: purchase}")).segments["s"].definition
    dressed = """\
segment: t
description: Buyers
entity: customer
owner: growth
refresh: {every: 1d}
protect: {max_change: 10%}
where: {all: [{did: purchase}]}
"""
    assert compiled(tmp_path, dressed).segments["t"].definition == plain


@pytest.mark.parametrize(
    ("before", "after", "leaf"),
    [
        ("table: purchases, time: at", "table: orders, time: at", "{did: purchase}"),
        ("purchase\nentities: {customer: customer_id}", "purchase\nentities: {customer: buyer}",
         "{did: purchase}"),
        ("column: amount}", "column: total}", "{sum: purchase.amount, gte: 1}"),
        ("column: country}", "column: land}", "{field: country, eq: de}"),
        ("within: 90d", "within: 30d", "{field: spend, gte: 10}"),
        ("since: first_seen", "since: created", "{everyone: true}"),
        ("purchases: purchases.parquet", "purchases: other.parquet", "{did: purchase}"),
        ("unique: true", "unique: false", "{did: purchase}"),
        ("unique: true", "unique: true, version: rev", "{did: purchase}"),
        ("unique: true", "unique: true, when: {kind: paid}", "{did: purchase}"),
        ("column: amount}", "column: amount, encoding: text}", "{sum: purchase.amount, gte: 1}"),
        ("column: country}", "column: country, path: code}", "{field: country, eq: de}"),
    ],
)  # fmt: skip
def test_what_a_segment_uses_of_the_catalog_is_in_its_definition(before, after, leaf, tmp_path):
    """Moving a column, a table, a window or a source changes the definitions that rest on it."""
    assert before in CATALOG
    changed = CATALOG.replace(before, after)
    assert definition(tmp_path, leaf) != definition(tmp_path, leaf, catalog=changed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("column: weight}", "column: kilograms}"),
        ("within: 90d", "within: 30d"),
        ("table: visits", "table: views"),
        ("unique: true", "unique: true, arrived: came, lateness: 2d"),
        ("key: id, column: age}}", "key: id, column: age}, pii: true}"),
    ],
)
def test_what_a_segment_does_not_use_is_not(before, after, tmp_path):
    """Other parts of the catalog may change without touching a definition."""
    assert before in CATALOG
    changed = CATALOG.replace(before, after)
    leaf = "{all: [{sum: purchase.amount, gte: 1}, {field: age, gte: 65}]}"
    assert definition(tmp_path, leaf) == definition(tmp_path, leaf, catalog=changed)


def test_a_nested_definition_is_part_of_the_outer_one(tmp_path):
    """A change far below changes every definition above."""
    before = compiled(tmp_path, NESTED)
    after = compiled(tmp_path, NESTED.replace("{did: purchase}", "{did: visit}"))
    for name in "abc":
        assert before.segments[name].definition != after.segments[name].definition


@pytest.mark.parametrize(
    ("leaf", "old", "new"),
    [
        ("{sequence: [{did: visit}, {did: purchase}]}", "time: at}", "time: seen_at}"),
        (
            "{sequence: [{did: visit}, {did: visit}], by: {visit: amount}}",
            "{type: integer, column: amount}",
            "{type: integer, column: sum}",
        ),
        ("{same: {visit: sku}, where: {everyone: true}}", "time: at}", "time: seen_at}"),
        (
            "{last: visit, has: {property: sku, eq: a}}",
            "column: sku}\n  amount",
            "column: s}\n  amount",
        ),
        ("{rank: {count: visit}, top: 5}", "time: at}", "time: seen_at}"),
        ("{rank: {field: age}, top: 5, among: {did: visit}}", "time: at}", "time: seen_at}"),
        ("{mode: visit.amount, eq: 5}", "integer, column: amount", "integer, column: sum"),
    ],
)
def test_what_leaves_over_events_read_is_part_of_the_definition(leaf, old, new, tmp_path):
    """Whatever an event or a property is stored as decides who is in."""
    assert old in CATALOG
    moved = definition(tmp_path, leaf, catalog=CATALOG.replace(old, new))
    assert definition(tmp_path, leaf) != moved


def test_whether_a_nested_set_is_frozen_is_part_of_the_outer_definition(tmp_path):
    """A frozen set and a definition that is asked again differ for whoever names the segment; its
    last snapshot is the same thing in both modes."""
    text = (
        "segment: s\nentity: customer\nmode: {}\nwhere: {{did: purchase}}\n---\n"
        "segment: t\nentity: customer\nwhere: {{segment: s}}\n---\n"
        "segment: u\nentity: customer\nwhere: {{segment: s, as: snapshot}}\n"
    )
    dynamic = compiled(tmp_path, text.format("dynamic")).segments
    static = compiled(tmp_path, text.format("static")).segments
    assert dynamic["t"].definition != static["t"].definition
    assert dynamic["u"].definition == static["u"].definition


def test_a_list_is_part_of_the_definition_by_its_content(tmp_path):
    """One more key in the file is another definition."""
    (tmp_path / "vips.csv").write_text("1\n2\n")
    before = definition(tmp_path, "{in_file: vips.csv}")
    (tmp_path / "vips.csv").write_text("1\n2\n3\n")
    assert definition(tmp_path, "{in_file: vips.csv}") != before


def test_a_list_of_the_population_is_one_of_the_segment(tmp_path):
    """Whoever evaluates the segment needs every list that says who is in, the population's too."""
    (tmp_path / "vips.csv").write_text("1\n2\n")
    catalog = CATALOG.replace(
        "since: first_seen}", "since: first_seen, where: {in_file: vips.csv}}"
    )
    made = compiled(tmp_path, ONE.replace("{}", "{did: purchase}"), catalog=catalog)
    assert made.segments["s"].lists == ("vips.csv",)


@pytest.mark.parametrize(
    ("leaf", "matters"),
    [
        ("{did: purchase, calendar: this_month}", True),
        ("{did: purchase, within: 1mo}", True),
        ("{did: purchase, since: 2026-01-01}", True),
        ("{field: born, anniversary: today}", True),
        ("{field: seen, before: 2026-01-01}", True),
        ("{field: seen, gte: 2026-01-01}", True),
        ("{field: born, in_last: 7d}", True),
        ("{did: purchase, periods: {every: day, last: 2, at_least: 1}}", True),
        ("{did: purchase, periods: {every: 1mo, last: 2, at_least: 1}}", True),
        ("{sequence: [{did: purchase}], calendar: today}", True),
        ("{sequence: [{did: purchase, in_last: 1mo}]}", True),
        ("{last: purchase, since: 2026-01-01, has: {property: sku, eq: a}}", True),
        ("{same: {purchase: sku}, where: {did: purchase, calendar: today}}", True),
        ("{rank: {count: purchase, calendar: today}, top: 10%}", True),
        ("{rank: {field: age}, top: 10%, among: {did: purchase, within: 1mo}}", True),
        ("{mode: purchase.due, in_last: 7d}", True),
        ("{did: purchase, periods: {every: 7d, last: 2, at_least: 1}}", False),
        ("{sequence: [{did: purchase}, {did: visit, max_gap: 1d}], within: 7d}", False),
        ("{did: purchase, within: 30d}", False),
        ("{did: purchase, since: 2026-01-01T00:00:00Z}", False),
        ("{field: seen, in_last: 7d}", False),
        ("{field: born, gte: 2026-01-01}", False),
    ],
)
def test_the_time_zone_counts_where_it_matters(leaf, matters, tmp_path):
    """A project that moves to another zone redefines only what asks for local time."""
    elsewhere = SETTINGS + 'timezone = "Asia/Shanghai"\n'
    moved = definition(tmp_path, leaf, settings=elsewhere)
    assert (definition(tmp_path, leaf) != moved) == matters


def test_what_is_written_but_broken_is_not_called_missing(tmp_path):
    """A fault that the loader has reported is not reported again by everything that rests on it."""
    project(tmp_path, ONE.replace("{}", "{did: purchase}"))
    (tmp_path / "catalog" / "shop.yaml").write_text(CATALOG.replace("engine: duckdb", "engin: x"))
    loaded, report = load_project(tmp_path)
    assert report.has_errors
    found, report = compile_project(loaded)
    assert found is None
    assert len(report) == 0


RULE = """\
---
rule: r
segment: s
trigger: {every: 1d}
send: [{channel: push}]
"""


def rule_definition(folder, text):
    return compiled(folder, ONE.replace("{}", "{did: purchase}") + text).rules["r"].definition


def test_a_rules_audience_is_its_segment_and_its_filter(tmp_path):
    """The filter is typed; without one the audience is the segment alone."""
    found = compiled(
        tmp_path, ONE.replace("{}", "{did: visit}") + RULE + "where: {field: age, gte: 18}\n"
    )
    audience = found.rules["r"].audience
    adults = Test(
        feature=FieldFeature(field="age"),
        operators=(Compare(op="gte", right=Const(type=INTEGER, value=18)),),
    )
    assert audience.where == All(items=(InSegment(segment="s"), adults))
    assert audience.segment.entity == "customer"
    assert named_segments(audience) == {"s"}
    plain = compiled(tmp_path, ONE.replace("{}", "{did: visit}") + RULE)
    assert plain.rules["r"].audience.where == InSegment(segment="s")


def test_a_rules_definition_is_of_its_audience(tmp_path):
    """It changes with the filter, and with the segment's definition; not with what is sent."""
    first = rule_definition(tmp_path, RULE)
    assert rule_definition(tmp_path, RULE.replace("1d", "2d") + "holdout: 10%\n") == first
    assert rule_definition(tmp_path, RULE + "where: {field: age, gte: 18}\n") != first
    visitors = ONE.replace("{}", "{did: visit}") + RULE
    assert compiled(tmp_path, visitors).rules["r"].definition != first


def test_a_rule_knows_its_templates_and_what_they_name(tmp_path):
    """So that whoever renders messages knows which fields of users to ask for."""
    sent = RULE.replace("{channel: push}", "{channel: push, template: a.j2}")
    files = {"templates/a.j2": "{{ user.country }} {{ user.age }} {{ run.id }} {{ user.age }}"}
    rule = compiled(tmp_path, ONE.replace("{}", "{did: visit}") + sent, files=files).rules["r"]
    assert rule.templates == ("templates/a.j2",)
    assert rule.user_fields == ("age", "country")
