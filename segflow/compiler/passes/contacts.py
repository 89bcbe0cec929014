"""Contacts: an address is a text that is stored; a column of its own is a field without a name."""

from dataclasses import replace

from segflow.compiler.codes import MISFIT
from segflow.compiler.passes.draft import Draft
from segflow.model.catalog import Entity, Field
from segflow.model.contact import ContactAddress
from segflow.model.types import STRING, UNREAD


def contacts(draft: Draft) -> Draft:
    """Report fields that can't hold an address; give entities the addresses that are no fields."""
    for address in draft.index.addresses.values():
        if address.field is not None:
            _held_by_field(draft, address, address.field)
    entities = {name: _with_addresses(draft, entity) for name, entity in draft.entities.items()}
    return replace(draft, entities=entities)


def _held_by_field(draft: Draft, address: ContactAddress, name: str) -> None:
    field = draft.index.fields.get(address.entity, {}).get(name)
    if field is None or field.type == UNREAD or (field.type == STRING and not field.derived):
        return
    kind = "derived" if field.derived else str(field.type)
    draft.complain(
        MISFIT,
        address.address,
        ("field",),
        f"addresses are stored strings, field {name} is {kind}",
        help="name a field of type string, or a table under `at:`",
    )


def _with_addresses(draft: Draft, entity: Entity) -> Entity:
    own = tuple(
        Field(name=one.text_field, type=STRING, at=(one.at,), pii=True)
        for one in draft.index.addresses.values()
        if one.entity == entity.name and one.at is not None
    )
    return replace(entity, fields=(*entity.fields, *own)) if own else entity
