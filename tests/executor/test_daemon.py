"""The daemon, one look at the clock after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segflow.app.apply import apply
from segflow.app.plan import make_plan
from segflow.app.validate import load
from segflow.errors import StateUnavailableError
from segflow.executor.daemon import LOOK_EVERY, MISSED, OVERLAPPED, SILENT_FOR, Daemon, serve
from segflow.executor.effects import Effects
from segflow.executor.lease import holding
from segflow.model.instant import Instant
from tests.executor.campaign import (
    CUSTOMERS,
    DAY,
    HOUR,
    LAPSED,
    NOW,
    RULE,
    Post,
    Shop,
    open_shop,
    write_purchases,
    write_shop,
)
from tests.executor.zones import knowing_utc_only

HOURLY = """\
rule: hourly
segment: lapsed
trigger: {every: 1h}
send: [{channel: push}]
"""

NINE = RULE.replace("winback", "nightly").replace("0 9 * * *", "0 0 * * *")
CLAIM = "run.before.claim.28"
QUOTED = ["ann@example.com"] * CUSTOMERS
BERLIN = RULE.replace('"0 9 * * *"', '"0 10 * * *", timezone: Europe/Berlin')


@contextmanager
def watching(root: Path, post: Post | None = None) -> Iterator[tuple[Shop, Daemon]]:
    """A daemon over the shop in a folder, a second after NOW."""
    with open_shop(root, post=post) as shop:
        shop.clock.set(NOW + 1_000)
        daemon = Daemon(shop.running, shop.hold)
        daemon.begin()
        yield shop, daemon


def look_at(shop: Shop, daemon: Daemon, instant: int) -> None:
    """Let the daemon look at the clock at an instant."""
    shop.clock.set(instant)
    daemon.look()


def delivered_late(shop: Shop) -> str:
    """The answer of a receiver that takes three hours."""
    shop.clock.set(shop.clock.now() + 3 * HOUR)
    return "delivered"


def runs(shop: Shop, rule: str = "winback") -> list[tuple[int, str]]:
    """The runs of a rule, oldest first: scheduled, from NOW on, and status."""
    found = [(run.scheduled - NOW, run.status) for run in shop.world.ledger.runs(rule)]
    return sorted(found)


def test_a_rule_runs_at_its_time_and_not_before(tmp_path: Path):
    """What was scheduled before the rule was deployed is not for it."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        look_at(shop, daemon, NOW + DAY - 1)
        assert runs(shop) == []
        look_at(shop, daemon, NOW + DAY)
        look_at(shop, daemon, NOW + DAY + 1_000)
        assert runs(shop) == [(DAY, "done")]
        assert len(shop.post.messages) == len(LAPSED) + 4


def test_segments_are_refreshed_on_their_schedule(tmp_path: Path):
    """As of the scheduled instant, so that a replay finds the same."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        look_at(shop, daemon, NOW + 6 * HOUR + 5_000)
        snapshot = shop.world.state.snapshots()["lapsed"]
        assert (snapshot.as_of, snapshot.size) == (NOW + 6 * HOUR, len(LAPSED) + 1)


def test_after_a_while_down_the_newest_is_run_and_the_others_are_told(tmp_path: Path):
    """One record tells of all that was missed."""
    write_shop(tmp_path, HOURLY)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        look_at(shop, daemon, NOW + 5 * HOUR + 60_000)
        assert runs(shop, "hourly") == [(4 * HOUR, "skipped"), (5 * HOUR, "done")]
        (skipped,) = [run for run in shop.world.ledger.runs() if run.status == "skipped"]
        assert skipped.reason == f"{MISSED}: 4 since 2026-03-10T10:00:00Z"


def test_what_is_later_than_catch_up_is_not_run(tmp_path: Path):
    """A daily rule whose daemon came back two hours late waits for tomorrow."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        look_at(shop, daemon, NOW + DAY + 2 * HOUR)
        assert runs(shop) == [(DAY, "skipped")]
        assert shop.post.messages == []
        look_at(shop, daemon, NOW + 2 * DAY)
        assert runs(shop) == [(DAY, "skipped"), (2 * DAY, "done")]


def test_a_clock_that_goes_back_runs_nothing_twice(tmp_path: Path):
    """Nor does one that jumps forward and back again."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        look_at(shop, daemon, NOW + DAY)
        sent = len(shop.post.messages)
        for instant in (NOW, NOW + DAY, NOW + DAY - HOUR, NOW + DAY + 1):
            look_at(shop, daemon, instant)
        assert runs(shop) == [(DAY, "done")]
        assert len(shop.post.messages) == sent


def test_a_clock_that_was_far_ahead_keeps_nothing_from_running(tmp_path: Path):
    """Neither a run of next year nor a rule that was deployed then, as it seemed."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        look_at(shop, daemon, NOW + 365 * DAY + 1_000)
        (tmp_path / "rules/rules.yaml").write_text(RULE + "---\n" + NINE)
        now, compiled = Instant(shop.clock.now()), load(tmp_path, None).compiled
        apply(shop.world, make_plan(shop.world, compiled, now, False))
        daemon.look()
        look_at(shop, daemon, NOW + 1_000)
        look_at(shop, daemon, NOW + 15 * HOUR)
        look_at(shop, daemon, NOW + DAY)
        assert runs(shop)[0] == (DAY, "done")
        assert runs(shop, "nightly") == [(15 * HOUR, "done")]


def test_what_comes_while_a_run_is_going_is_passed_over(tmp_path: Path):
    """A run that takes three hours keeps an hourly rule from piling up."""
    write_shop(tmp_path, HOURLY)
    post = Post()
    with watching(tmp_path, post) as (shop, daemon):
        daemon.look()

        post.answers.append(lambda message: delivered_late(shop))
        look_at(shop, daemon, NOW + HOUR)
        assert runs(shop, "hourly") == [(HOUR, "done"), (4 * HOUR, "skipped")]
        skipped = shop.world.ledger.runs("hourly", 1)[0]
        assert str(skipped.reason).startswith(OVERLAPPED)
        look_at(shop, daemon, NOW + 5 * HOUR)
        assert runs(shop, "hourly")[-1] == (5 * HOUR, "done")


def test_a_run_waits_for_its_source_and_goes_on(tmp_path: Path):
    """A source that is away for some minutes delays the run; it is not asked at every look."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        (tmp_path / "data/purchases.parquet").rename(tmp_path / "data/away")
        look_at(shop, daemon, NOW + DAY)
        look_at(shop, daemon, NOW + DAY + 1_000)
        assert shop.log.events().count("run waits") == 1
        assert daemon.condition().open_runs == 1
        (tmp_path / "data/away").rename(tmp_path / "data/purchases.parquet")
        look_at(shop, daemon, NOW + DAY + 60_000)
        assert runs(shop) == [(DAY, "done")]
        assert daemon.condition().open_runs == 0


def test_a_source_may_go_away_again_behind_the_decision(tmp_path: Path):
    """The decision stands: everybody is sent to once, and is in the account."""
    rule = RULE.replace("channel: push", "channel: push, template: hello.j2")
    write_shop(tmp_path, rule, {"hello.j2": "{{ user.name | default('you') }}"})
    customers, away = tmp_path / "data/customers.parquet", tmp_path / "data/away"
    with open_shop(tmp_path) as shop:

        def go_away(name: str) -> None:
            if name == "run.after.decide":
                customers.rename(away)

        effects = replace(shop.running.effects, failpoint=go_away)
        daemon = Daemon(replace(shop.running, effects=effects), shop.hold)
        daemon.begin()
        daemon.look()
        customers.rename(away)
        look_at(shop, daemon, NOW + DAY)
        for minute in (1, 3):
            away.rename(customers)
            look_at(shop, daemon, NOW + DAY + minute * 60_000)
        (run,) = shop.world.ledger.runs()
        counted = sum(record.count for record in shop.world.ledger.buckets(run.id))
        assert (run.status, run.audience, counted) == ("done", len(LAPSED) + 4, len(LAPSED) + 4)
        assert len(shop.post.messages) == counted


def test_a_rule_that_had_to_wait_for_others_is_not_run_too_late(tmp_path: Path):
    """Another one took three hours: behind `catch_up` its run is recorded as skipped."""
    write_shop(tmp_path, HOURLY.replace("every: 1h", "every: 24h") + "---\n" + NINE)
    post = Post()
    with watching(tmp_path, post) as (shop, daemon):
        daemon.look()

        post.answers.append(lambda message: delivered_late(shop))
        look_at(shop, daemon, NOW + 15 * HOUR)
        assert runs(shop, "hourly") == [(15 * HOUR, "done")]
        assert runs(shop, "nightly") == [(15 * HOUR, "skipped")]


def test_a_run_whose_state_was_away_is_finished(tmp_path: Path):
    """Although the next instant of its rule has come meanwhile."""
    write_shop(tmp_path, HOURLY)
    with open_shop(tmp_path) as shop:
        daemon = Daemon(replace(shop.running, effects=failing_at(shop, CLAIM)), shop.hold)
        daemon.begin()
        daemon.look()
        look_at(shop, daemon, NOW + HOUR)
        assert "look failed" in shop.log.events(level="warning")
        look_at(shop, daemon, NOW + 2 * HOUR)
        assert runs(shop, "hourly") == [(HOUR, "done"), (2 * HOUR, "skipped")]


def test_a_source_that_stays_away_fails_the_run_with_an_alarm(tmp_path: Path):
    """Behind `catch_up` nobody is sent to any more."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        (tmp_path / "data/purchases.parquet").unlink()
        for minute in (0, 1, 5, 30, 61, 62):
            look_at(shop, daemon, NOW + DAY + minute * 60_000)
        assert runs(shop) == [(DAY, "failed")]
        assert "run failed" in shop.log.events(level="alarm")
        assert "segment not refreshed" in shop.log.events(level="alarm")
        assert shop.post.messages == []


def test_neither_log_nor_state_quote_what_a_source_holds(tmp_path: Path):
    """A column that holds something else by now: the engine's words show a value of it."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        file = tmp_path / "data/purchases.parquet"
        rows = pq.read_table(file)
        position = rows.schema.get_field_index("purchased_at")
        pq.write_table(rows.set_column(position, "purchased_at", pa.array(QUOTED)), file)
        look_at(shop, daemon, NOW + DAY)
        assert runs(shop) == [(DAY, "failed")]
        told = f"{shop.log.lines} {shop.world.ledger.runs()}"
        assert told.count("UnusableDataError") == 3
        assert QUOTED[0] not in told


def test_the_daemon_follows_what_is_deployed(tmp_path: Path):
    """A rule that is applied while it runs is run; one that is deleted is not any more."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        (tmp_path / "rules/rules.yaml").write_text(HOURLY)
        world = shop.world
        apply(world, make_plan(world, load(tmp_path, None).compiled, Instant(NOW + 1), False))
        look_at(shop, daemon, NOW + DAY)
        assert runs(shop, "winback") == []
        assert runs(shop, "hourly")[-1] == (DAY, "done")


def test_an_apply_keeps_a_refresh_waiting(tmp_path: Path):
    """Rules run all the same; the refresh is made when the state is free again."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        shop.clock.set(NOW + DAY)
        with holding(shop.world.effects, "apply"):
            daemon.look()
        assert runs(shop) == [(DAY, "done")]
        assert shop.world.state.snapshots()["lapsed"].as_of == NOW
        look_at(shop, daemon, NOW + DAY + 1_000)
        assert shop.world.state.snapshots()["lapsed"].as_of == NOW + DAY


def test_a_state_that_can_not_be_read_is_tried_again(tmp_path: Path):
    """The daemon lives on, and says so."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        (tmp_path / ".segflow/snapshots").rename(tmp_path / ".segflow/away")
        (tmp_path / ".segflow/snapshots").write_text("in the way")
        look_at(shop, daemon, NOW + DAY)
        assert "look failed" in shop.log.events(level="warning")
        (tmp_path / ".segflow/snapshots").unlink()
        (tmp_path / ".segflow/away").rename(tmp_path / ".segflow/snapshots")
        look_at(shop, daemon, NOW + DAY + 60_000)
        assert runs(shop) == [(DAY, "done")]


def test_a_run_that_was_left_behind_is_taken_up(tmp_path: Path):
    """Whatever process began it."""
    write_shop(tmp_path)
    with open_shop(tmp_path) as shop:
        shop.pause.stopped = True
        assert shop.run(at=NOW) is None
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        assert runs(shop) == [(0, "done")]
        assert len(shop.post.messages) == len(LAPSED)


@pytest.mark.parametrize("stage", ["run.after.begin", "run.after.decide"])
def test_a_run_of_a_zone_that_is_not_known_here_is_closed(tmp_path: Path, stage: str):
    """The machine that takes it up may have older time zone data: the daemon lives on."""
    write_shop(tmp_path, BERLIN)
    with open_shop(tmp_path) as shop:
        shop.running = replace(shop.running, effects=failing_at(shop, stage))
        with pytest.raises(StateUnavailableError):
            shop.run()
    with knowing_utc_only(tmp_path / "zones"), watching(tmp_path) as (shop, daemon):
        daemon.look()
        (run,) = shop.world.ledger.runs()
        counted = sum(record.count for record in shop.world.ledger.buckets(run.id))
        assert "Europe/Berlin" in str(run.reason)
        assert counted == (run.audience or 0)
        assert {"rule can't run", "run failed"} & set(shop.log.events(level="alarm"))
        assert shop.post.messages == []


def failing_at(shop: Shop, failpoint: str) -> Effects:
    """Effects whose state can't be used at a failpoint, once."""
    left = [failpoint]

    def fail(name: str) -> None:
        if name in left:
            left.remove(name)
            raise StateUnavailableError("the state database is busy")

    return replace(shop.world.effects, failpoint=fail)


def test_it_looks_after_every_pause_until_it_has_to_stop(tmp_path: Path):
    """Whatever the machine's local time does, which in autumn is an hour behind itself."""
    write_shop(tmp_path, HOURLY)
    with open_shop(tmp_path) as shop:
        looks = 3

        def pause(seconds: float) -> bool:
            nonlocal looks
            if seconds == LOOK_EVERY:
                looks -= 1
                shop.clock.set(shop.clock.now() + HOUR)
            return looks >= 0

        running = replace(shop.running, pause=pause)
        serve(Daemon(running, shop.hold), running)
        assert runs(shop, "hourly") == [(hour * HOUR, "done") for hour in (1, 2, 3)]
        assert shop.log.events()[-1] == "daemon stopped"


def test_it_tells_how_it_is(tmp_path: Path):
    """In a line for the log: a run that waits for its source is trouble."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        daemon.tell()
        (tmp_path / "data/purchases.parquet").unlink()
        look_at(shop, daemon, NOW + DAY)
        daemon.tell()
        told = [line for line in shop.log.lines if str(line["event"]).startswith("daemon ")][1:]
        assert [(line["event"], line["open_runs"]) for line in told] == [
            ("daemon is well", 0),
            ("daemon has trouble", 1),
        ]


def test_a_daemon_that_shows_no_sign_of_work_is_not_well(tmp_path: Path):
    """Minutes without a look, and without progress in a long run."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        assert daemon.condition().is_healthy
        shop.clock.set(shop.clock.now() + int(SILENT_FOR) * 1_000)
        assert not daemon.condition().is_healthy


def test_a_daemon_whose_looks_all_fail_is_not_well(tmp_path: Path):
    """It moves and does nothing. One look that goes well makes it well again."""
    write_shop(tmp_path)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        snapshots, away = tmp_path / ".segflow/snapshots", tmp_path / ".segflow/away"
        snapshots.rename(away)
        snapshots.write_text("in the way")
        found = []
        for later in (0, 100, 299, 300, 400):
            look_at(shop, daemon, NOW + DAY + later * 1_000)
            found.append((daemon.condition().is_healthy, daemon.condition().troubles))
        assert [well for well, _ in found] == [True, True, True, False, False]
        assert all(troubles for _, troubles in found)
        assert shop.log.events(level="alarm") == ["daemon is stuck"]
        snapshots.unlink()
        away.rename(snapshots)
        look_at(shop, daemon, NOW + DAY + 500_000)
        assert (daemon.condition().is_healthy, daemon.condition().troubles) == (True, 0)


def test_a_daemon_that_waits_is_well(tmp_path: Path):
    """A message a quarter of an hour is slow, and no silence."""
    write_shop(tmp_path)
    catalog = tmp_path / "catalog/shop.yaml"
    catalog.write_text(catalog.read_text().replace("kind: webhook", "kind: webhook\nrate: 96/d"))
    with open_shop(tmp_path) as shop:

        def pause(seconds: float) -> bool:
            well.append(daemon.condition().is_healthy)
            shop.pause(seconds)
            well.append(daemon.condition().is_healthy)
            return True

        well: list[bool] = []
        daemon = Daemon(replace(shop.running, pause=pause), shop.hold)
        daemon.begin()
        daemon.look()
        look_at(shop, daemon, NOW + DAY)
        assert sum(shop.pause.waited) == (len(LAPSED) + 3) * 900
        assert all(well)


def test_a_segment_that_misses_its_refresh_is_tried_less_and_less_often(tmp_path: Path):
    """A source that is down is spared."""
    write_shop(tmp_path, HOURLY.replace("every: 1h", "every: 30d"))
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        write_purchases(tmp_path)
        (tmp_path / "data/purchases.parquet").unlink()
        for second in range(600):
            look_at(shop, daemon, NOW + HOUR + second * 1_000)
        assert shop.log.events().count("segment not refreshed") == 7


@pytest.mark.parametrize("rule", [RULE, HOURLY])
def test_a_daemon_that_is_never_late_does_what_the_buckets_say(tmp_path: Path, rule: str):
    """Each run's buckets add up to its audience."""
    write_shop(tmp_path, rule)
    with watching(tmp_path) as (shop, daemon):
        daemon.look()
        for hour in range(1, 26):
            look_at(shop, daemon, NOW + hour * HOUR)
        for run in shop.world.ledger.runs():
            buckets = shop.world.ledger.buckets(run.id)
            assert sum(record.count for record in buckets) == run.audience
