"""Evaluating compiled segments through engines: the one way for plan, apply, refresh and count."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pyroaring import BitMap64

from segflow.compiler.log_leaves import log_leaves
from segflow.compiler.routing.costs import by_table
from segflow.compiler.routing.route import Route, Router
from segflow.compiler.targets.fields import fields_of, select_fields
from segflow.compiler.targets.needs import kept_of
from segflow.compiler.targets.ranks import PLACE, SIZE
from segflow.compiler.targets.sql import select_place
from segflow.compiler.worlds import Logs, Place
from segflow.errors import CorruptStateError, RefusedError
from segflow.executor.answers import TOGETHER, Answered, Answers, Bill, source_of
from segflow.executor.effects import Sources
from segflow.executor.past import Past
from segflow.membership.ordinals import ordinals
from segflow.membership.sets import put_together
from segflow.model.compiled import (
    Compiled,
    list_set,
    log_set,
    logged_segment,
    segment_set,
)
from segflow.model.cost import Cost, Question
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Predicate, Rank
from segflow.ports import Keys, keys_of

Kept = Callable[[str], Keys | None]
"""The kept members of a segment: the frozen set of a static one, the last snapshot of a dynamic
one; None where there is none yet."""


class Evaluator:
    """Gives the members of segments of one compiled project, all at one instant.

    Each source answers the parts that are routed to it, and the answers meet here. A set that is
    not kept yet (of a static segment before its first apply) is evaluated at the same instant,
    which is what an apply would freeze. `past` answers leaves that ask the log.
    """

    def __init__(
        self, compiled: Compiled, as_of: Instant, sources: Sources, kept: Kept, past: Past
    ) -> None:
        self._compiled = compiled
        self._as_of = as_of
        self._kept = kept
        self._past = past
        self._router = Router(compiled=compiled, as_of=as_of, measured=by_table(sources.costs))
        self._answers = Answers(self._router, sources, self._set)
        self._sets: dict[str, Keys] = {}
        self._groups: dict[str, Sequence[str]] = {}
        self._prepared: dict[str, Keys] = {}
        self._costs: dict[str, tuple[Cost, ...]] = {}

    def members(self, name: str) -> BitMap64:
        """The ordinals of keys(). Raises as that does, and RefusedError where keys have none."""
        return ordinals(self.keys(name))

    def keys(self, name: str) -> Keys:
        """The members of a segment of the project by its own predicate, static or not.

        Raises SourceUnavailableError and UnusableDataError.
        """
        if name in self._groups:
            self._ask(self._groups[name])
        if name in self._prepared:
            return self._prepared.pop(name)
        bill: Bill = []
        route = self._router.segment(name)
        found = self._found(route, bill)
        self._costs |= self._costs_of({name: route}, bill)
        return found

    def costs(self, name: str) -> tuple[Cost, ...]:
        """What it cost to find the members of a segment, which was evaluated."""
        return self._costs[name]

    def prepare(self, names: Sequence[str]) -> None:
        """Let segments be evaluated together, each once, so that what they ask of a source is
        scanned for once. A group is asked when the first of its segments is, which bounds how many
        sets are held. By itself goes one that asks for the kept set or the log of another one here,
        which may be made anew before its turn."""
        for group in self._sharing(names):
            self._groups |= dict.fromkeys(group, group)

    def _ask(self, group: Sequence[str]) -> None:
        """Evaluate a group. Those of which a part fails are left to be asked one by one."""
        for name in group:
            del self._groups[name]
        routes = {name: self._router.segment(name) for name in group}
        asked = {title: part for route in routes.values() for title, part in route.parts.items()}
        bill: Bill = []
        answers = self._answers.to_all(asked, bill)
        self._costs |= self._costs_of(routes, bill)
        for name, route in routes.items():
            if route.parts.keys() <= answers.keys():
                self._prepared[name] = put_together(route.members, answers)

    def _sharing(self, names: Sequence[str]) -> Iterator[Sequence[str]]:
        """The segments that can be asked together, at most TOGETHER at a time."""
        made_anew = set(names)
        by_entity: dict[str, list[str]] = defaultdict(list)
        for name in names:
            segment = self._compiled.segments[name]
            if made_anew.isdisjoint(kept_of(segment.where, self._compiled)):
                by_entity[segment.segment.entity].append(name)
        for of_entity in by_entity.values():
            for start in range(0, len(of_entity), TOGETHER):
                yield of_entity[start : start + TOGETHER]

    def audience(self, rule: str) -> BitMap64:
        """The users whom a rule reaches before the gate. Raises as members() does."""
        audience = self._compiled.rules[rule].audience
        return ordinals(self.holding(audience.segment.entity, audience.where))

    def population(self, entity: str) -> BitMap64:
        """Every user of an entity. Raises as members() does."""
        return ordinals(self._answers.to(self._router.population(entity), []))

    def holding(self, entity: str, predicate: Predicate) -> Keys:
        """The users of an entity for whom a typed predicate holds. Raises as keys() does."""
        return self._found(self._router.route(entity, predicate), [])

    def place(self, entity: str, leaf: Rank, key: Key) -> Place | None:
        """The position of a user of an entity in a rank; None for one who is not ranked. Raises as
        members() does."""
        ((name, part),) = self._router.route(entity, leaf).parts.items()
        people = self._router.people([part])
        selection = select_place(self._compiled, people, leaf, self._as_of, key)
        sets = self._answers.sets_of(selection, {name: part}, [])
        with self._answers.asking(selection) as engine:
            rows = engine.values(selection, sets)
        return next((Place(int(row[PLACE]), int(row[SIZE])) for row in rows), None)

    def fields(
        self, entity: str, names: Sequence[str], users: BitMap64
    ) -> Mapping[Key, Mapping[str, Any]]:
        """Fields of users by key and name, None for no value. Raises as members() does."""
        found: dict[Key, dict[str, Any]] = defaultdict(dict)
        for source, fields in self._router.fields(entity, names).items():
            people = self._router.sent_to(source, entity)
            selection = select_fields(self._compiled, people, fields, self._as_of)
            with self._answers.asking(selection) as engine:
                rows = engine.values(selection, {selection.sets[0]: users})
            for key, values in fields_of(self._compiled, entity, rows).items():
                found[key].update(values)
        return found

    def unread(self, name: str) -> Iterator[Predicate]:
        """The leaves of a segment that sources answer which give no rows, with repeats."""
        return self._router.unread(name)

    def _found(self, route: Route, bill: Bill) -> Keys:
        answers = {name: self._answers.to(part, bill) for name, part in route.parts.items()}
        return put_together(route.members, answers)

    def _costs_of(self, routes: Mapping[str, Route], bill: Bill) -> Mapping[str, tuple[Cost, ...]]:
        """A bill as the costs of each of the segments that it was run up for."""
        costs: dict[str, list[Cost]] = {name: [] for name in routes}
        for answered in bill:
            together = max if answered.is_set else sum
            ids = {
                name: together(answered.ids[part] for part in route.parts if part in answered.ids)
                for name, route in routes.items()
                if not route.parts.keys().isdisjoint(answered.ids)
            }
            question = self._question(answered, len(ids))
            for name, count in ids.items():
                costs[name].append(Cost(question=question, ids=count))
        return {name: tuple(found) for name, found in costs.items()}

    def _question(self, answered: Answered, segments: int) -> Question:
        return Question(
            source=answered.source,
            engine=source_of(self._compiled, answered.source).engine,
            tables=answered.tables,
            segments=segments,
            microseconds=answered.microseconds,
            rows_read=answered.read.rows,
            bytes_read=answered.read.bytes,
        )

    def nested(self, name: str) -> Mapping[str, Keys]:
        """The sets of other segments that the members of a segment are judged by: frozen ones of
        static segments, last snapshots. Raises as keys() does."""
        wanted = self._wanted(name)
        return {
            other: self._set(segment_set(other))
            for other in self._compiled.segments
            if segment_set(other) in wanted
        }

    def logs(self, name: str, key: Key) -> Logs:
        """The logs that the members of a segment are judged by, as far as they are about one user.
        Raises RefusedError where one begins too late."""
        wanted = self._wanted(name)
        asked = [leaf for leaf in log_leaves(self._compiled) if log_set(leaf) in wanted]
        for leaf in asked:
            self._set(log_set(leaf))
        segments = {logged_segment(leaf) for leaf in asked}
        return {segment: self._past.of_user(segment, key) for segment in segments}

    def _wanted(self, name: str) -> frozenset[str]:
        """The names of the id sets that a segment's queries refer to."""
        parts = self._router.segment(name).parts.values()
        return frozenset(one for part in parts for one in self._router.selection(part).sets)

    def _set(self, wanted: str) -> Keys:
        if wanted not in self._sets:
            self._sets[wanted] = self._make_set(wanted)
        return self._sets[wanted]

    def _make_set(self, wanted: str) -> Keys:
        for path, found in self._compiled.project.lists.items():
            if wanted == list_set(path):
                return keys_of(found.key_type, found.typed())
        for name in self._compiled.segments:
            if wanted == segment_set(name):
                kept = self._kept(name)
                type_ = self._compiled.entity_of(name).key_type  # what is kept may be older
                is_fitting = isinstance(kept, BitMap64) == (type_ == "integer")
                return self.keys(name) if kept is None or not is_fitting else kept
        for leaf in log_leaves(self._compiled):
            if wanted == log_set(leaf):
                self._refuse_texts(logged_segment(leaf))
                timezone = self._compiled.project.settings.timezone
                return self._past.members(leaf, self._as_of, timezone)
        raise CorruptStateError(f"no set is called {wanted}")

    def _refuse_texts(self, segment: str) -> None:
        if self._compiled.entity_of(segment).key_type == "string":
            raise RefusedError(
                f"the log of segment.{segment} is asked, and users whose keys are strings have none"
                " yet"
            )
