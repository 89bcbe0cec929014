"""Judges tests of segments by the reference: in or out, which leaves decide, what each came to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from segflow.compiler.interpret import exists, holds, subject_of
from segflow.compiler.leaves import decides, leaves_of
from segflow.compiler.trace import Trace, explain_user
from segflow.compiler.worlds import ConsentRow, Context, EventRow, Subject, SuppressionRow, User
from segflow.model.compiled import Compiled
from segflow.model.keys import Key
from segflow.model.predicate import Predicate
from segflow.model.project import ListFile
from segflow.model.trial import TypedTrial

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
    known = with_lists(compiled, trial)
    user, rows = _user(compiled, trial), rows_of(trial)
    sets = kept_sets(trial)
    return explain_user(known, trial.segment, trial.key, user, rows, trial.as_of, sets, {})


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


def rows_of(trial: TypedTrial) -> tuple[EventRow, ...]:
    """The events of a test as rows of their tables."""
    return tuple(
        EventRow(
            event=event.event,
            key=trial.key,
            time=event.time,
            id=event.id,
            properties=dict(event.properties),
        )
        for event in trial.events
    )


def kept_sets(trial: TypedTrial) -> Mapping[str, frozenset[Key]]:
    """The recorded members of the segments that are asked for: the test's user, or nobody."""
    return {name: frozenset((trial.key,) if inside else ()) for name, inside in trial.segments}


def with_lists(compiled: Compiled, trial: TypedTrial) -> Compiled:
    """The project with the list files of a test in the place of its own."""
    if not trial.lists:
        return compiled
    lists = {
        path: _list_file(compiled.project.lists[path], trial.key if inside else None)
        for path, inside in trial.lists
    }
    return replace(compiled, project=replace(compiled.project, lists=lists))


def _list_file(found: ListFile, key: Key | None) -> ListFile:
    """A list file with the key of the test's user or with none; a list of other users' keys, which
    are of another type, can't have it."""
    known = isinstance(key, str) == (found.key_type == "string")
    keys = () if key is None or not known else (str(key),)
    return replace(found, keys=keys, digest="", content=b"")


def _user(compiled: Compiled, trial: TypedTrial) -> User:
    """The user of a test. What it says of consents and suppressions holds at every instant; any of
    the suppressions stands for all."""
    entity = compiled.segments[trial.segment].segment.entity
    rows = tuple(SuppressionRow(channel=name) for name in trial.suppressed)
    return User(
        key=trial.key,
        since=trial.since,
        fields=dict(trial.fields),
        consents={topic: (ConsentRow(None, said),) for topic, said in trial.consents},
        suppressions={one.name: rows for one in compiled.project.suppressions(entity)[:1]},
    )


def _subject(compiled: Compiled, trial: TypedTrial) -> Subject:
    entity = compiled.entity_of(trial.segment)
    context = Context(
        compiled=compiled, entity=entity, as_of=trial.as_of, snapshots=kept_sets(trial)
    )
    return subject_of(context, _user(compiled, trial), rows_of(trial), trial.segment)
