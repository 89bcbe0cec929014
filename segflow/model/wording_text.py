"""Words as YAML text: on one line for messages, and as a document for files and people."""

import re
from textwrap import wrap
from typing import Union

Word = Union[None, bool, int, str, "list[Word]", "dict[str, Word]"]
"""A JSON-like value in the words of the YAML."""

Words = dict[str, Word]
"""A mapping of words: one object or one leaf."""

MASK = "***"
"""What stands for a value that is not shown."""

_WIDTH = 90
_SAFE = re.compile(
    r"(?:[^\W_]|[/(]|[.-](?=\w))"
    r"(?:[\w./+%()<>=*$@^|!;~-]|:(?=[\w/])|[ ](?=[\w./+%()<>=*$@^|!;~-]))*\Z"
)
# What a reader of YAML 1.1 or 1.2 would take for something else than text.
_AMBIGUOUS = re.compile(
    r"(?:null|true|false|yes|no|on|off|y|n)\Z"
    r"|[-+.]?[0-9][0-9_.,]*(?:e[-+]?[0-9]+)?\Z"
    r"|0[xo][0-9a-f_]+\Z|0b[01_]+\Z"
    r"|[-+]?[0-9][0-9_]*(?::[0-9]+)+(?:\.[0-9]*)?\Z"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*\Z"
    r"|[-+]?\.(?:inf|nan)\Z",
    re.IGNORECASE,
)


class Plain(str):
    """Text that stands without quotes whatever it looks like: a decimal, a date, an instant."""

    __slots__ = ()


def line(words: Words) -> str:
    """A mapping on one line, without its braces: "did_not: purchase, within: 7d"."""
    return ", ".join(f"{_text(key)}: {flow(value)}" for key, value in words.items())


def flow(word: Word) -> str:
    """A value on one line, as YAML: 'US', {did: purchase, within: 7d}, [a, b]."""
    match word:
        case None:
            return "null"
        case bool():
            return "true" if word else "false"
        case int():
            return str(word)
        case str():
            return _text(word)
        case list():
            return f"[{', '.join(flow(item) for item in word)}]"
        case dict():
            return f"{{{line(word)}}}"


def document(words: Words) -> str:
    """A mapping as a YAML document; what fits stands on one line."""
    return "\n".join(_block(words, _WIDTH)) + "\n"


def layout(word: Word, width: int) -> list[str]:
    """A value for people to read, as lines of YAML no wider than that where its words allow it;
    long text is wrapped."""
    match word:
        case dict() if word:
            return _block(word, width)
        case list() if word:
            return _list(word, width)
        case _:
            return wrap(flow(word), width, break_on_hyphens=False)


def _block(words: Words, width: int) -> list[str]:
    lines: list[str] = []
    for key, value in words.items():
        head = f"{_text(key)}:"
        short = f"{head} {flow(value)}"
        match value:
            case dict() if value and len(short) > width:
                lines += [head, *_indented(_block(value, width - 2))]
            case list() if value and len(short) > width:
                lines += [head, *_indented(_list(value, width - 2))]
            case _:
                lines.append(short)
    return lines


def _list(words: list[Word], width: int) -> list[str]:
    """Mappings each with a dash of its own, values filled into lines between brackets."""
    if any(isinstance(word, dict | list) for word in words):
        return [line for word in words for line in _item(word, width)]
    lines = [""]
    for number, word in enumerate(words, 1):
        value = flow(word) + ("," if number < len(words) else "]")
        if len(lines[-1]) + len(value) >= width:
            lines.append("")
        lines[-1] += f" {value}"
    return [f"[{lines[0].strip()}", *lines[1:]]


def _item(word: Word, width: int) -> list[str]:
    short = f"- {flow(word)}"
    if isinstance(word, dict) and word and len(short) > width:
        first, *rest = _block(word, width - 2)
        return [f"- {first}", *_indented(rest)]
    return [short]


def _indented(lines: list[str]) -> list[str]:
    return [f"  {text}" for text in lines]


def _text(text: str) -> str:
    if _SAFE.match(text) and (isinstance(text, Plain) or not _AMBIGUOUS.match(text)):
        return text
    return f'"{"".join(_escaped(character) for character in text)}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character == "\n":
        return "\\n"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
