"""A deployed shop whose rules send to a real receiver, for tests of what goes wrong there."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from segflow.app.daemon import run_live
from segflow.model.run import RunReport
from segflow.ports import Pause
from tests.channels.receiver import Receiver, receiving
from tests.executor.campaign import NOW, deploy, write_shop
from tests.faults import shop
from tests.faults.worker import go_on, world_at

LATER = NOW + 31_000
"""When the lease of a process that died at NOW has run out."""

USERS = {29, 31, 33}
CODES = 5

RULES = """\
rule: push_coupon
segment: lapsed
where: {field: name, in: [n29, n31, n33]}
trigger: {cron: "0 9 * * *"}
send: [{channel: coupon, offer: five}, {channel: push, template: hello.j2}]
---
rule: letter_coupon
segment: lapsed
where: {field: name, in: [n29, n31, n33]}
trigger: {cron: "0 9 * * *"}
send: [{channel: coupon, offer: five}, {channel: letter, template: hello.j2}]
"""


def deploy_shop(root: Path, url: str) -> None:
    """Deploy the shop with both rules, whose channels send to a url in every environment."""
    write_shop(root, RULES, {"hello.j2": "{{ offer.code }}"}, codes=CODES)
    catalog = root / "catalog/shop.yaml"
    text = catalog.read_text().replace("http://127.0.0.1:9/", url)
    live = "kind: webhook\ntimeout: 1s\nlive: {environments: [default]}\n"
    catalog.write_text(text.replace("kind: webhook\n", live))
    deploy(root)


@dataclass(frozen=True, slots=True)
class Scene:
    """A deployed shop of one's own, and the receiver that its channels send to."""

    root: Path
    receiver: Receiver

    def requests(self) -> Counter[int]:
        """How often each user was written to."""
        return Counter(int(request.body["key"]) for request in self.receiver.requests)

    def codes(self) -> dict[int, set[str]]:
        """The codes that each user was told."""
        told: dict[int, set[str]] = {}
        for request in self.receiver.requests:
            told.setdefault(int(request.body["key"]), set()).add(request.body["body"])
        return told

    def run(self, rule: str, now: int = NOW, pause: Pause = go_on) -> RunReport:
        """Run the rule for NOW, or go on with that run."""
        with world_at(self.root, now) as world:
            report = run_live(world, rule, NOW, pause)
        assert report is not None
        return report

    def stock(self) -> tuple[int, int, int]:
        """Free, reserved and given codes."""
        with world_at(self.root, LATER) as world:
            found = world.ledger.stock("five")
        return found.free, found.reserved, found.committed


@contextmanager
def deployed_scene(root: Path) -> Iterator[Scene]:
    """A deployed shop that nobody changes."""
    with receiving() as receiver:
        root.mkdir()
        deploy_shop(root, receiver.url)
        yield Scene(root, receiver)


def fresh(deployed: Scene, root: Path) -> Scene:
    """A copy of it, and a receiver that has heard nothing."""
    deployed.receiver.requests.clear()
    deployed.receiver.acted.clear()
    deployed.receiver.manner = 200
    return Scene(shop.copy(deployed.root, root), deployed.receiver)
