"""Kept bytes of the files that objects name, by their SHA-256."""

from sqlalchemy import Connection, insert, literal, select

from segflow.errors import CorruptStateError
from segflow.model.codec import digest as digest_of
from segflow.store.tables import BLOBS
from segflow.store.trouble import RESTORE


def read(connection: Connection, digest: str) -> bytes | None:
    """The bytes under a digest. Raises CorruptStateError where they were altered."""
    content = connection.execute(
        select(BLOBS.c.content).where(BLOBS.c.digest == digest)
    ).scalar_one_or_none()
    if content is None:
        return None
    if digest_of(content) != digest:
        raise CorruptStateError(
            f"the bytes kept under {digest} in the state database were altered", hint=RESTORE
        )
    return bytes(content)


def keep(connection: Connection, digest: str, content: bytes) -> None:
    """Keeps the bytes, once. Raises CorruptStateError where they do not have that digest."""
    if digest_of(content) != digest:
        raise CorruptStateError(
            f"bytes to keep do not have the digest {digest}", hint="read the file again"
        )
    present = select(literal(1)).where(BLOBS.c.digest == digest)
    if connection.execute(present).first() is None:
        connection.execute(insert(BLOBS).values(digest=digest, content=content))
