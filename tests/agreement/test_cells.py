"""What the agreement is steered by: the cells of the language, and shops that are about them."""

from itertools import islice

import pytest

from segflow.compiler.passes import supported
from segflow.model.duration import Duration
from segflow.model.predicate import (
    Aggregate,
    Compare,
    FieldFeature,
    Not,
    PropertyFeature,
    Sample,
    Scaled,
    Test,
)
from segflow.model.scalar import Text
from segflow.model.window import Within
from tests.agreement.cells import Cell, cells_of
from tests.agreement.choices import Pick, endless
from tests.agreement.hosts import HOSTS
from tests.agreement.minimal import told
from tests.agreement.permitted import permitted
from tests.agreement.predicates import DECLARED, FORMS, leaf
from tests.agreement.shop import shop
from tests.agreement.steering import Steering, shops

SKU = Test(
    feature=PropertyFeature(property="sku"), operators=(Compare(op="eq", right=Text(text="a")),)
)
SPENT = Aggregate(
    kind="sum",
    events=("purchase",),
    property="amount",
    where=SKU,
    window=Within(duration=Duration(count=7, unit="d")),
)
MORE_THAN_POINTS = Compare(op="gt", right=Scaled(feature=FieldFeature(field="points")))


def test_a_predicate_is_in_the_cells_of_its_words():
    """Forms inside of others are told by where they stand; what chooses events is of no type."""
    node = Not(item=Test(feature=SPENT, operators=(MORE_THAN_POINTS,)))
    assert cells_of(node, "customer", DECLARED) == {
        Cell("not"),
        Cell("sum", "", "decimal"),
        Cell("sum", "where"),
        Cell("sum", "within"),
        Cell("sum", "another feature", "decimal"),
        Cell("property in where", "", "string"),
        Cell("property in where", "eq", "string"),
        Cell("field on the right", "", "integer"),
    }


@pytest.mark.parametrize(
    ("cell", "is_permitted"),
    [
        (Cell("field", "contains", "string"), True),
        (Cell("field", "contains", "integer"), False),
        (Cell("sum", "gt", "decimal"), True),
        (Cell("sum", "gt", "float"), False),
        (Cell("sum", "in_last", "decimal"), False),
        (Cell("first", "has_any", "list<integer>"), True),
        (Cell("changed", "from", "date"), True),
        (Cell("changed", "from", "list<string>"), False),
        (Cell("field in held", "anniversary", "date"), True),
        (Cell("field in held", "in_last", "date"), False),
        (Cell("count on the right", "times"), True),
        (Cell("last on the right", "times", "string"), False),
        (Cell("members", "every"), True),
        (Cell("did with periods", "timezone"), True),
        (Cell("did with periods", "within"), False),
    ],
)
def test_the_compiler_says_what_is_permitted(cell, is_permitted):
    """Cells are of the language where a segment with them has no error."""
    assert (cell in permitted("duckdb").cells) == is_permitted


def test_what_an_engine_is_refused_is_no_cell_of_it(monkeypatch):
    """Forms that are not supported are told apart from those that there are not."""

    def of_site(site):
        return [(site.path, "`sample`")] if isinstance(site.node, Sample) else []

    monkeypatch.setattr(supported, "_of_site", of_site)
    found = permitted.__wrapped__("duckdb")
    assert {Cell("sample"), Cell("sample", "salt")} <= found.refused
    assert not found.cells & found.refused
    assert Cell("sample", "contains") not in found.refused


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_a_leaf_is_drawn_around_every_cell(host):
    """Nothing that an engine permits is left out, and no form is drawn that it does not."""
    of, cells = shop(Pick(endless(b"shop"))), permitted(host.name).cells
    for cell in sorted(cells):
        made = leaf(Pick(endless(str(cell).encode())), of, ["s0"], cell)
        assert cell in cells_of(made, "customer", DECLARED)
    assert {cell.form for cell in cells} == set(FORMS)


def test_wishes_are_for_what_was_met_least():
    """A cell that was met is not wished for before others were met as often."""
    cells = [Cell(name) for name in "abc"]
    steering = Steering(cells)
    steering.met([Cell("a"), Cell("a"), Cell("b"), Cell("of others")])
    wishes = [steering.wish(Pick(())) for _ in cells]
    assert wishes == [Cell("c"), Cell("b"), Cell("a")]


def test_shops_are_always_the_same_for_a_seed():
    """Another seed gives others; each shop is about all of a few cells."""
    cells = {Cell("sum", "gte", "integer"), Cell("mode", "matches", "string"), Cell("exited")}
    one, again, other = (list(islice(shops(seed, cells), 2)) for seed in (1, 1, 2))
    assert list(map(told, one)) == list(map(told, again))
    assert told(one[0]) != told(other[0])
    for shop_ in one:
        assert cells <= set().union(*map(shop_.cells, shop_.segments))
