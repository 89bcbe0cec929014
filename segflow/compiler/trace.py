"""Why one user is in a segment or not: its predicate as a tree, each node with what it came to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from segflow.compiler.deadlines.search import Deadline, foresee
from segflow.compiler.interpret import exists, holds, related, subject_of
from segflow.compiler.reference.contacts import address_of
from segflow.compiler.targets.needs import inlined_segment
from segflow.compiler.trace_values import FeatureValue, leaf_values
from segflow.compiler.worlds import Context, EventRow, Logs, Place, Subject, User, World
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import (
    All,
    AnyOf,
    Consent,
    InSegment,
    NoneOf,
    Not,
    Predicate,
    Rank,
    Reachable,
    Via,
)
from segflow.model.wording import phrase

Changes = Mapping[Predicate, Instant]
"""When leaves change by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceNode:
    """One node of the predicate. `text` is the node in the words of its YAML; of boolean algebra it
    is the key alone, since `items` say the rest. A nested segment has its predicate below it. A
    leaf is as it is until `changes`, if nothing happens; None is for ever, or not known. Below a
    `via` is its predicate for the user that it leads to."""

    text: str
    holds: bool
    values: tuple[FeatureValue, ...] = ()
    items: "tuple[TraceNode, ...]" = ()
    changes: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One user's membership at one instant. Where `exists` is false the user is not in the
    population at that instant and so in no segment; `root` then says what the predicate alone would
    come to, and is None where nothing is known of the key. `deadline` is there where it was asked
    for and something is known."""

    segment: str
    key: Key
    as_of: Instant
    exists: bool
    member: bool
    since: Instant | None = None
    population: TraceNode | None = None
    root: TraceNode | None = None
    deadline: Deadline | None = None


def explain_user(
    compiled: Compiled,
    name: str,
    key: Key,
    user: User | None,
    events: Iterable[EventRow],
    as_of: Instant,
    snapshots: Mapping[str, frozenset[Key]],
    logs: Logs,
    given: Mapping[Predicate, frozenset[Key]] = MappingProxyType({}),
    *,
    places: Mapping[Rank, Place | None] = MappingProxyType({}),
    worlds: Mapping[str, World] = MappingProxyType({}),
    ahead: bool = False,
) -> Trace:
    """Why the user with the key is in the named segment at an instant, or is not; with `ahead` also
    when that changes by itself.

    `user` is None where the population's table lacks the key. `snapshots` are the recorded members
    of segments that are static or asked for by snapshot, `logs` the logs of those whose past is
    asked, `given` those for whom the leaves hold that the rows of one user do not tell; the key
    alone is enough of each. `places` are the user's positions in ranks, None for no position;
    `worlds` the related users, by entity, that decide for leaves which are not given.
    Raises NotSupportedError for a form that the reference does not know yet.
    """
    if user is None:
        return Trace(segment=name, key=key, as_of=as_of, exists=False, member=False)
    entity = compiled.entity_of(name)
    context = Context(
        compiled=compiled,
        entity=entity,
        as_of=as_of,
        snapshots=snapshots,
        logs=logs,
        worlds=worlds,
        given=given,
        places=places,
    )
    subject = subject_of(context, user, events, name)
    condition = entity.population.where
    foreseen = foresee(subject) if ahead else None
    changes: Changes = {} if foreseen is None else foreseen.leaves
    root = explain(compiled.segments[name].where, subject, changes)
    there = exists(subject)
    return Trace(
        segment=name,
        key=key,
        as_of=as_of,
        exists=there,
        member=there and root.holds,
        since=user.since,
        population=None if condition is None else explain(condition, subject, changes),
        root=root,
        deadline=None if foreseen is None else foreseen.deadline,
    )


def explain(predicate: Predicate, subject: Subject, changes: Changes) -> TraceNode:
    """The predicate for one user as a tree, its leaves with the instants at which they change."""
    match predicate:
        case All(items=items):
            return _node("all", predicate, subject, changes, items)
        case AnyOf(items=items):
            return _node("any", predicate, subject, changes, items)
        case NoneOf(items=items):
            return _node("none", predicate, subject, changes, items)
        case Not(item=item):
            return _node("not", predicate, subject, changes, (item,))
        case InSegment(segment=name):
            where = inlined_segment(predicate, subject.context.compiled)
            if where is None:
                return _node(phrase(predicate), predicate, subject, changes)
            nested = explain(where, replace(subject, segment=name), changes)
            return TraceNode(text=phrase(predicate), holds=nested.holds, items=(nested,))
        case Reachable():
            topic = address_of(predicate, subject).topic
            asked = () if topic is None else (Consent(topic=topic),)
            return _node(phrase(predicate), predicate, subject, changes, asked)
        case Via(where=where) if predicate not in subject.context.given:
            node = _node(phrase(predicate), predicate, subject, changes)
            # When leaves of others change is not told apart from when the user's own do.
            return replace(
                node, items=tuple(explain(where, one, {}) for one in related(predicate, subject))
            )
        case _:
            return _node(phrase(predicate), predicate, subject, changes)


def _node(
    text: str,
    predicate: Predicate,
    subject: Subject,
    changes: Changes,
    items: tuple[Predicate, ...] = (),
) -> TraceNode:
    return TraceNode(
        text=text,
        holds=holds(predicate, subject),
        values=tuple(leaf_values(predicate, subject)),
        items=tuple(explain(item, subject, changes) for item in items),
        changes=changes.get(predicate),
    )
