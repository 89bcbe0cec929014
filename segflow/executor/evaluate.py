"""Evaluating compiled segments through engines: the one way for plan, apply, refresh and count."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pyroaring import BitMap64

from segflow.compiler.log_leaves import log_leaves
from segflow.compiler.targets.fields import fields_of, select_fields
from segflow.compiler.targets.needs import kept_of
from segflow.compiler.targets.ranks import PLACE, SIZE
from segflow.compiler.targets.shared import select_shared
from segflow.compiler.targets.sql import (
    select_audience,
    select_keys,
    select_members,
    select_place,
)
from segflow.compiler.worlds import Logs, Place
from segflow.errors import CorruptStateError, RefusedError, SourceUnavailableError, TooLargeError
from segflow.executor.effects import Engines
from segflow.executor.past import Past
from segflow.membership.ordinals import ordinals
from segflow.model.catalog import Source
from segflow.model.compiled import Compiled, list_set, log_set, logged_segment, segment_set
from segflow.model.instant import Instant
from segflow.model.keys import Key
from segflow.model.predicate import Everyone, Predicate, Rank
from segflow.ports import MASK_BITS, Engine, Keys, Selection, keys_of

Kept = Callable[[str], Keys | None]
"""The kept members of a segment: the frozen set of a static one, the last snapshot of a dynamic
one; None where there is none yet."""


TOGETHER = 4 * MASK_BITS
"""So many segments are asked in one query at most, which bounds its length and its memory."""


def source_of(compiled: Compiled, name: str) -> Source:
    """The source of that name, which a compiled segment reads from."""
    found = compiled.project.source(name)
    if found is None:
        raise CorruptStateError(f"source.{name} is missing from the compiled project")
    return found


class Evaluator:
    """Gives the members of segments of one compiled project, all at one instant.

    A set that is not kept yet (of a static segment before its first apply) is evaluated at the same
    instant, which is what an apply would freeze. `past` answers leaves that ask the log.
    """

    def __init__(
        self, compiled: Compiled, as_of: Instant, engines: Engines, kept: Kept, past: Past
    ) -> None:
        self._compiled = compiled
        self._as_of = as_of
        self._engines = engines
        self._kept = kept
        self._past = past
        self._sets: dict[str, Keys] = {}
        self._groups: dict[str, Sequence[str]] = {}
        self._prepared: dict[str, Keys] = {}

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
        return self._select(select_members(self._compiled, name, self._as_of))

    def prepare(self, names: Sequence[str]) -> None:
        """Let segments be evaluated together, each once, so that what they ask of a source is
        scanned for once. A group is asked when the first of its segments is, which bounds how many
        sets are held. By itself goes one that asks for the kept set or the log of another one here,
        which may be made anew before its turn."""
        for group in self._sharing(names):
            self._groups |= dict.fromkeys(group, group)

    def _ask(self, group: Sequence[str]) -> None:
        """Evaluate a group; in halves where the query is too large. Those of a query that fails are
        left to be asked one by one, which then says why."""
        for name in group:
            del self._groups[name]
        waiting = [group]
        while waiting:
            together = waiting.pop()
            try:
                found = self._together(together)
            except TooLargeError:
                middle = len(together) // 2
                waiting += [half for half in (together[middle:], together[:middle]) if middle]
            except (SourceUnavailableError, RefusedError):
                pass
            else:
                self._prepared.update(zip(together, found, strict=True))

    def _together(self, names: Sequence[str]) -> Sequence[Keys]:
        selection = select_shared(self._compiled, names, self._as_of)
        sets = self._sets_of(selection)
        return self._engine(selection).memberships(selection, sets, len(names))

    def _sharing(self, names: Sequence[str]) -> Iterator[Sequence[str]]:
        """The segments that can be asked in one query, at most TOGETHER at a time."""
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
        return ordinals(self._select(select_audience(self._compiled, rule, self._as_of)))

    def population(self, entity: str) -> BitMap64:
        """Every user of an entity. Raises as members() does."""
        return ordinals(self._select(select_keys(self._compiled, entity, Everyone(), self._as_of)))

    def holding(self, entity: str, predicate: Predicate) -> Keys:
        """The users of an entity for whom a typed predicate holds. Raises as keys() does."""
        return self._select(select_keys(self._compiled, entity, predicate, self._as_of))

    def place(self, entity: str, leaf: Rank, key: Key) -> Place | None:
        """The position of a user of an entity in a rank; None for one who is not ranked. Raises as
        members() does."""
        selection = select_place(self._compiled, entity, leaf, self._as_of, key)
        rows = self._engine(selection).values(selection, self._sets_of(selection))
        return next((Place(int(row[PLACE]), int(row[SIZE])) for row in rows), None)

    def fields(
        self, entity: str, names: Sequence[str], users: BitMap64
    ) -> Mapping[Key, Mapping[str, Any]]:
        """Fields of users by key and name, None for no value. Raises as members() does."""
        if not names:
            return {}
        selection = select_fields(self._compiled, entity, names, self._as_of)
        rows = self._engine(selection).values(selection, {selection.sets[0]: users})
        return fields_of(self._compiled, entity, rows)

    def _select(self, selection: Selection) -> Keys:
        sets = self._sets_of(selection)
        return self._engine(selection).members(selection, sets)

    def _sets_of(self, selection: Selection) -> Mapping[str, Keys]:
        for name, query in selection.made.items():
            if name not in self._sets:
                self._sets[name] = self._engine(query).members(query, {})
        return {wanted: self._set(wanted) for wanted in selection.sets}

    def _engine(self, selection: Selection) -> Engine:
        return self._engines(source_of(self._compiled, selection.source))

    def nested(self, name: str) -> Mapping[str, Keys]:
        """The sets of other segments that the members of a segment are judged by: frozen ones of
        static segments, last snapshots. Raises as keys() does."""
        wanted = select_members(self._compiled, name, self._as_of).sets
        return {
            other: self._set(segment_set(other))
            for other in self._compiled.segments
            if segment_set(other) in wanted
        }

    def logs(self, name: str, key: Key) -> Logs:
        """The logs that the members of a segment are judged by, as far as they are about one user.
        Raises RefusedError where one begins too late."""
        wanted = select_members(self._compiled, name, self._as_of).sets
        asked = [leaf for leaf in log_leaves(self._compiled) if log_set(leaf) in wanted]
        for leaf in asked:
            self._set(log_set(leaf))
        segments = {logged_segment(leaf) for leaf in asked}
        return {segment: self._past.of_user(segment, key) for segment in segments}

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
