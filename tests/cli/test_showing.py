"""Tables, files and keys: the small parts that commands show with."""

import io
import os
import stat

import click
import pyarrow.parquet as pq
import pytest
from pyroaring import BitMap64

from segflow.cli.files import write_whole
from segflow.cli.keys import to_bytes
from segflow.cli.output import counted
from segflow.cli.tables import columns, facts

LARGEST = 2**64 - 1


def plain(lines: list[str]) -> list[str]:
    return [click.unstyle(line) for line in lines]


def test_columns_are_aligned_by_what_a_terminal_shows():
    """Wide characters take two places, numbers stand to the right, what is missing is a dash."""
    lines = plain(columns(("NAME", "SIZE"), [("流失", 1204), ("vip", None), ("café", 7)]))
    assert lines == ["NAME    SIZE", "流失   1,204", "vip        -", "café       7"]


def test_a_terminal_is_as_wide_as_it_is():
    """On a terminal the last column is cut at its edge, unless not even the others fit."""
    rows = [("vip", "流失很久的顾客"), ("x", "short")]
    assert plain(columns(("NAME", "SAYS"), rows, 14)) == [
        "NAME   SAYS",
        "vip    流失很…",
        "x      short",
    ]
    assert plain(columns(("NAME", "SAYS"), rows, 21))[1] == "vip    流失很久的顾客"
    assert plain(columns(("NAME", "SAYS"), rows, 6)) == plain(columns(("NAME", "SAYS"), rows))


def test_a_cell_stays_on_its_line():
    """Line breaks become spaces, control characters are replaced."""
    assert plain(columns(("A",), [("x\ny\x1b[2J",)]))[1] == "x y�[2J"


def test_facts_stand_below_each_other():
    """What is None is left out."""
    assert plain(facts((("as of", "now"), ("size", 1204), ("owner", None)))) == [
        "as of   now",
        "size    1,204",
    ]


@pytest.mark.parametrize(("number", "words"), [(0, "0 keys"), (1, "1 key"), (1204, "1,204 keys")])
def test_counted(number, words):
    """One of a thing is singular, thousands are apart."""
    assert counted(number, "key") == words


def test_keys_of_64_bits_survive_in_every_format():
    """The largest key is written and read without loss."""
    keys = BitMap64([LARGEST, 3])
    assert to_bytes(keys, ".txt", "id") == b"3\n18446744073709551615\n"
    assert to_bytes(keys, ".csv", "id") == b"id\n3\n18446744073709551615\n"
    table = pq.read_table(io.BytesIO(to_bytes(keys, ".parquet", "id")))
    assert table.to_pydict() == {"id": [3, LARGEST]}


def test_nobody_is_an_empty_file():
    """No keys are no lines; CSV and Parquet keep their column."""
    assert to_bytes(BitMap64(), "", "id") == b""
    assert to_bytes(BitMap64(), ".csv", "id") == b"id\n"
    assert pq.read_table(io.BytesIO(to_bytes(BitMap64(), ".parquet", "id"))).column_names == ["id"]


def test_a_file_is_replaced_at_once(tmp_path):
    """The new content stands alone in the folder, readable as any file made here."""
    path = tmp_path / "a.segplan"
    path.write_text("old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.segplan"]
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    """When the disk is full the old content stays, no draft lies about, and the file is named."""
    path = tmp_path / "a.segplan"
    path.write_text("old")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left on device: '.*a.segplan'"):
        write_whole(path, b"new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.segplan"]
