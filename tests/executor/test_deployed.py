"""Reading what is deployed: all of one serial, and the same objects that were applied."""

from dataclasses import replace
from pathlib import Path

import pytest

from segflow.errors import CorruptStateError, RefusedError, UnsupportedVersionError
from segflow.executor.deployed import Deployed, compile_deployed, decoded, read_deployed
from segflow.model.address import Address
from segflow.model.catalog import Field, Location
from segflow.model.channel import Channel, CodesFromFile, Offer
from segflow.model.codec import canonical, digest
from segflow.model.duration import Duration
from segflow.model.instant import Instant
from segflow.model.predicate import Everyone, InFile, InSegment
from segflow.model.rule import Action, EveryTrigger, Rule
from segflow.model.state import ApplyRecord, DeployedObject, StateVersion
from segflow.model.types import STRING
from segflow.ports import StateCommit
from segflow.store.state import SqlStateStore
from tests.executor.test_evaluate import ENTITY, FROZEN, SOURCE, VIPS, segment
from tests.executor.worlds import effects
from tests.executor.zones import knowing_utc_only

VERSION = StateVersion(lineage="lineage", serial=1, project="shop")


def row(thing, *files: tuple[str, str]) -> DeployedObject:
    text = canonical(thing)
    return DeployedObject(
        address=thing.address, canonical=text, fingerprint=digest(text), files=files
    )


def deployed(*rows: DeployedObject) -> Deployed:
    return Deployed(version=VERSION, objects={found.address: found for found in rows})


class Busy:
    """A state in which somebody commits between the first reads."""

    def __init__(self, state: SqlStateStore, commit) -> None:
        self._state = state
        self._commit = commit

    def __getattr__(self, name: str):
        return getattr(self._state, name)

    def deployed(self):
        found = self._state.deployed()
        if self._commit is not None:
            self._commit, commit = None, self._commit
            commit()
        return found


def test_reading_is_of_one_serial():
    """Objects of one serial never stand beside snapshots or a version of another."""
    world = effects()
    state = world.state

    def commit() -> None:
        lease = state.acquire("other", "apply", Instant(0), Duration(count=1, unit="h"))
        state.begin_apply(lease, ApplyRecord(id="a", plan_id="p", plan=b"", started_at=Instant(0)))
        state.commit_apply(lease, "a", StateCommit(put=(row(SOURCE),)), Instant(0))

    found = read_deployed(Busy(state, commit))
    assert found.version is not None
    assert (found.version.serial, set(found.objects)) == (1, {SOURCE.address})


def test_no_state_is_nothing_deployed():
    """Where no state was made there is nothing, and nothing is made."""
    state = SqlStateStore("sqlite://")
    assert read_deployed(state) == Deployed()
    assert state.version() is None


def test_lists_come_from_what_was_kept():
    """A deployed segment sees the list as it was when it was applied."""
    world = effects()
    kept = digest(VIPS.content)
    lease = world.state.acquire("tester", "apply", Instant(0), Duration(count=1, unit="h"))
    world.state.put_blob(lease, kept, VIPS.content)
    invited = segment("invited", InFile(path=VIPS.path))
    found = deployed(row(SOURCE), row(ENTITY), row(invited, (VIPS.path, kept)))
    compiled = compile_deployed(found, world.state)
    assert compiled.project.lists[VIPS.path].keys == VIPS.keys


TEMPLATE = ("templates/hi.j2", b"Hi {{ user.name }}")
CODES = ("codes/five.txt", b"B\nA\n")
NAME = Field(
    name="name", type=STRING, at=(Location(source="warehouse", table="customers", column="name"),)
)
NAMED = replace(ENTITY, fields=(NAME,))
GREETING = Rule(
    name="greeting",
    segment="everyone",
    where=InFile(path=VIPS.path),
    trigger=EveryTrigger(every=Duration(count=1, unit="d")),
    send=(Action(channel="push", template="hi.j2"),),
)
SHOP = (
    row(SOURCE),
    row(NAMED),
    row(segment("everyone", Everyone())),
    row(Channel(name="push", kind="webhook")),
)


def keep(state: SqlStateStore, *contents: bytes) -> None:
    lease = state.acquire("tester", "apply", Instant(0), Duration(count=1, unit="h"))
    for content in contents:
        state.put_blob(lease, digest(content), content)


def test_templates_and_codes_come_from_what_was_kept():
    """A deployed rule is ready to be run from the state alone: with its templates, and the fields
    of users that they name."""
    state = effects().state
    keep(state, VIPS.content, TEMPLATE[1], CODES[1])
    files = [(path, digest(content)) for path, content in ((VIPS.path, VIPS.content), TEMPLATE)]
    offer = row(
        Offer(name="five", codes=CodesFromFile(path=CODES[0])), (CODES[0], digest(CODES[1]))
    )
    compiled = compile_deployed(deployed(*SHOP, row(GREETING, *files), offer), state)
    rule = compiled.rules["greeting"]
    assert (rule.templates, rule.user_fields) == ((TEMPLATE[0],), ("name",))
    assert compiled.project.files[TEMPLATE[0]].text == "Hi {{ user.name }}"
    assert compiled.project.files[CODES[0]].codes == ("B", "A")
    assert rule.audience.lists == (VIPS.path,)
    assert compiled.project.lists[VIPS.path].keys == VIPS.keys


@pytest.mark.parametrize("kept", [b"", b"\xff"])
def test_lost_copy_of_a_template_is_corruption(kept: bytes):
    """A rule whose template is not there any more, or is no text, sends no empty messages."""
    state = effects().state
    keep(state, *([kept] if kept else []))
    path = TEMPLATE[0]
    found = deployed(*SHOP, row(replace(GREETING, where=None), (path, digest(kept or b"lost"))))
    with pytest.raises(CorruptStateError, match=r"templates/hi\.j2 .* rule\.greeting"):
        compile_deployed(found, state)


def test_lost_copy_of_a_list_is_corruption():
    """A list that was kept and is not there any more is no empty list."""
    invited = segment("invited", InFile(path=VIPS.path))
    found = deployed(row(SOURCE), row(ENTITY), row(invited, (VIPS.path, digest(b"lost"))))
    with pytest.raises(CorruptStateError, match=r"lists/vips\.csv"):
        compile_deployed(found, effects().state)


def test_what_can_not_be_compiled_needs_another_version():
    """Deployed objects that this version refuses are told as such, not as the user's mistake."""
    found = deployed(row(SOURCE), row(ENTITY), row(segment("odd", InSegment(segment="nobody"))))
    with pytest.raises(UnsupportedVersionError, match="nobody"):
        compile_deployed(found, effects().state)


def test_a_zone_that_is_not_known_here_is_told(tmp_path: Path):
    """Time zone data may be older on the machine that reads than on the one that applied."""
    found = replace(deployed(*SHOP), version=replace(VERSION, timezone="Europe/Berlin"))
    with knowing_utc_only(tmp_path / "zones"), pytest.raises(RefusedError, match="Europe/Berlin"):
        compile_deployed(found, effects().state)


def test_unreadable_object_is_corruption():
    """Canonical JSON that nobody can have written is told with its address."""
    with pytest.raises(CorruptStateError, match=r"segment\.x"):
        decoded(Address("segment", "x"), '{"$":"Nothing"}')


def test_static_is_told_by_what_is_deployed():
    """Whether a set is frozen is a matter of the deployed object."""
    found = deployed(row(FROZEN), row(replace(FROZEN, name="moving", mode="dynamic")))
    assert found.is_static("frozen")
    assert not found.is_static("moving")
    assert not found.is_static("unknown")
