"""Whatever a rule says and its receiver answers: the account is exact, and codes are not lost."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segflow.app.validate import load
from segflow.executor.runs.run_rule import go_on
from segflow.model.instant import Instant
from segflow.model.run import RunReport
from segflow.ports import Message
from tests.executor.campaign import DAY, NOW, Post, Shop, counts, deploy, five, reopened, write_shop

STOCKS = (3, 20, 200)
ANSWERS = ("delivered", "failed", "retry", "unknown")
PLAIN = "{channel: push}"
TOLD = "{channel: push, template: hello.j2}"
COUPON = "{channel: coupon, offer: five}"
SENDS = ([PLAIN], [COUPON], [COUPON, TOLD], [COUPON, TOLD, "{channel: letter}"])
LIMITS = (
    "cap: [{at_most: 1, per: 7d}]\n",
    "cap: [{at_most: 1, per: 2d, scope: all}]\n",
    "budget: {coupons: 7, per: day}\n",
    "budget: {coupons: 30}\n",
    "max_recipients: 9\n",
    "max_recipients: 25\n",
)


@dataclass
class Moody(Post):
    """A receiver that gives its answers over and over, and has work stop at some messages. Who may
    have been reached, and by which text, is kept."""

    moods: Sequence[str] = ("delivered",)
    stops: frozenset[int] = frozenset()
    shop: Shop | None = None
    reached: dict[tuple[int, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    arrived: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    texts: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.answers = [self.answer] * 10_000

    def answer(self, message: Message) -> str:
        """The next answer."""
        answer = self.moods[len(self.messages) % len(self.moods)]
        if answer in ("delivered", "unknown"):
            self.reached[int(message.key), message.run_id].append(answer)
            self.arrived[message.send_id].append(answer)
            if message.body is not None:
                self.texts[message.body].add(int(message.key))
        if len(self.messages) in self.stops:
            assert self.shop is not None
            self.shop.pause.stopped = True
        return answer


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A rule for those who lapsed."""
    arms = [
        f"  - {{name: arm{number}, weight: {draw(st.integers(1, 5))}, send: [{', '.join(send)}]}}\n"
        for number, send in enumerate(draw(st.lists(st.sampled_from(SENDS), min_size=1)))
    ]
    head = 'rule: winback\nsegment: lapsed\ntrigger: {cron: "0 9 * * *"}\n'
    holdout = draw(st.sampled_from((0, 0, 20, 50, 100)))
    limits = {line.partition(":")[0]: line for line in draw(st.lists(st.sampled_from(LIMITS)))}
    return f"{head}holdout: {holdout}%\nvariants:\n{''.join(arms)}{''.join(limits.values())}"


RECEIVERS = st.fixed_dictionaries(
    {
        "idempotent": st.booleans(),
        "moods": st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=15),
        "stops": st.frozensets(st.integers(1, 60), max_size=4),
    }
)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Deployed shops by their number of codes."""
    made = {}
    for codes in STOCKS:
        made[codes] = tmp_path_factory.mktemp("shop") / "shop"
        write_shop(made[codes], codes=codes)
        deploy(made[codes])
    return made


def finished(shop: Shop, at: Instant) -> RunReport:
    """The run of an instant, however often it is interrupted."""
    report = shop.run(at=at)
    while report is None:
        shop.pause.stopped = False
        (run,) = shop.world.ledger.unfinished_runs()
        report = go_on(shop.running, shop.hold, shop.compiled, run)
    return report


@contextmanager
def shop_of(deployed: Path, rule: str, post: Moody) -> Iterator[Shop]:
    """A copy of a shop with a rule of its own."""
    with TemporaryDirectory() as folder:
        root = shutil.copytree(deployed, Path(folder) / "shop")
        (root / "templates").mkdir()
        (root / "templates/hello.j2").write_text("{{ offer.code }}")
        (root / "rules/rules.yaml").write_text(rule)
        with reopened(root, post=post) as shop:
            shop.compiled = load(root, None).compiled
            post.shop = shop
            yield shop


@settings(max_examples=settings.default.max_examples // 5)
@given(codes=st.sampled_from(STOCKS), rule=rules(), receiver=RECEIVERS)
def test_every_account_is_exact(shops: dict[int, Path], codes: int, rule: str, receiver):
    """On two days: everybody is in one bucket and no code is lost, or told to two; whoever is said
    to have got nothing has got nothing, and whoever is unknown may have."""
    post = Moody(**receiver)
    with shop_of(shops[codes], rule, post) as shop:
        for day in range(2):
            at = Instant(NOW + day * DAY)
            shop.clock.set(at)
            report = finished(shop, at)

            assert report.run.status == "done"
            assert sum(counts(report).values()) == report.run.audience
            assert {one.arm for one in report.exposures} >= {"holdout", "arm0"}
            stock = five(shop)
            assert (sum(stock.values()), stock["reserved"]) == (codes, 0)
            _check_buckets(shop, report, post)
    if not post.idempotent:
        _check_once(post)
    assert all(len(users) == 1 for users in post.texts.values())


def _check_once(post: Moody) -> None:
    """Nobody has had a message twice."""
    assert all(len(answers) == 1 for answers in post.arrived.values())


def _check_buckets(shop: Shop, report: RunReport, post: Moody) -> None:
    """Of the messages that may have reached somebody the account tells."""
    reached = {user for user, run in post.reached if run == report.run.id}
    sent = ("delivered", "failed", "unknown")
    for bucket in counts(report):
        if bucket not in sent:
            assert reached.isdisjoint(shop.users(report, bucket))
    for user in shop.users(report, "unknown"):
        assert "unknown" in post.reached[user, report.run.id]
