"""Plain columns for people, aligned by the width that a terminal gives each character."""

from collections.abc import Iterable, Sequence

import click
from rich.cells import cell_len, set_cell_size

from segflow.cli.diagnostics import printable

Cell = str | int | None
_GAP = "   "


def columns(
    head: Sequence[str], rows: Iterable[Sequence[Cell]], width: int | None = None
) -> list[str]:
    """The lines of a table. Numbers stand to the right with thousands apart; None is a dash. With a
    width, the last column is cut where it would go beyond."""
    body = list(rows)
    numeric = [any(isinstance(row[place], int) for row in body) for place in range(len(head))]
    texts = [list(head), *([_text(cell) for cell in row] for row in body)]
    widths = [max(cell_len(row[place]) for row in texts) for place in range(len(head))]
    lines = [_GAP.join(map(_aligned, row, widths, numeric)).rstrip() for row in texts]
    if width is not None and sum(widths[:-1]) + len(_GAP) * len(widths) < width:
        lines = [_cut(line, width) for line in lines]
    return [click.style(lines[0], bold=True), *lines[1:]]


def facts(pairs: Iterable[tuple[str, Cell]]) -> list[str]:
    """Lines of "name: value" with the values below each other; a value of None is left out."""
    held = [(name, _text(value)) for name, value in pairs if value is not None]
    width = max((len(name) for name, _ in held), default=0)
    return [f"{click.style(name.ljust(width), bold=True)}   {value}" for name, value in held]


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return "-"
        case int():
            return f"{cell:,}"
        case str():
            return printable(cell.replace("\n", " "))


def _cut(line: str, width: int) -> str:
    return line if cell_len(line) <= width else f"{set_cell_size(line, width - 1)}…"


def _aligned(text: str, width: int, to_the_right: bool) -> str:
    padding = " " * (width - cell_len(text))
    return padding + text if to_the_right else text + padding
