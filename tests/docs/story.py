"""Running a page of the guide from top to bottom, as a reader would."""

import contextlib
import io
import shlex
from collections.abc import Iterator
from pathlib import Path

from segflow.cli.main import main
from tests.docs.pages import Block, Command, blocks, commands, trimmed


class Reader:
    """Somebody who types what a page says, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._code = 0

    def follow(self, block: Block) -> Iterator[tuple[Command, str]]:
        """Write the block's file, or run its commands and give what each printed."""
        if (name := block.note("file")) is not None:
            file = self.folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        if block.language == "console":
            for command in commands(block):
                yield command, self._run(shlex.split(command.words))

    def _run(self, words: list[str]) -> str:
        match words:
            case ["cd", name]:
                self.folder = self.folder / name
                return ""
            case ["cat", name]:
                return (self.folder / name).read_text(encoding="utf-8")
            case ["rm", name]:
                (self.folder / name).unlink()
                return ""
            case ["echo", "$?"]:
                return f"{self._code}\n"
            case ["segflow", *arguments]:
                return self._segflow(arguments)
            case _:
                raise ValueError(f"the guide's reader can't run {words}")

    def _segflow(self, arguments: list[str]) -> str:
        said = io.StringIO()
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            self._code = main(arguments)
        return said.getvalue()


def fill(page: Path, folder: Path) -> str:
    """The page with the output of its commands as it is now; output shown with … stays."""
    lines = page.read_text(encoding="utf-8").splitlines()
    filled: list[str] = []
    done = 0
    reader = Reader(folder)
    for block in blocks(page):
        told = list(reader.follow(block))
        if block.language == "console":
            filled += lines[done : block.line]
            for command, said in told:
                filled += [f"$ {command.words}", *_shown(command, said).splitlines()]
            done = block.line + len(block.text.splitlines())
    return "\n".join([*filled, *lines[done:]]) + "\n"


def _shown(command: Command, said: str) -> str:
    return command.shown if "…" in command.shown else trimmed(said)
