"""Where the keys and values of a TOML file stand: tomllib gives values but no positions."""

import re
from dataclasses import dataclass, field

from segflow.diagnostics import Span
from segflow.loader.nodes import SourceFile

Path = tuple[str, ...]
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*(?P<name>{_DOTTED})\s*\]\]?")
_KEY = re.compile(rf"\s*(?P<name>{_DOTTED})\s*=\s*(?P<value>.*?)\s*(?:#[^\"']*)?$")
_ERROR_AT = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)")


@dataclass(slots=True)
class TomlPlaces:
    """Spans of keys and values by their path, found by one look at every line.

    What stands inside of an inline table or a value of many lines has the span of the key before.
    """

    file: SourceFile
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)

    def __post_init__(self) -> None:
        table: Path = ()
        for number, line in enumerate(self.file.lines):
            if header := _HEADER.match(line):
                table = _parts(header["name"])
                self._note(self.keys, table, number, header.span("name"))
            elif key := _KEY.match(line):
                path = (*table, *_parts(key["name"]))
                self._note(self.keys, path, number, key.span("name"))
                self._note(self.values, path, number, key.span("value"))

    def _note(
        self, spans: dict[Path, Span], path: Path, line: int, columns: tuple[int, int]
    ) -> None:
        span = self.file.range(line, columns[0], line, columns[1])
        for length in range(1, len(path) + 1):
            spans.setdefault(path[:length], span)

    def key(self, path: Path) -> Span:
        """The span of a key, or of the nearest table around it; the file's start for none."""
        return self._nearest(self.keys, path)

    def value(self, path: Path) -> Span:
        """The span of a value, or of the nearest key around it."""
        return self.values.get(path) or self.key(path)

    def _nearest(self, spans: dict[Path, Span], path: Path) -> Span:
        for length in range(len(path), 0, -1):
            if (span := spans.get(path[:length])) is not None:
                return span
        return self.file.range(0, 0, 0, 1)


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def error_span(file: SourceFile, message: str) -> Span:
    """The place that a message of tomllib names; the last line where it names none."""
    match = _ERROR_AT.search(message)
    if match is None:
        last = len(file.lines) - 1
        return file.range(last, 0, last, len(file.lines[last]))
    line, column = int(match[1]) - 1, int(match[2]) - 1
    return file.range(line, column, line, column + 1)
