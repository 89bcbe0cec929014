"""Judges tests of segments by the reference: in or out, which leaves decide, what each came to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from segflow.compiler.interpret import exists, holds, subject_of
from segflow.compiler.leaves import decides, leaves_of
from segflow.compiler.trace import Trace, explain_user
from segflow.compiler.worlds import (
    ConsentRow,
    Context,
    EventRow,
    Subject,
    SuppressionRow,
    User,
    World,
)
from segflow.model.compiled import Compiled
from segflow.model.keys import Key
from segflow.model.predicate import Predicate
from segflow.model.project import ListFile
from segflow.model.trial import TypedTrial, TypedUser

Seen = Mapping[Predicate, bool]
"""What each leaf of a segment came to in one test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the reference says of a test. A user that does not exist at the instant is no member.
    `decided` says whether the leaf of `because` decides; None where the test names none."""

    exists: bool
    member: bool
    seen: Seen
    decided: bool | None = None


def judge(compiled: Compiled, trial: TypedTrial) -> Judgement:
    """Raises NotSupportedError for a form that the reference does not know yet."""
    subject = _subject(with_lists(compiled, trial), trial)
    where = compiled.segments[trial.segment].where
    there, seen = exists(subject), _seen(where, subject)
    decided = None
    if trial.because is not None:
        decided = there and decides(trial.because, where, seen)
    return Judgement(
        exists=there, member=there and holds(where, subject), seen=seen, decided=decided
    )


def explained(compiled: Compiled, trial: TypedTrial) -> Trace:
    """Why the user of a test is in the segment or is not; raises as judge() does."""
    known, key = with_lists(compiled, trial), trial.user.key
    worlds, sets = worlds_of(compiled, trial), kept_sets(trial)
    own = worlds[trial.user.entity]
    return explain_user(
        known,
        trial.segment,
        key,
        own.users[0],
        own.events,
        trial.as_of,
        sets,
        {},
        worlds=worlds,
    )


def deciding(compiled: Compiled, trial: TypedTrial) -> tuple[Predicate, ...]:
    """The leaves each of which decides by itself: if it alone came to the opposite, the answer
    would be the opposite. Raises as judge() does."""
    subject = _subject(with_lists(compiled, trial), trial)
    where = compiled.segments[trial.segment].where
    if not exists(subject):
        return ()
    seen = _seen(where, subject)
    return tuple(leaf for leaf in seen if decides(leaf, where, seen))


def _seen(where: Predicate, subject: Subject) -> Seen:
    return {leaf: holds(leaf, subject) for leaf in leaves_of(where)}


# --- what the reference is shown -------------------------------------------------------------


def worlds_of(compiled: Compiled, trial: TypedTrial) -> Mapping[str, World]:
    """All that is known of users, by entity: those of the test, its own user first."""
    return {
        name: World(
            users=tuple(_user(compiled, one) for one in trial.users if one.entity == name),
            events=tuple(_rows(compiled, trial, name)),
        )
        for name in compiled.entities
    }


def _rows(compiled: Compiled, trial: TypedTrial, entity: str) -> Iterator[EventRow]:
    """The rows of events that carry a key of the entity: that of whoever did it, or none."""
    for user in trial.users:
        for one in user.events:
            event = compiled.project.event(one.event)
            keyed = [] if event is None else sorted(name for name, _ in event.entities)
            keys = tuple(user.key if name == user.entity else None for name in keyed)
            if entity in keyed:
                yield EventRow(
                    event=one.event,
                    key=keys[keyed.index(entity)],
                    keys=keys,
                    time=one.time,
                    id=one.id,
                    properties=dict(one.properties),
                )


def kept_sets(trial: TypedTrial) -> Mapping[str, frozenset[Key]]:
    """The recorded members of the segments that are asked for: users of the test, or nobody."""
    return {name: frozenset(keys) for name, keys in trial.segments}


def with_lists(compiled: Compiled, trial: TypedTrial) -> Compiled:
    """The project with the list files of a test in the place of its own."""
    if not trial.lists:
        return compiled
    lists = {path: _list_file(compiled.project.lists[path], keys) for path, keys in trial.lists}
    return replace(compiled, project=replace(compiled.project, lists=lists))


def _list_file(found: ListFile, keys: tuple[Key, ...]) -> ListFile:
    """A list file with keys of the test's users; a list of other users' keys, which are of another
    type, can't have them."""
    known = (key for key in keys if isinstance(key, str) == (found.key_type == "string"))
    return replace(found, keys=tuple(map(str, known)), digest="", content=b"")


def _user(compiled: Compiled, user: TypedUser) -> User:
    """A user of a test. What it says of consents and suppressions holds at every instant; any of
    the suppressions stands for all."""
    rows = tuple(SuppressionRow(channel=name) for name in user.suppressed)
    return User(
        key=user.key,
        since=user.since,
        fields=dict(user.fields),
        related=dict(user.via),
        history=dict(user.history),
        consents={topic: (ConsentRow(None, said),) for topic, said in user.consents},
        suppressions={one.name: rows for one in compiled.project.suppressions(user.entity)[:1]},
    )


def _subject(compiled: Compiled, trial: TypedTrial) -> Subject:
    worlds = worlds_of(compiled, trial)
    context = Context(
        compiled=compiled,
        entity=compiled.entity_of(trial.segment),
        as_of=trial.as_of,
        snapshots=kept_sets(trial),
        worlds=worlds,
    )
    own = worlds[trial.user.entity]
    return subject_of(context, own.users[0], own.events, trial.segment)
