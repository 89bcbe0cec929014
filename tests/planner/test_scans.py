"""Which tables a plan says that refreshes will read more than they did."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.model.cost import Cost
from segflow.model.plan import Impact
from tests.planner.worlds import CATALOG, compile_text, plan, question

NOBODY = Impact(size_now=None, size_after=0, entered=0, left=0)
READS = {
    "everyone: true": {"customers"},
    "field: country, eq: US": {"customers"},
    "did: purchase": {"customers", "purchases"},
}


def shop(folder, wheres):
    """A shop with a segment for each of the conditions."""
    texts = (
        f"segment: {name}\nentity: customer\nwhere: {{{where}}}\n"
        for name, where in sorted(wheres.items())
    )
    return compile_text(folder, CATALOG + "---\n".join(texts))


def refreshed(wheres):
    """What the last refresh of each segment cost, had it been asked for alone."""
    return {
        name: [Cost(question=question("warehouse", *sorted(READS[where])), ids=1)]
        for name, where in wheres.items()
    }


def told(tmp_path_factory, before, after, asked):
    """The scans of a plan, by segment and in its order."""
    folder = tmp_path_factory.mktemp("scans")
    found = plan(shop(folder / "before", before), shop(folder / "after", after), {}, asked)
    return {one.address.name: one.scans for one in found.changes if one.action != "delete"}


wheres = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(sorted(READS)))


@given(wheres, wheres)
def test_a_table_is_added_once_where_nobody_read_it(tmp_path_factory, before, after):
    """Segments say of what they read anew whether it was read before them, and by how many more it
    will be."""
    found = told(tmp_path_factory, before, after, refreshed(before))
    readers = Counter(table for where in after.values() for table in READS[where])
    read = {table for where in before.values() for table in READS[where]}
    for name, scans in found.items():
        own = READS[before[name]] if name in before else set()
        assert {one.table for one in scans} == READS[after[name]] - own
        for one in scans:
            assert one.is_added == (one.table not in read)
            assert one.others == readers[one.table] - 1
        read |= {one.table for one in scans}


def test_what_is_not_known_is_not_told(tmp_path_factory):
    """Of what an older version deployed nobody kept what it reads, so that nothing is called new;
    what is not changed is read as it is written."""
    before = {"a": "did: purchase", "b": "everyone: true"}
    after = before | {"a": "field: country, eq: US", "c": "did: purchase"}
    assert set(told(tmp_path_factory, before, after, {}).values()) == {()}

    (scans,) = told(tmp_path_factory, before, before | {"c": "did: purchase"}, {}).values()
    assert [(one.table, one.is_added) for one in scans] == [
        ("customers", False),
        ("purchases", False),
    ]


@pytest.mark.parametrize("asked", [None, "warehouse", "lake"])
def test_a_plan_has_the_costs_of_its_own_sources(tmp_path_factory, asked):
    """By them its apply chooses as it did; of a source that is gone they are left out."""
    folder = tmp_path_factory.mktemp("costs")
    before, after = {"a": "everyone: true"}, {"a": "everyone: true", "b": "did: purchase"}
    costs = {} if asked is None else {"a": [Cost(question=question(asked, "customers"), ids=1)]}
    shops = shop(folder / "before", before), shop(folder / "after", after)
    kept = plan(*shops, {"b": NOBODY}, costs).costs
    assert [one.source for one in kept] == (["warehouse"] if asked == "warehouse" else [])
    assert plan(shops[0], shops[0], {}, costs).costs == ()
