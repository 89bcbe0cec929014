"""The deployed objects: rows to records and back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select

from segflow.errors import CorruptStateError, NotDeployedError
from segflow.model.address import Address
from segflow.model.codec import canonical, from_canonical
from segflow.model.instant import Instant
from segflow.model.state import DeployedObject
from segflow.store.batches import batches
from segflow.store.tables import OBJECTS
from segflow.store.trouble import RESTORE

_FINGERPRINTS = select(OBJECTS.c.kind, OBJECTS.c.name, OBJECTS.c.fingerprint)
_ALL = select(OBJECTS).order_by(OBJECTS.c.kind, OBJECTS.c.name)
_DELETE = delete(OBJECTS).where(
    OBJECTS.c.kind == bindparam("of_kind"), OBJECTS.c.name == bindparam("of_name")
)


def fingerprints(connection: Connection) -> Mapping[Address, str]:
    """The fingerprint of every deployed object."""
    rows = connection.execute(_FINGERPRINTS)
    return {Address(kind, name): fingerprint for kind, name, fingerprint in rows}


def deployed(
    connection: Connection, addresses: Iterable[Address] | None
) -> Mapping[Address, DeployedObject]:
    """Deployed objects, all or those asked for."""
    found: dict[Address, DeployedObject] = {}
    for query in [_ALL] if addresses is None else _queries(addresses):
        for row in connection.execute(query):
            address = Address(row.kind, row.name)
            found[address] = DeployedObject(
                address=address,
                canonical=row.canonical,
                fingerprint=row.fingerprint,
                definition=row.definition,
                files=_files(address, row.files),
                deployed_at=row.deployed_at,
            )
    return found


def definitions(connection: Connection) -> Mapping[str, str | None]:
    """The definition hash of every deployed segment."""
    query = select(OBJECTS.c.name, OBJECTS.c.definition).where(OBJECTS.c.kind == "segment")
    return {name: definition for name, definition in connection.execute(query)}


def put(connection: Connection, objects: Sequence[DeployedObject], now: Instant) -> None:
    """Makes these objects deployed as of now, in place of what stood at their addresses."""
    _remove(connection, [found.address for found in objects])
    rows = [
        {
            "kind": found.address.kind,
            "name": found.address.name,
            "fingerprint": found.fingerprint,
            "definition": found.definition,
            "files": canonical(found.files),
            "canonical": found.canonical,
            "deployed_at": now,
        }
        for found in objects
    ]
    if rows:
        connection.execute(insert(OBJECTS), rows)


def remove(connection: Connection, addresses: Sequence[Address]) -> None:
    """Takes these objects out of the deployed state. Raises NotDeployedError for one not in it."""
    present = fingerprints(connection) if addresses else {}
    for address in addresses:
        if address not in present:
            raise NotDeployedError(
                f"{address} can't be deleted: it is not deployed", hint="make a new plan"
            )
    _remove(connection, addresses)


def _remove(connection: Connection, addresses: Sequence[Address]) -> None:
    rows = [{"of_kind": address.kind, "of_name": address.name} for address in addresses]
    if rows:
        connection.execute(_DELETE, rows)


def _queries(addresses: Iterable[Address]) -> Iterator[Select[Any]]:
    for kind, group in groupby(sorted(set(addresses)), key=lambda address: address.kind):
        for names in batches(address.name for address in group):
            yield select(OBJECTS).where(OBJECTS.c.kind == kind, OBJECTS.c.name.in_(names))


def _files(address: Address, text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((path, digest) for path, digest in from_canonical(text))
    except (ValueError, TypeError) as error:
        raise CorruptStateError(
            f"the deployed {address} has a record of its files that can't be read",
            hint=RESTORE,
        ) from error
