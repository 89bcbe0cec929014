"""What every snapshot store promises, asked of each of them."""

import errno
import os
import threading
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segflow.errors import CorruptStateError, RefusedError, StateUnavailableError
from segflow.model.codec import digest
from segflow.store.snapshots import FsspecSnapshotStore
from tests.store.files import files_limited_to
from tests.store.powers import bound_by_permissions


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "deep" / "snapshots"


@pytest.fixture(params=["path", "file", "memory"])
def place(request, folder):
    """The url of an empty place: a folder's path, its url, or a filesystem in memory."""
    if request.param == "memory":
        yield "memory://segflow/snapshots"
        fsspec.filesystem("memory").store.clear()
    else:
        yield str(folder) if request.param == "path" else f"file://{folder}"


@pytest.fixture
def store(place):
    return FsspecSnapshotStore(place)


@pytest.fixture
def local(folder):
    return FsspecSnapshotStore(str(folder))


def files_in(folder):
    return {found for found in folder.rglob("*") if found.is_file()}


@given(st.binary())
def test_bytes_come_back_by_their_digest(content):
    """What was put is what is got, whatever the bytes are."""
    store = FsspecSnapshotStore("memory://any")
    name = store.put(content)
    assert name == digest(content)
    assert store.get(name) == content


def test_what_was_put_outlives_the_store(store, place):
    """A store that is opened later at the same place finds it."""
    name = store.put(b"members")
    assert FsspecSnapshotStore(place).get(name) == b"members"


def test_the_same_bytes_can_be_put_again(store):
    """They are kept once, under the same digest."""
    assert store.put(b"members") == store.put(b"members")
    assert store.get(digest(b"members")) == b"members"


def test_bytes_that_were_written_can_be_read_before_they_are_durable(store, place):
    """By whoever wrote them; after a sync by all."""
    names = [store.write(content) for content in (b"members", b"entered", b"members")]
    assert [store.get(name) for name in names] == [b"members", b"entered", b"members"]
    store.sync()
    store.sync()
    later = FsspecSnapshotStore(place)
    assert [later.get(name) for name in names] == [b"members", b"entered", b"members"]


def test_missing_bytes_are_said_so(store):
    """A digest that leads nowhere is a loss that no retry mends."""
    with pytest.raises(CorruptStateError, match=f"{digest(b'gone')} .* is missing"):
        store.get(digest(b"gone"))


@pytest.mark.parametrize("name", ["", "abc", "../../etc/passwd", "A" * 64, "0" * 64 + "\n"])
def test_a_name_that_is_no_digest_is_refused(store, name):
    """It can't lead out of the store."""
    with pytest.raises(CorruptStateError, match="no SHA-256"):
        store.get(name)


@pytest.mark.parametrize("altered", [b"", b"memberS", b"members and more"])
def test_altered_bytes_are_not_given(store, altered):
    """The digest is checked at every get."""
    name = store.put(b"members")
    store._files.pipe_file(store._path(name), altered)
    with pytest.raises(CorruptStateError, match="was altered"):
        store.get(name)


def test_a_put_that_broke_off_is_done_again(store):
    """Bytes that were cut short do not stand for the whole."""
    name = store.put(b"members")
    store._files.pipe_file(store._path(name), b"mem")
    store.put(b"members")
    assert store.get(name) == b"members"


# --- folders ---------------------------------------------------------------------------------


def test_nothing_is_made_before_the_first_put(store, tmp_path):
    """Opening and reading leave the disk as it was."""
    with pytest.raises(CorruptStateError):
        store.get(digest(b"x"))
    assert list(tmp_path.iterdir()) == []


def test_files_are_named_by_digest(local, folder):
    """Two digits name the folder, the rest the file; nothing else is left beside."""
    name = local.put(b"members")
    local.put(b"members")
    assert files_in(folder) == {folder / name[:2] / name[2:]}
    assert (folder / name[:2] / name[2:]).read_bytes() == b"members"


def test_damaged_bytes_are_mended_by_the_next_put(local, folder):
    """Even where their number is right."""
    name = local.put(b"members")
    (folder / name[:2] / name[2:]).write_bytes(b"memberS")
    local.put(b"members")
    assert local.get(name) == b"members"


def test_a_relative_path_starts_from_the_root(tmp_path):
    """The project's folder, wherever the command is run, and whatever it is called."""
    root = tmp_path / "a b?c#d::e%20"
    name = FsspecSnapshotStore(".segflow/snapshots", root=root).put(b"members")
    assert (root / ".segflow" / "snapshots" / name[:2] / name[2:]).exists()


def test_a_put_waits_for_the_disk(local, folder, monkeypatch):
    """The bytes are synced before they get their name, and the names after."""
    happened = []
    sync, rename = os.fsync, Path.replace

    def seen_sync(descriptor):
        happened.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def seen_rename(path, target):
        happened.append((path, target))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", seen_sync)
    monkeypatch.setattr(Path, "replace", seen_rename)
    name = local.put(b"members")

    final = folder / name[:2] / name[2:]
    *made, synced, renamed, last = happened
    assert made == [folder.parent.parent, folder.parent, folder]
    assert renamed == (synced, final)
    assert last == final.parent


def test_many_are_named_after_all_of_them_are_synced(local, folder):
    """Who dies before the sync leaves no name that could stand for less than its bytes."""
    names = [local.write(bytes([number]) * 100) for number in range(40)]
    assert not [one for one in files_in(folder) if not one.name.endswith(".part")]
    local.sync()
    assert files_in(folder) == {folder / name[:2] / name[2:] for name in names}


def test_a_sync_that_fails_names_nothing(local, folder, monkeypatch):
    """What was written is gone, and can be written again."""
    name = local.write(b"members")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _fail)
        with pytest.raises(StateUnavailableError, match="Input/output error"):
            local.sync()
    assert files_in(folder) == set()
    local.put(b"members")
    assert local.get(name) == b"members"


def _fail(descriptor):
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_full_disk_leaves_nothing_behind(local, folder):
    """What did not fit has neither its name nor another."""
    with files_limited_to(1_000), pytest.raises(StateUnavailableError, match="File too large"):
        local.put(b"x" * 100_000)
    assert files_in(folder) == set()
    assert local.get(local.put(b"x" * 100_000)) == b"x" * 100_000


def test_a_folder_that_may_not_be_written_is_said_so(local, folder):
    """The operating system's reason is told, with the place."""
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    with bound_by_permissions(), pytest.raises(StateUnavailableError) as caught:
        local.put(b"members")
    assert "Permission denied" in caught.value.message
    assert str(folder) in caught.value.message
    assert caught.value.hint


def test_bytes_that_may_not_be_read_are_said_so(local, folder):
    """They are not taken for lost."""
    name = local.put(b"members")
    (folder / name[:2] / name[2:]).chmod(0o000)
    with bound_by_permissions(), pytest.raises(StateUnavailableError, match="Permission denied"):
        local.get(name)


def test_writers_at_once_do_not_disturb_each_other(local, folder):
    """Many put the same bytes at the same time: each returns, and the bytes are whole."""
    content = bytes(range(256)) * 1_000
    start = threading.Barrier(8)
    failures = []

    def put():
        start.wait()
        try:
            local.put(content)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(files_in(folder)) == 1
    assert local.get(digest(content)) == content


# --- other filesystems -----------------------------------------------------------------------


class FaultyFileSystem(fsspec.AbstractFileSystem):
    """A filesystem that fails in a way of its own, with a secret in its words."""

    protocol = "faulty"

    def size(self, path):
        raise RuntimeError("ann:s3cret is not welcome")

    cat_file = size


def test_any_failure_of_a_filesystem_is_told_without_its_words():
    """What a filesystem raises becomes one kind of error; its text may hold a password."""
    fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)
    store = FsspecSnapshotStore("faulty://ann:s3cret@bucket/x?token=s3cret")
    for act in (lambda: store.put(b"x"), lambda: store.get(digest(b"x"))):
        with pytest.raises(StateUnavailableError, match="RuntimeError") as caught:
            act()
        assert "faulty://***@bucket/x?***" in caught.value.message
        assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("url", ["nowhere://ann:s3cret@bucket/x", "s3://ann:s3cret@bucket/x"])
def test_a_protocol_without_a_package_is_refused(url):
    """The hint says what is missing."""
    with pytest.raises(RefusedError, match="no filesystem is installed") as caught:
        FsspecSnapshotStore(url)
    assert "s3cret" not in caught.value.message
    assert "fsspec" in caught.value.hint
