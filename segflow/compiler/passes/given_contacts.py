"""What a test says of a user's consents, addresses and suppressions: they are of its entity."""

from typing import NamedTuple

from segflow.compiler.codes import NOT_GIVEN
from segflow.compiler.passes.names import belongs
from segflow.compiler.passes.slots import Scope
from segflow.model.address import Address
from segflow.model.project import KeyPath
from segflow.model.scalar import Text
from segflow.model.trial import TrialUser


class GivenContacts(NamedTuple):
    """What is given of a user: addresses by the fields that hold them, what was said of
    topics, and the names of addresses that may not be used."""

    fields: tuple[tuple[str, str], ...]
    consents: tuple[tuple[str, bool], ...]
    suppressed: tuple[str, ...]


def given_contacts(user: TrialUser, path: KeyPath, scope: Scope) -> GivenContacts:
    """What is given of the user at a path, as far as it is known; all else is reported."""
    here: KeyPath = (*path, "consents")
    topics = tuple(
        (name, said)
        for name, said in user.consents
        if _is_known(Address("consent", name), (*here, name), scope, at_key=True)
    )
    fields = tuple(_fields(user, (*path, "addresses"), scope))
    if user.suppressed:
        _may_be_suppressed((*path, "suppressed"), scope)
    suppressed = tuple(
        name
        for number, name in enumerate(user.suppressed)
        if _is_known(Address("address", name), (*path, "suppressed", number), scope)
    )
    return GivenContacts(fields, topics, suppressed)


def _fields(user: TrialUser, path: KeyPath, scope: Scope) -> list[tuple[str, str]]:
    found = []
    for name, value in user.addresses:
        if not _is_known(Address("address", name), (*path, name), scope, at_key=True):
            continue
        address = scope.draft.index.addresses[name]
        if address.field is not None:
            summary = f"address {name} is the field {address.field}"
            scope.complain(NOT_GIVEN, (*path, name), summary, "give it under `user`", key=True)
        elif isinstance(value, Text):
            found.append((address.text_field, value.text))
    return found


def _may_be_suppressed(path: KeyPath, scope: Scope) -> None:
    draft, entity = scope.draft, scope.entity
    is_read = not any(one.kind == "suppression" for one in draft.project.broken)
    if is_read and not any(draft.project.suppressions(entity)):
        summary = f"nothing suppresses users of entity {entity}: no `suppression` is declared"
        scope.complain(NOT_GIVEN, path, summary, "remove the key", key=True)


def _is_known(wanted: Address, path: KeyPath, scope: Scope, *, at_key: bool = False) -> bool:
    return belongs(scope.draft, wanted, scope.entity, scope.address, path, at_key=at_key)
