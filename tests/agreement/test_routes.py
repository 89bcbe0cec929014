"""Segments over several sources have the reference's members, wherever the data lie."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from segflow.model.wording import phrase
from tests.agreement.choices import Pick
from tests.agreement.data import world_of
from tests.agreement.hosts import CLICKHOUSE, DUCKDB, MYSQL, POSTGRES, SPARK, SQLITE, Host
from tests.agreement.routed import opened, routed_sets, spread
from tests.agreement.sides import (
    Pair,
    all_by_reference,
    compiled_for_engines,
    compiled_for_reference,
)
from tests.agreement.tally import TELLING, Tally
from tests.strategies import examples

SEGMENTS = 24
SHOPS = 5


class Together(NamedTuple):
    """Engines that have a shop together, and how many shops; in these there are at least so many
    pairs, and segments whose parts are answered by more than one source, and such a share of the
    results tells some users from others. The first shop that is drawn tells nothing."""

    hosts: Sequence[Host]
    shops: int = SHOPS
    pairs: int = 80
    several: int = 18
    telling: float = TELLING


SETS = {
    "embedded": Together((DUCKDB, SQLITE, CLICKHOUSE)),
    "servers": Together((POSTGRES, MYSQL, DUCKDB)),
    "lake": Together((SQLITE, SPARK), shops=2, pairs=20, several=5, telling=0.5),
}


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("together", SETS)
def test_members_are_the_same_wherever_the_data_lie(together, tmp_path):
    """Fields, events, consents and suppressions are put into sources by chance, and each source has
    the rows of nothing else; every way of asking a source for a part comes up."""
    hosts, shops, least, split, telling = SETS[together]
    tally, ways, several = Tally(), Counter(), 0

    def run(example, entropy) -> None:
        nonlocal several
        tables = example.tables
        for host in hosts:
            tables = host.held(host.of(example.project), tables)
        routed = spread(example.project, hosts, Pick(entropy))
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
            if found[name] != expected[name]:
                note(f"{name}: {phrase(compiled.segments[name].where)}")
                note(f"{routes[name]}")
            assert sorted(found[name]) == sorted(expected[name])
            ways.update(part.people for part in routes[name].parts.values())
            several += len({part.source for part in routes[name].parts.values()}) > 1
            tally.count(Pair(name, found[name], expected[name], everyone), ())

    run.__name__ = f"shops_in_{together}"
    entropy = st.binary(min_size=200, max_size=200)
    count = shops * settings.default.max_examples // 100
    settings(max_examples=count, suppress_health_check=list(HealthCheck))(
        given(examples(SEGMENTS), entropy)(run)
    )()
    assert ways.keys() == {"own", "mentioned", "sent"}
    assert several >= split
    assert tally.pairs >= least
    assert tally.telling >= telling, tally.results
