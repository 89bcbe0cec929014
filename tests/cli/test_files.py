"""Files that commands write."""

import resource
from pathlib import Path

import pytest

from segflow.cli.files import write_new


def test_a_new_file_is_never_written_over(tmp_path: Path):
    """What is there stays as it is."""
    file = tmp_path / "draft.yaml"
    write_new(file, "one")
    with pytest.raises(FileExistsError):
        write_new(file, "two")
    assert file.read_text() == "one"


def test_a_new_file_that_can_not_be_written_whole_is_not_there(tmp_path: Path):
    """So that the next try finds no half of it; the error names the file."""
    file = tmp_path / "draft.yaml"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError, match="draft.yaml") as failed:
            write_new(file, "more than ten characters")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failed.value.filename == str(file)
    assert not file.exists()
