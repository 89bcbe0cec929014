"""Snapshot bytes by their SHA-256, in a folder or on any filesystem that fsspec knows."""

import os
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from segflow.errors import CorruptStateError, RefusedError, SegflowError
from segflow.model.codec import digest as digest_of
from segflow.store.folders import make_folder, sync_file, sync_folder
from segflow.store.trouble import unreachable
from segflow.store.urls import masked

_AT_ONCE = 16
"""So many files are synced side by side."""

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class FsspecSnapshotStore:
    """Implements ports.SnapshotStore below an fsspec url or a path.

    The bytes of digest abcdef… lie in ab/cdef…. In a local folder they are written beside their
    place, synced and then renamed, so that a name always stands for all of its bytes; elsewhere one
    put is trusted to do that. Many are synced side by side, which takes a disk hardly longer than
    one. Nothing is made before the first put. A relative path starts from `root` (None: the working
    directory). Raises RefusedError for a url that fsspec can't open.
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
        self._lock = threading.RLock()
        self._unnamed: dict[str, Path | None] = {}
        """Digests that sync() is to name, each with the file of its bytes; None where only the name
        is not durable yet."""

    def put(self, content: bytes) -> str:
        with self._lock:
            digest = self.write(content)
            self.sync()
        return digest

    def write(self, content: bytes) -> str:
        digest = digest_of(content)
        path = self._path(digest)
        with self._lock, self._trouble():
            if not self._is_local:
                if not self._has(digest, len(content)):
                    self._files.pipe_file(path, content)
            elif digest not in self._unnamed:
                self._unnamed[digest] = _written(Path(path), content)
        return digest

    def sync(self) -> None:
        with self._lock, self._trouble():
            unnamed, self._unnamed = self._unnamed, {}
            parts = {Path(self._path(digest)): part for digest, part in unnamed.items()}
            if parts:
                _name_durably(parts)

    def get(self, digest: str) -> bytes:
        if not _DIGEST.match(digest):
            raise self._corrupt(digest, "is named by what is no SHA-256")
        with self._lock, self._trouble():
            path = self._unnamed.get(digest) or self._path(digest)
            try:
                content = bytes(self._files.cat_file(str(path)))
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


def _written(path: Path, content: bytes) -> Path | None:
    """The file beside the path that has the content now; None where that is in its place."""
    make_folder(path.parent)
    if _holds(path, content):
        return None
    part = _part_of(path)
    try:
        part.write_bytes(content)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def _name_durably(parts: Mapping[Path, Path | None]) -> None:
    """Give each file its path. Names are synced also where they were there: whoever wrote one may
    have died before that."""
    new = {path: part for path, part in parts.items() if part is not None}
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            deque(pool.map(sync_file, new.values()), maxlen=0)
            for path, part in new.items():
                part.replace(path)
            deque(pool.map(sync_folder, {path.parent for path in parts}), maxlen=0)
    except BaseException:
        for part in new.values():
            part.unlink(missing_ok=True)
        raise


def _part_of(path: Path) -> Path:
    # Of this writer alone; what a killed one leaves is harmless and is written over in time.
    writer = f"{os.uname().nodename}-{os.getpid()}-{threading.get_ident()}"
    return path.with_name(f".{path.name}.{writer}.part")


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False
