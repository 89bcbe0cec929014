"""Folders and files that are still there after a power failure."""

import os
from pathlib import Path

PRIVATE = 0o700
"""The mode of folders that only their owner may look into."""


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(file: Path) -> None:
    """Makes the bytes of a file durable. Raises OSError."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, durably and for their owner alone: what is kept says of
    people what others must not read. Harmless where it exists. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    sync_folder(folder.parent)
