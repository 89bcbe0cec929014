"""Cells: a form of the language, one of its keys, and the type of the value that both are about.

Predicates are read in the words of their YAML, so that forms and keys are the language's own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from segflow.model.predicate import Predicate
from segflow.model.project import Project
from segflow.model.types import ValueType
from segflow.model.wording_predicate import predicate as words_of

STORED = ("field", "property")
"""The forms that are over no events: elsewhere these keys choose events and are about no value."""
_CHOOSING = ("where", "within", "ago", "since", "until", "calendar", "timezone")
OTHER = "another feature"
COMPARING = ("eq", "ne", "gt", "gte", "lt", "lte")


class Cell(NamedTuple):
    """A form with one of its keys, "" for itself, and a type, "" where it is about no value."""

    form: str
    key: str = ""
    type: str = ""

    def __str__(self) -> str:
        return " / ".join(part for part in self if part)


def cells_of(where: Predicate, entity: str, project: Project) -> frozenset[Cell]:
    """The cells that a predicate about an entity's users is in, with all that is inside of it."""
    words = words_of(where)
    assert words is not None
    return frozenset(_Place(project=project, entity=entity).leaf(words))


def of_each_form(cells: Iterable[Cell], number: int) -> list[Cell]:
    """At most so many cells of every form, from all over its keys and types."""
    of_forms: dict[str, list[Cell]] = defaultdict(list)
    for cell in sorted(cells):
        of_forms[cell.form].append(cell)
    return [cell for found in of_forms.values() for cell in found[:: -(-len(found) // number)]]


def key_of(key: str, value: Any) -> str:
    """How a key is called beside its value: comparing with another feature is one key, whichever
    way it is compared."""
    return OTHER if key in COMPARING and isinstance(value, dict) else key


def is_about_value(head: str, key: str) -> bool:
    """Whether a key of a form is about the form's value."""
    return head in STORED or key not in _CHOOSING


def type_name(type_: ValueType) -> str:
    """A type without the digits of decimals."""
    return type_.name if type_.name == "decimal" else str(type_)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where words stand: of which entity, in the `where` of which events, and inside of what."""

    project: Project
    entity: str
    events: tuple[str, ...] = ()
    inside: str = ""

    def leaf(self, words: Mapping[str, Any]) -> Iterator[Cell]:
        """The cells of a predicate or feature, whose head is its first key."""
        head, subject = next(iter(words.items()))
        form = next((f"{head} with {key}" for key in ("has", "periods") if key in words), head)
        form, type_ = form + self.inside, self._type(head, subject)
        yield Cell(form, "", type_)
        yield from self._parts(head, subject, words)
        for key, value in list(words.items())[1:]:
            about = type_ if is_about_value(head, key) else ""
            yield Cell(form, key_of(key, value), self._type(key, value) if key == "by" else about)
            if key_of(key, value) != key:
                yield from replace(self, inside=" on the right").leaf(value)

    def _parts(self, head: str, subject: Any, words: Mapping[str, Any]) -> Iterator[Cell]:
        """The cells of predicates and features inside of a leaf."""
        match head:
            case "all" | "any" | "none":
                for item in subject:
                    yield from self.leaf(item)
            case "not":
                yield from self.leaf(subject)
            case "held" | "rank":
                yield from replace(self, inside=f" in {head}").leaf(subject)
            case "sequence":
                for step in subject:
                    yield from replace(self, inside=" in sequence").leaf(step)
            case _:
                yield from (Cell("periods", key) for key in words.get("periods", ()))
        for key in {"where", "has", "among"} & words.keys():
            there = self if key == "among" else self._where(head, subject)
            yield from there.leaf(words[key])

    def _where(self, head: str, subject: Any) -> "_Place":
        """Where the condition of a leaf stands."""
        match head:
            case "same":
                return self
            case "via":
                relation = self.project.relation(subject)
                assert relation is not None
                return replace(self, entity=relation.to_entity)
            case "members":
                return replace(self, entity=subject)
            case _:
                return replace(self, events=_events(subject), inside=" in where")

    def _type(self, head: str, subject: Any) -> str:
        """The type of what a leaf is about, "" where it is about no value."""
        match head, subject:
            case "field" | "changed", str():
                entity = self.project.entity(self.entity)
                field = entity and entity.field_named(subject)
                return type_name(field.type) if field else ""
            case "property", str():
                return self._property(self.events[0], subject)
            case "same" | "by", {**properties}:
                return self._property(*next(iter(properties.items())))
            case (("in_file" | "sql"), _):
                return ""
            case _, [str(first), *_] | str(first) if "." in first:
                return self._property(*first.split("."))
            case _:
                return ""

    def _property(self, event: str, name: str) -> str:
        declared = self.project.event(event)
        found = declared and declared.property_named(name)
        return type_name(found.type) if found else ""


def _events(subject: Any) -> tuple[str, ...]:
    names = subject if isinstance(subject, list) else [subject]
    return tuple(name.partition(".")[0] for name in names)
