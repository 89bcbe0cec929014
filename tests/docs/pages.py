"""Pages of the documentation as what can be run: fenced blocks, and what follows each `$`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. `language` is the first word after the fence, `notes` are the others."""

    page: Path
    line: int
    language: str
    notes: tuple[str, ...]
    text: str

    def note(self, name: str) -> str | None:
        """The value of a note `name=value`."""
        values = dict(note.partition("=")[::2] for note in self.notes)
        return values.get(name)

    def __str__(self) -> str:
        return f"{self.page.relative_to(DOCS)}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A line after `$` and the output that the page shows for it."""

    words: str
    shown: str


def pages(folder: str) -> list[Path]:
    """Every page below a folder of docs/."""
    return sorted((DOCS / folder).rglob("*.md"))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    fences = [token for token in tokens if token.type == "fence"]
    return [
        Block(
            page=page,
            line=(token.map or [0])[0] + 1,
            language=(token.info.split() or [""])[0],
            notes=tuple(token.info.split()[1:]),
            text=token.content,
        )
        for token in fences
    ]


def tables_of_keys(page: str) -> list[list[str]]:
    """The keys in the first column of each table of a page."""
    return [
        [
            key
            for cell in re.findall(r"^\| (`[^|]*) \|", part, re.MULTILINE)
            for key in re.findall(r"`(\w+)`", cell)
        ]
        for part in re.split(r"^\|---\|---\|$", page, flags=re.MULTILINE)[1:]
    ]


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        words, _, shown = part.partition("\n")
        yield Command(words=words, shown=shown.strip("\n"))


def matches(shown: str, said: str) -> bool:
    """True where the output is the one shown. A line of … stands for any lines, … within a line
    for any text; empty lines at the end don't count."""
    lines = [
        ".*" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…")))
        for line in shown.splitlines()
    ]
    pattern = "\n".join(
        line if source.strip() == "…" else line.replace(".*", "[^\n]*")
        for line, source in zip(lines, shown.splitlines(), strict=True)
    )
    return re.fullmatch(pattern, trimmed(said), flags=re.DOTALL) is not None


def trimmed(said: str) -> str:
    """Output as a page shows it: without spaces at the ends of lines and empty lines at its own."""
    return "\n".join(line.rstrip() for line in said.splitlines()).strip("\n")
