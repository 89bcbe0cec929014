"""A small shop with rules, for tests that run them: real files, a real engine, a real state.

Customers 0 to 59 exist since 2025. Customer n bought for the last time n * 6 hours before NOW, so
that those from 28 on have not bought for a week. Odd ones have a name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from pyroaring import BitMap64

from segflow.app.apply import apply
from segflow.app.plan import make_plan
from segflow.app.validate import load
from segflow.app.wiring import RecordingChannels, World, open_world
from segflow.clock import VirtualClock
from segflow.executor.deployed import compile_deployed, read_deployed
from segflow.executor.effects import no_progress
from segflow.executor.lease import Hold, holding
from segflow.executor.runs.freshness import recorded_sets
from segflow.executor.runs.run_rule import run_rule
from segflow.executor.runs.running import Running
from segflow.loader.settings import load_settings
from segflow.membership.bitmaps import from_bytes
from segflow.model.channel import Channel as ChannelObject
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant, instant_of
from segflow.model.run import Run, RunReport
from segflow.ports import Channel, Channels, Delivery, Message
from tests import warehouse

NOW = instant_of(datetime(2026, 3, 10, 9, tzinfo=UTC))
HOUR, DAY = 3_600_000, 86_400_000
CUSTOMERS = 60
LAPSED = range(28, CUSTOMERS)

_FIELDS = """\
fields:
  name: {type: string, at: {source: warehouse, table: customers, key: customer_id, column: name}}
"""

_CHANNELS_AND_OFFERS = """\
---
channel: coupon
kind: coupon
---
channel: push
kind: webhook
url: "http://127.0.0.1:9/"
idempotency: native
---
channel: letter
kind: webhook
url: "http://127.0.0.1:9/"
---
offer: five
codes: {generate: {pattern: "FIVE-********", count: 40}}
value: 5.00
expires: 30d
"""

CATALOG = (
    warehouse.CUSTOMERS + _FIELDS + warehouse.PURCHASES + warehouse.LAPSED + _CHANNELS_AND_OFFERS
)

RULE = """\
rule: winback
segment: lapsed
trigger: {cron: "0 9 * * *"}
send: [{channel: push}]
"""


def write_shop(
    root: Path, rules: str = RULE, templates: Mapping[str, str] = {}, *, codes: int = 40
) -> None:
    """The project's files and data, as of NOW, with so many codes of the offer `five`."""
    catalog = CATALOG.replace("count: 40", f"count: {codes}")
    files = {"catalog/shop.yaml": catalog, "rules/rules.yaml": rules}
    files |= {f"templates/{name}": text for name, text in templates.items()}
    warehouse.write(root, {"segflow.toml": warehouse.SETTINGS} | files)
    write_customers(root)
    write_purchases(root)


def write_customers(root: Path, gone: frozenset[int] = frozenset()) -> None:
    """Everybody was first seen long ago; `gone` are not there any more."""
    there = [key for key in range(CUSTOMERS) if key not in gone]
    since = datetime(2025, 1, 1, tzinfo=UTC)
    table = {
        "customer_id": pa.array(there, pa.int64()),
        "first_seen": pa.array([since] * len(there), pa.timestamp("ms", tz="UTC")),
        "name": pa.array([f"n{key}" if key % 2 else None for key in there], pa.string()),
    }
    warehouse.write_table(root, "customers", table)


def write_purchases(root: Path, more: Mapping[int, Instant] = {}) -> None:
    """One purchase of everybody, and `more` by customer."""
    now = datetime(2026, 3, 10, 9, tzinfo=UTC)
    rows = [(key, now - timedelta(hours=6 * key)) for key in range(CUSTOMERS)]
    rows += [(key, datetime.fromtimestamp(at / 1000, UTC)) for key, at in more.items()]
    table = {
        "purchase_id": pa.array(range(len(rows)), pa.int64()),
        "customer_id": pa.array([key for key, _ in rows], pa.int64()),
        "purchased_at": pa.array([at for _, at in rows], pa.timestamp("ms", tz="UTC")),
    }
    warehouse.write_table(root, "purchases", table)


@dataclass
class Post(Channels):
    """Channels whose receiver answers by a list, and then "delivered"; what it was given is kept.

    An answer may be a function, to do something in the middle of a delivery.
    """

    idempotent: bool = True
    answers: list[object] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def open(self, channel: ChannelObject) -> Channel:
        """A coupon channel is the real one's stand-in; the others are this receiver."""
        if channel.kind == "coupon":
            return RecordingChannels(None).open(channel)
        return _Posting(self)

    def is_live(self, channel: ChannelObject) -> bool:
        """It is."""
        return channel.kind != "coupon"


class _Posting:
    def __init__(self, post: Post) -> None:
        self._post = post
        self.idempotent = post.idempotent

    def deliver(self, message: Message) -> Delivery:
        self._post.messages.append(message)
        answer = self._post.answers.pop(0) if self._post.answers else "delivered"
        if callable(answer):
            answer = answer(message)
        return Delivery(status=answer, detail="said so")

    def close(self) -> None:
        """Nothing was opened."""


@dataclass
class Waits:
    """A pause that moves the clock instead of waiting, and says stop when it is told to."""

    clock: VirtualClock
    stopped: bool = False
    waited: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> bool:
        if self.stopped:
            return False
        if seconds:
            self.waited.append(seconds)
            self.clock.set(self.clock.now() + round(seconds * 1000))
        return True


@dataclass
class Told:
    """A log that keeps what it is told."""

    lines: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, event: str, *, level: str = "info", **facts: object) -> None:
        self.lines.append({"event": event, "level": level, **facts})

    def events(self, *, level: str | None = None) -> list[object]:
        """The names of the events, those of one level alone where it is given."""
        return [line["event"] for line in self.lines if level in (None, line["level"])]


@dataclass
class Shop:
    """A shop that is open: run rules with run(), and look at what became of them."""

    world: World
    compiled: Compiled
    clock: VirtualClock
    post: Post
    pause: Waits
    log: Told
    running: Running
    hold: Hold

    def run(self, rule: str = "winback", at: Instant = NOW) -> RunReport | None:
        """Run a rule for an instant."""
        return run_rule(self.running, self.hold, self.compiled, rule, at)

    def users(self, report: RunReport, bucket: str, arm: str | None = None) -> set[int]:
        """Who is in a bucket, of one arm alone where it is given."""
        found = BitMap64()
        for record in report.buckets:
            if record.bucket == bucket and arm in (None, record.arm):
                found |= from_bytes(self.world.snapshots.get(record.digest))
        return set(found)


def decided(shop: Shop) -> Run:
    """A run that has stopped after its decision, before anything was claimed."""

    def stop(name: str) -> None:
        shop.pause.stopped = shop.pause.stopped or name == "run.after.decide"

    effects = replace(shop.running.effects, failpoint=stop)
    shop.running = replace(shop.running, effects=effects)
    assert shop.run() is None
    shop.pause.stopped = False
    (run,) = shop.world.ledger.unfinished_runs()
    shop.running = replace(shop.running, effects=shop.world.effects)
    return run


def counts(report: RunReport | None) -> dict[str, int]:
    """How many are in each bucket."""
    assert report is not None
    found: dict[str, int] = {}
    for record in report.buckets:
        found[record.bucket] = found.get(record.bucket, 0) + record.count
    return found


def reasons(report: RunReport | None) -> dict[str, int]:
    """How many left for each reason."""
    assert report is not None
    found: dict[str, int] = {}
    for record in report.buckets:
        found[record.reason] = found.get(record.reason, 0) + record.count
    return found


@contextmanager
def open_shop(root: Path, *, post: Post | None = None) -> Iterator[Shop]:
    """The shop in a folder, deployed as it is written."""
    deploy(root)
    with reopened(root, post=post) as shop:
        yield shop


@contextmanager
def reopened(root: Path, *, post: Post | None = None) -> Iterator[Shop]:
    """The shop in a folder as it was deployed before."""
    clock = VirtualClock(NOW)
    with open_world(load_settings(root, None, []), root, clock) as world:
        compiled = compile_deployed(read_deployed(world.state), world.state)
        post, pause, log = post or Post(), Waits(clock), Told()
        running = Running(
            effects=world.effects,
            channels=post,
            kept=recorded_sets(world.effects, compiled),
            pause=pause,
            log=log,
            progress=no_progress,
            rest=world.rest,
        )
        with holding(world.effects, "test", "runner") as hold:
            yield Shop(world, compiled, clock, post, pause, log, running, hold)


def deploy(root: Path) -> None:
    """Apply what is written, as of NOW."""
    compiled = load(root, None).compiled
    with open_world(compiled.project.settings, root, VirtualClock(NOW)) as world:
        apply(world, make_plan(world, compiled, NOW, impact=False))


def five(shop: Shop) -> dict[str, int]:
    """The stock of the offer."""
    stock = shop.world.ledger.stock("five")
    return {"free": stock.free, "reserved": stock.reserved, "committed": stock.committed}
