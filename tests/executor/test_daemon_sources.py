"""The daemon and sources that may not be read now, or have not come to the present."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from segflow.engines.around import AroundEngine
from segflow.executor.daemon import Daemon
from segflow.model.catalog import Source
from segflow.model.instant import Instant
from segflow.ports import Engine, Reached
from tests.executor.campaign import HOUR, NOW, Shop, open_shop, write_shop

MINUTE = 60_000
WEEKLY = "rule: weekly\nsegment: lapsed\ntrigger: {every: 30d}\nsend: [{channel: push}]\n"


class Behind(AroundEngine):
    """An engine whose data go no further than it is told."""

    until = Instant(NOW)

    @contextmanager
    def _asking(self) -> Iterator[Engine]:
        yield self._engine

    def reached(self) -> Reached:
        """What was told."""
        return Reached(until=self.until, behind=1, follows=True)


def look_at(shop: Shop, daemon: Daemon, instant: int) -> int:
    """Let the daemon look at the clock; the instant of the segment's members afterwards."""
    shop.clock.set(instant)
    daemon.look()
    return shop.world.state.snapshots()["lapsed"].as_of - NOW


def test_a_source_that_is_closed_is_waited_for_without_an_alarm(tmp_path: Path):
    """The scheduled refresh is made when it opens, and it is not asked before."""
    write_shop(tmp_path, WEEKLY)
    catalog = tmp_path / "catalog/shop.yaml"
    windows = 'engine: duckdb\nlimits: {windows: ["09:00-09:30", "10:15-12:00"]}'
    catalog.write_text(catalog.read_text().replace("engine: duckdb", windows))
    with open_shop(tmp_path) as shop:
        daemon = Daemon(shop.running, shop.hold)
        daemon.begin()
        for minute in range(60, 75):
            assert look_at(shop, daemon, NOW + minute * MINUTE) == 0
        assert shop.log.events().count("segment kept") == 1
        assert look_at(shop, daemon, NOW + 75 * MINUTE) == HOUR
        assert shop.log.events(level="alarm") == []
        assert daemon.condition().troubles == 0
        assert shop.world.state.failed_refreshes() == {}


def test_a_source_that_is_behind_is_waited_for(tmp_path: Path):
    """So that members are those of the scheduled instant, by which rules tell them fresh. After a
    while an earlier one is better than none; it is tried less and less often."""
    write_shop(tmp_path, WEEKLY)
    with open_shop(tmp_path) as shop:
        engines = shop.world.effects.engines
        opened: dict[str, Behind] = {}

        def behind(source: Source) -> Behind:
            if source.name not in opened:
                opened[source.name] = Behind(engines(source))
            return opened[source.name]

        effects = replace(shop.world.effects, engines=behind)
        running = replace(shop.running, effects=effects, rest=opened.clear)
        daemon = Daemon(running, shop.hold)
        daemon.begin()
        Behind.until = Instant(NOW + HOUR - 1)
        assert look_at(shop, daemon, NOW + HOUR) == 0
        Behind.until = Instant(NOW + HOUR)
        assert look_at(shop, daemon, NOW + HOUR + 5_000) == HOUR
        assert shop.log.events().count("segment kept") == 1

        Behind.until = Instant(NOW + 2 * HOUR - 1)
        seconds = range(0, 3_600, 5)
        found = [look_at(shop, daemon, NOW + 2 * HOUR + one * 1_000) for one in seconds]
        assert set(found) == {HOUR, 2 * HOUR - 1}
        assert 300 <= seconds[found.index(2 * HOUR - 1)] <= 400
        assert shop.log.events().count("segment kept") == 7
        assert shop.log.events().count("segment held back") == 1
        assert shop.log.events(level="alarm") == []
