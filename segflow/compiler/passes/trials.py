"""Trials: the tests of segments give what the catalog knows, and name leaves that are there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from segflow.compiler.codes import NO_LEAF, NOT_GIVEN, SAME_NAME
from segflow.compiler.leaves import leaves_of
from segflow.compiler.passes.draft import Draft
from segflow.compiler.passes.given_users import given_user
from segflow.compiler.passes.given_values import Reading, meant
from segflow.compiler.passes.names import belongs, is_there
from segflow.compiler.passes.normalize import normal
from segflow.compiler.passes.slots import Scope
from segflow.compiler.passes.typecheck import typed
from segflow.compiler.passes.walk import predicate_sites
from segflow.compiler.timeline import moment_instant, zone
from segflow.diagnostics import Report
from segflow.model.address import Address, is_name
from segflow.model.keys import Key
from segflow.model.predicate import InFile, InSegment, Predicate
from segflow.model.project import KeyPath
from segflow.model.segment import Segment
from segflow.model.trial import Trial, TrialUser, TypedTrial, TypedUser
from segflow.model.wording import phrase


def trials(draft: Draft) -> Draft:
    """Report all that is wrong with tests; give them typed, in order of their segments' names."""
    placed = [placed for placed in _placed(draft) if _is_of_a_segment(placed, draft)]
    _names_differ(placed, draft)
    wrong = frozenset(found.address for found in draft.report.errors)
    around = zone(draft.project.settings.timezone)
    found = []
    for one in placed:
        as_of = moment_instant(one.trial.as_of, around)
        reading = Reading(draft, one.address, one.path, around, as_of, wrong)
        found.append(_typed(one, draft.index.segments[one.segment], reading))
    return replace(draft, trials=tuple(sorted(found, key=lambda one: one.segment)))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A test, where it stands, and the name of its segment."""

    address: Address
    number: int
    trial: Trial
    segment: str

    @property
    def path(self) -> KeyPath:
        return ("tests", self.number)


def _placed(draft: Draft) -> Iterator[_Placed]:
    """The tests of segments, then those of documents of their own."""
    for segment in draft.index.segments.values():
        for number, trial in enumerate(segment.tests):
            yield _Placed(segment.address, number, trial, segment.name)
    for _, check in sorted(draft.project.checks.items()):
        for number, trial in enumerate(check.tests):
            yield _Placed(check.address, number, trial, check.segment)


def _is_of_a_segment(placed: _Placed, draft: Draft) -> bool:
    """Whether the segment is there; a check of one that is not is reported once."""
    name, known = placed.segment, draft.index.segments
    if name in known:
        return draft.index.segments[name].entity in draft.index.entities
    if placed.number == 0:
        is_there(draft, Address("segment", name), placed.address, ("segment",))
    return False


def _names_differ(placed: Iterable[_Placed], draft: Draft) -> None:
    first: dict[tuple[str, str], _Placed] = {}
    for one in placed:
        before_it = first.setdefault((one.segment, one.trial.name), one)
        if before_it is not one and one.trial.name:
            span = draft.declared(before_it.address, before_it.path)
            at = "" if span is None else f"; first at {span.path}:{span.line}"
            summary = f"segment {one.segment!r} has two tests of this name{at}"
            here = (*one.path, "name")
            draft.complain(SAME_NAME, one.address, here, summary, help="say what each one shows")


# --- one test --------------------------------------------------------------------------------

_Sets = tuple[tuple[str, tuple[Key, ...]], ...]
_Given = tuple[TrialUser, TypedUser, Reading]


def _typed(placed: _Placed, segment: Segment, reading: Reading) -> TypedTrial:
    """The test with all that could be typed of it."""
    trial = placed.trial
    before = len(reading.draft.report.errors)
    users = list(_users(trial, segment.entity, reading))
    if len(reading.draft.report.errors) == before:
        _keys_differ(users)
    segments, lists = _sets(segment, users, reading)
    (_, user, _), *others = users
    because = trial.because
    return TypedTrial(
        address=placed.address,
        number=placed.number,
        segment=segment.name,
        name=trial.name,
        as_of=reading.as_of,
        expect=trial.expect,
        user=user,
        others=tuple(other for _, other, _ in others),
        segments=segments,
        lists=lists,
        because=None if because is None else _leaf(because, segment, reading.below("because")),
    )


def _users(trial: Trial, entity: str, reading: Reading) -> Iterator[_Given]:
    """The user who is asked about, then the others, as far as their entities are there."""
    yield trial.user, given_user(trial.user, entity, 1, reading), reading
    for number, other in enumerate(trial.others):
        here, name = reading.below("others", number), other.entity
        if name is not None:
            at = here.below("entity")
            is_there(at.draft, Address("entity", name), at.address, at.path)
        of = entity if name is None else name
        if of in reading.draft.index.entities:
            yield other, given_user(other, of, number + 2, here), here


def _keys_differ(users: Iterable[_Given]) -> None:
    known = set()
    for _, user, here in users:
        if (user.entity, user.key) in known:
            summary = f"two users of entity {user.entity} have the key {user.key}"
            at = here.below("user", "key")
            at.complain(NOT_GIVEN, summary, "give each a key of its own, as `user: {key: 7}`")
        known.add((user.entity, user.key))


# --- kept sets -------------------------------------------------------------------------------


def _sets(segment: Segment, users: Iterable[_Given], reading: Reading) -> tuple[_Sets, _Sets]:
    """The kept segments and the list files that the segment asks for, each with the keys of the
    users who are in it."""
    asked = _Asked(reading.draft, segment)
    inside: dict[str, dict[Key, None]] = {name: {} for name in (*asked.segments, *asked.lists)}
    for written, user, here in users:
        for number, name in enumerate(written.members_of):
            path = name if name in asked.segments else str(PurePosixPath(name))
            at = here.below("members_of", number)
            if path not in inside:
                if name:
                    _not_asked(name, asked, at)
            elif path in asked.lists or _is_of(path, user.entity, at):
                inside[path][user.key] = None
    return (
        tuple((name, tuple(inside[name])) for name in asked.segments),
        tuple((path, tuple(inside[path])) for path in asked.lists),
    )


def _is_of(segment: str, entity: str, at: Reading) -> bool:
    return belongs(at.draft, Address("segment", segment), entity, at.address, at.path)


def _not_asked(name: str, asked: "_Asked", at: Reading) -> None:
    segments = at.draft.index.segments
    if name not in segments and is_name(name):
        is_there(at.draft, Address("segment", name), at.address, at.path)
    elif at.is_sound(*asked.asking):
        summary = f"segment {asked.name!r} does not ask whether a user is kept in {name!r}"
        help = meant(name, asked.lists)
        if name in segments:
            help = "remove it"
            if segments[name].mode == "dynamic":
                help = "a dynamic segment is judged by its own condition: give what it asks for"
        at.complain(NOT_GIVEN, summary, help)


class _Asked:
    """The names of the segments whose kept members a segment asks for, the paths of the list files,
    and all whose conditions ask: itself, its nested segments and the entities of all users that it
    is about."""

    def __init__(self, draft: Draft, segment: Segment) -> None:
        self.name = segment.name
        self.segments: dict[str, None] = {}
        self.lists: dict[str, None] = {}
        self.asking = {segment.address}
        self._index = draft.index
        self._of(segment.entity)
        self._look(segment.where, segment.entity)

    def _of(self, entity: str) -> None:
        """Look at the condition of a population."""
        found = self._index.entities.get(entity)
        if found is not None and found.address not in self.asking:
            self.asking.add(found.address)
            if found.population.where is not None:
                self._look(found.population.where, entity)

    def _look(self, predicate: Predicate, entity: str) -> None:
        for site in predicate_sites(predicate, (), entity, (), self._index.related):
            self._of(site.entity)
            match site.node:
                case InFile(path=path):
                    self.lists[path] = None
                case InSegment(segment=name, snapshot=snapshot):
                    nested = self._index.segments.get(name)
                    if snapshot or (nested is not None and nested.mode == "static"):
                        self.segments[name] = None
                    elif nested is not None and nested.address not in self.asking:
                        self.asking.add(nested.address)
                        self._look(nested.where, nested.entity)
                case _:
                    pass


# --- because ---------------------------------------------------------------------------------


def _leaf(because: Predicate, segment: Segment, reading: Reading) -> Predicate:
    """The leaf in its normal shape."""
    quiet = replace(reading.draft, report=Report())  # what does not fit is no leaf either
    scope = Scope(quiet, reading.address, segment.entity, (), reading.zone)
    leaf = normal(typed(because, (), scope), segment.name)
    where = normal(reading.draft.wheres[segment.name], segment.name)
    leaves = leaves_of(where)
    if leaf not in leaves and reading.is_sound(segment.address, reading.address):
        summary = f"{phrase(because)} is no leaf of segment {segment.name!r}"
        shown = "; ".join(f"{{{phrase(one)}}}" for one in leaves[:5])
        help = f"its leaves: {shown}" if leaves else "it has no leaves"
        reading.complain(NO_LEAF, summary, help)
    return leaf
