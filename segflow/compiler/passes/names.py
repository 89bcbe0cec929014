"""Names: what one refers to, or a report that it refers to nothing, with the nearest that does."""

from collections.abc import Iterable

from segflow.compiler.codes import NOT_OF_ENTITY, UNKNOWN
from segflow.compiler.passes.draft import Draft, lacks, nearest
from segflow.model.address import Address, is_name
from segflow.model.contact import ConsentTopic, ContactAddress
from segflow.model.project import KeyPath
from segflow.model.segment import Segment


def is_there(
    draft: Draft, wanted: Address, address: Address, path: KeyPath, *, at_key: bool = False
) -> bool:
    """Whether an object exists that another one names at a path; its absence is reported, unless
    the name could not be read, or what is called so could not."""
    if wanted in draft.project.objects:
        return True
    if wanted.name and wanted not in draft.project.broken:
        _unknown(draft, address, path, wanted.kind, wanted.name, at_key=at_key)
    return False


def belongs(
    draft: Draft,
    wanted: Address,
    entity: str,
    address: Address,
    path: KeyPath,
    *,
    at_key: bool = False,
) -> bool:
    """Whether a segment, consent or address that an object names at a path is there and may be of
    the entity; else it is reported."""
    if not is_there(draft, wanted, address, path, at_key=at_key):
        return False
    found, known = draft.project.objects[wanted], draft.index.entities
    other = found.entity if isinstance(found, Segment | ConsentTopic | ContactAddress) else ""
    if other == entity or other not in known or entity not in known:
        return True
    article = "an" if wanted.kind == "address" else "a"
    draft.complain(
        NOT_OF_ENTITY,
        address,
        path,
        f"{wanted.kind} {wanted.name!r} is of entity {other!r}, not of {entity!r}",
        at_key=at_key,
        help=f"name {article} {wanted.kind} of entity {entity}",
    )
    return False


def _unknown(
    draft: Draft, address: Address, path: KeyPath, kind: str, name: str, *, at_key: bool
) -> None:
    written = (found.name for found in draft.project.objects if found.kind == kind)
    names = sorted(name for name in written if is_name(name))
    near = nearest(name, names)
    broken = draft.project.broken
    if near is None and any(one.kind == kind and one.name.startswith(":") for one in broken):
        return  # it may be the one whose name could not be read
    if any(one.kind == "blueprint" for one in broken):
        return  # it may be made by the one that could not be read
    draft.complain(
        UNKNOWN,
        address,
        path,
        f"there is no {kind} {name!r}",
        at_key=at_key,
        help=_suggest(draft, Address(kind, near), (), near) if near else _known(kind, names),
    )


def check_field(
    draft: Draft,
    address: Address,
    path: KeyPath,
    entity: str,
    name: str,
    events: tuple[str, ...] = (),
) -> None:
    """Report a field that an entity lacks; in the `where` of `events` it may be their property."""
    fields = draft.index.fields.get(entity)
    if fields is None or not lacks(fields, name):
        return
    owner = next((one for one in events if name in draft.index.properties.get(one, {})), None)
    draft.complain(
        UNKNOWN,
        address,
        path,
        f"entity {entity!r} has no field {name!r}",
        help=f"it is a property of event {owner}: write `property: {name}`"
        if owner
        else field_hint(draft, entity, name),
    )


def field_hint(draft: Draft, entity: str, name: str) -> str:
    """What to write instead of a field that a declared entity does not have."""
    fields = draft.index.fields[entity]
    near = nearest(name, fields)
    if near is None:
        return _known("field", fields)
    return _suggest(draft, Address("entity", entity), ("fields", near), near)


def check_property(
    draft: Draft, address: Address, path: KeyPath, event: str, name: str, entity: str = ""
) -> None:
    """Report a property that an event lacks; in its `where` it may be a field of the `entity`."""
    properties = draft.index.properties.get(event)
    if properties is None or not lacks(properties, name):
        return
    draft.complain(
        UNKNOWN,
        address,
        path,
        f"event {event!r} has no property {name!r}",
        help=f"it is a field of entity {entity}: write `field: {name}`"
        if name in draft.index.fields.get(entity, {})
        else _property_hint(draft, event, name),
    )


def _property_hint(draft: Draft, event: str, name: str) -> str:
    properties = draft.index.properties[event]
    near = nearest(name, properties)
    if near is None:
        return _known("property", properties)
    return _suggest(draft, Address("event", event), ("properties", near), near)


def _suggest(draft: Draft, owner: Address, path: KeyPath, near: str) -> str:
    span = draft.declared(owner, path)
    where = "" if span is None else f", declared at {span.path}:{span.line}"
    return f"did you mean {near!r}{where}?"


def _known(kind: str, names: Iterable[str]) -> str:
    known = ", ".join(sorted(names)[:10])
    return f"known: {known}" if known else f"no {kind} is declared yet"
