"""Entities whose keys are texts: a shop once more, with a text for the number of each user."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from segflow.compiler.worlds import LoggedChange, World
from segflow.model.address import Address
from segflow.model.catalog import Entity, Event, Relation
from segflow.model.contact import ConsentTopic, ContactAddress, Suppression
from segflow.model.keys import Key
from segflow.model.predicate import Predicate
from segflow.model.project import Object, Project
from tests.agreement.data import Row, Tables, world_of

USERS = "customer"
"""The entity that segments are about, and lists, logs and kept sets."""

TEXTS: Sequence[str] = [
    *("", "a", "A", "a ", "10", "9", "é", "e\u0301", " a", "\u00fc", "u\u0308"),
    *("ß", "ss", "\U0001f600", "\ufffd", "o'hara", "\u212a"),
]
"""Those of the first numbers; of others nobody would take one for another."""

BESIDE: Mapping[int, str] = {77: "SS", 78: "010", 99: "k", 2**63 - 1: "9 ", 2**64 - 1: "\t"}
"""Those of strangers and of large numbers; some are nearly another's."""


def entities_with_texts(choice: int) -> frozenset[str]:
    """Users have texts in one shop of three, accounts in every other one."""
    users = [USERS] if choice % 3 == 2 else []
    accounts = ["account"] if choice // 3 % 2 else []
    return frozenset(users + accounts)


def text_of(number: int) -> str:
    """The text that stands for the number of a user, of which no other number has it."""
    if number < len(TEXTS):
        return TEXTS[number]
    return BESIDE.get(number, f"u{number}")


def key_of(number: int, project: Project) -> Key:
    """The key of the user with a number."""
    users = project.entity(USERS)
    return text_of(number) if users is not None and users.key_type == "string" else number


def with_texts(
    project: Project, tables: Tables, world: World, entities: Set[str]
) -> tuple[Project, Tables, World]:
    """The same shop with texts for the keys of these entities."""
    columns = set(_columns(project, entities))

    def told(table: str, row: Row) -> Row:
        return {
            name: text_of(cell) if (table, name) in columns and cell is not None else cell
            for name, cell in row.items()
        }

    rows = {name: [told(name, row) for row in found] for name, found in tables.items()}
    objects: dict[Address, Object] = {}
    for address, one in project.objects.items():
        is_told = isinstance(one, Entity) and one.name in entities
        objects[address] = _told(one) if is_told else one  # type: ignore[arg-type]
    whole = replace(project, objects=objects)
    if USERS not in entities:
        found = world_of(whole, USERS, rows, world.snapshots, world.logs)
        return whole, rows, replace(found, given=world.given)
    lists = {
        path: replace(
            listed, keys=tuple(text_of(int(key)) for key in listed.keys), key_type="string"
        )
        for path, listed in project.lists.items()
    }
    snapshots = {name: _texts(keys) for name, keys in world.snapshots.items()}
    logs = {name: tuple(map(_change, log)) for name, log in world.logs.items()}
    given: Mapping[Predicate, frozenset[Key]] = {
        leaf: _texts(keys) for leaf, keys in world.given.items()
    }
    whole = replace(whole, lists=lists)
    return whole, rows, replace(world_of(whole, USERS, rows, snapshots, logs), given=given)


def _told(entity: Entity) -> Entity:
    return replace(entity, key_type="string", ordinals="dictionary")


def _texts(keys: frozenset[Key]) -> frozenset[Key]:
    return frozenset(text_of(int(key)) for key in keys)


def _change(one: LoggedChange) -> LoggedChange:
    return replace(one, entered=_texts(one.entered), exited=_texts(one.exited))


def _columns(project: Project, entities: Set[str]) -> Iterator[tuple[str, str]]:
    """The columns that hold keys of the entities, with their tables."""
    for one in project:
        if isinstance(one, Entity) and one.name in entities:
            yield one.population.table, one.population.key
            for field in one.fields:
                yield from ((at.table or "", at.key or "") for at in field.at)
                if field.history is not None:
                    yield field.history.table, field.history.key
        elif isinstance(one, Relation) and one.to_entity in entities:
            leads = project.entity(one.from_entity)
            assert leads is not None
            yield leads.population.table, one.from_column
        elif isinstance(one, Event):
            yield from ((one.at.table, column) for name, column in one.entities if name in entities)
        elif (
            isinstance(one, ConsentTopic | ContactAddress | Suppression)
            and one.entity in entities
            and one.at is not None
            and one.at.key is not None
        ):
            yield one.at.table or "", one.at.key
