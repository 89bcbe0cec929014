"""Segments over several sources have the reference's members, wherever the data lie."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import pytest

from segflow.model.wording import phrase
from tests.agreement.cells import of_each_form
from tests.agreement.choices import Pick, endless
from tests.agreement.data import world_of
from tests.agreement.hosts import CLICKHOUSE, DUCKDB, MYSQL, POSTGRES, SPARK, SQLITE, Host
from tests.agreement.permitted import permitted
from tests.agreement.routed import opened, routed_sets, spread
from tests.agreement.sides import (
    Pair,
    all_by_reference,
    compiled_for_engines,
    compiled_for_reference,
)
from tests.agreement.steering import shops
from tests.agreement.tally import TELLING, Tally


class Together(NamedTuple):
    """Engines that have a shop together, and how many shops."""

    hosts: Sequence[Host]
    shops: int


SETS = {
    "embedded": Together((DUCKDB, SQLITE, CLICKHOUSE), shops=2),
    "servers": Together((POSTGRES, MYSQL, DUCKDB), shops=3),
    "lake": Together((SQLITE, SPARK), shops=1),
}


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("together", SETS)
def test_members_are_the_same_wherever_the_data_lie(together, tmp_path):
    """Fields, events, consents and suppressions are put into sources by chance, and each source has
    the rows of nothing else; every way of asking a source for a part comes up."""
    hosts, number = SETS[together]
    tally, ways, several = Tally(), Counter(), 0
    forms = of_each_form(permitted(DUCKDB.name).cells, 1)
    for place, example in enumerate(islice(shops([*SETS].index(together), forms), number)):
        tables = example.tables
        for host in hosts:
            tables = host.held(host.of(example.project), tables)
        routed = spread(example.project, hosts, Pick(endless(b"%d of sources" % place)))
        names = [one.name for one in routed.segments()]
        world = world_of(
            example.project, "customer", tables, example.world.snapshots, example.world.logs
        )
        compiled, as_of = compiled_for_engines(routed), example.shop.as_of
        stored = example.shop.stored_as
        with opened(example.project, routed, hosts, tables, tmp_path, stored) as engines:
            routes, found = routed_sets(compiled, world, engines, names, as_of)
        reference = compiled_for_reference(compiled)
        expected, everyone = all_by_reference(reference, world, names, as_of)
        for name in names:
            told = (phrase(compiled.segments[name].where), routes[name])
            assert sorted(found[name]) == sorted(expected[name]), told
            ways.update(part.people for part in routes[name].parts.values())
            several += len({part.source for part in routes[name].parts.values()}) > 1
            tally.count(Pair(name, found[name], expected[name], everyone), ())
    assert ways.keys() == {"own", "mentioned", "sent"}
    assert tally.pairs >= 15 * number
    assert several >= 5 * number
    assert tally.telling >= TELLING, tally.results
