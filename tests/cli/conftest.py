"""Running commands: in this process for most tests, as a real process where that is the point."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segflow.cli.main import main

AS_OF = "2026-04-01T00:00:00Z"
"""The example project's customers fall into several segments at this instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


Segflow = Callable[..., Result]


@pytest.fixture
def segflow(capsys: pytest.CaptureFixture[str]) -> Segflow:
    """Runs a command in this process, in the current folder, without a terminal."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return Result(code=code, out=said.out, err=said.err)

    return run


@pytest.fixture
def process() -> Segflow:
    """Runs a command as a process of its own, in the current folder, without a terminal."""

    def run(*arguments: str, **options: Any) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "segflow", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
        return Result(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


@pytest.fixture(scope="session")
def deployed_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example project with an apply at AS_OF, made once to be copied."""
    folder = tmp_path_factory.mktemp("deployed") / "shop"
    assert main(["init", str(folder)]) == 0
    applied = main(["apply", "--auto-approve", "--as-of", AS_OF, "--project", str(folder)])
    assert applied == 0
    return folder


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segflow: Segflow) -> Path:
    """The project that `segflow init` makes, as the current folder. Nothing is deployed."""
    folder = tmp_path / "shop"
    assert segflow("init", str(folder)).code == 0
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def deployed(deployed_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same project, deployed at AS_OF, as the current folder."""
    folder = tmp_path / "shop"
    shutil.copytree(deployed_template, folder)
    monkeypatch.chdir(folder)
    return folder


def edit(folder: Path, before: str, after: str) -> None:
    """Replace words in the example's segments that stand there once."""
    path = folder / "segments" / "shop.yaml"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))
