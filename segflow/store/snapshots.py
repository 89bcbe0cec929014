"""Snapshot bytes by their SHA-256, in a folder or on any filesystem that fsspec knows."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from segflow.errors import CorruptStateError, RefusedError, SegflowError
from segflow.model.codec import digest as digest_of
from segflow.store.folders import make_folder, sync_folder
from segflow.store.trouble import unreachable
from segflow.store.urls import masked

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class FsspecSnapshotStore:
    """Implements ports.SnapshotStore below an fsspec url or a path.

    The bytes of digest abcdef… lie in ab/cdef…. In a local folder they are written beside their
    place, synced and then renamed, so that a name always stands for all of its bytes; elsewhere one
    put is trusted to do that. Nothing is made before the first put. A relative path starts from
    `root` (None: the working directory). Raises RefusedError for a url that fsspec can't open.
    """

    def __init__(self, url: str, *, root: Path | None = None) -> None:
        self._place = masked(url)
        try:
            self._files, self._root = _opened(url, root or Path())
        except (ValueError, ImportError) as error:
            raise RefusedError(
                f"snapshots can't be kept in {self._place}: no filesystem is installed for it",
                hint="install fsspec's package for that protocol, or use a folder",
            ) from error
        self._is_local = isinstance(self._files, LocalFileSystem)

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        with self._trouble():
            if self._is_local:
                _put_durably(Path(self._path(digest)), content)
            elif not self._has(digest, len(content)):
                self._files.pipe_file(self._path(digest), content)
        return digest

    def get(self, digest: str) -> bytes:
        if not _DIGEST.match(digest):
            raise self._corrupt(digest, "is named by what is no SHA-256")
        with self._trouble():
            try:
                content = bytes(self._files.cat_file(self._path(digest)))
            except FileNotFoundError:
                raise self._corrupt(digest, "is missing") from None
        if digest_of(content) != digest:
            raise self._corrupt(digest, "was altered")
        return content

    def _path(self, digest: str) -> str:
        return f"{self._root.rstrip('/')}/{digest[:2]}/{digest[2:]}"

    def _has(self, digest: str, size: int) -> bool:
        # Another size is the rest of a put that broke off.
        try:
            return bool(self._files.size(self._path(digest)) == size)
        except FileNotFoundError:
            return False

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except SegflowError:
            raise
        except Exception as error:  # a filesystem from elsewhere may raise whatever it likes
            raise unreachable(f"the snapshot store {self._place}", error) from error

    def _corrupt(self, digest: str, reason: str) -> CorruptStateError:
        return CorruptStateError(
            f"the snapshot {digest} in {self._place} {reason}",
            hint="restore the snapshot store from a backup",
        )


def _opened(url: str, root: Path) -> tuple[fsspec.AbstractFileSystem, str]:
    if "://" not in url:
        return LocalFileSystem(), str((root / url).absolute())
    files, path = fsspec.core.url_to_fs(url)
    return files, path


def _put_durably(path: Path, content: bytes) -> None:
    make_folder(path.parent)
    if not _holds(path, content):
        part = _part_of(path)
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    # Also where it was there: whoever wrote it may have died before this.
    sync_folder(path.parent)


def _part_of(path: Path) -> Path:
    # Of this writer alone; what a killed one leaves is harmless and is written over in time.
    writer = f"{os.uname().nodename}-{os.getpid()}-{threading.get_ident()}"
    return path.with_name(f".{path.name}.{writer}.part")


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False
