"""Reads the files that rules and offers name: templates, and codes to give away."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from segflow.diagnostics import Diagnostic
from segflow.loader.files import FileUse, at_line, by_path, read_named
from segflow.model.address import Address
from segflow.model.channel import CodesFromFile, Offer
from segflow.model.codec import digest
from segflow.model.project import Object, ProjectFile, SourceMap
from segflow.model.rule import TEMPLATES, Rule

MOST_JUNK = 20
_LONGEST_CODE = 255


def read_attached(
    root: Path, objects: Mapping[Address, Object], sources: SourceMap, found: list[Diagnostic]
) -> dict[str, ProjectFile]:
    """Every file that a rule or an offer names and that has no fault, by its path."""
    uses = [use for one in objects.values() for use in _uses(one, sources)]
    files = {}
    for path, named in by_path(uses).items():
        holds_codes = any(use.address.kind == "offer" for use in named)
        help = "the path is relative to the folder of segflow.toml"
        if not holds_codes:
            help = f"a template is named by its path in the folder {TEMPLATES}"
        content = read_named(root, path, named, found, ("FIL001", "FIL002"), help)
        if content is None:
            continue
        read = attached_file(path, content, found, holds_codes=holds_codes)
        if read is not None:
            files[path] = read
    return files


def attached_file(
    path: str, content: bytes, found: list[Diagnostic], *, holds_codes: bool
) -> ProjectFile | None:
    """The file in bytes that were read or kept; None, with errors, where they are no text or, of a
    file of codes, not one code on each line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        help = "save the file as UTF-8"
        found.append(at_line("FIL003", path, line, "", "not UTF-8 text", help))
        return None
    codes = _codes(path, text, found) if holds_codes else ()
    if codes is None:
        return None
    return ProjectFile(path=path, digest=digest(content), content=content, codes=codes)


def kept_file(path: str, content: bytes, user: Object) -> ProjectFile | None:
    """The file in bytes that were kept when `user`, an object that names it, was applied; None
    where it names no such file, or they are none."""
    if all(use.path != path for use in _uses(user, SourceMap())):
        return None
    return attached_file(path, content, [], holds_codes=isinstance(user, Offer))


def _uses(one: Object, sources: SourceMap) -> Iterator[FileUse]:
    match one:
        case Offer(codes=CodesFromFile(path=path)):
            span = sources.value(one.address, ("codes", "file"))
            yield FileUse(address=one.address, path=path, span=span)
        case Rule():
            for start, actions in one.sends():
                for number, action in enumerate(actions):
                    if action.template_path is not None:
                        span = sources.value(one.address, (*start, number, "template"))
                        yield FileUse(address=one.address, path=action.template_path, span=span)
        case _:
            pass


def _codes(path: str, text: str, found: list[Diagnostic]) -> tuple[str, ...] | None:
    """One code a line, without the spaces around it; None, with errors, where a line has none."""
    first: dict[str, int] = {}
    junk: list[tuple[int, str]] = []
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        code = line.strip()
        reason = _what_is_wrong(code, first)
        if reason is not None:
            junk.append((number, reason))
        first.setdefault(code, number)
    if not first:
        junk.append((1, "the file has no codes"))
    # The lines themselves are not shown: who reads it could use the codes.
    for number, reason in junk[:MOST_JUNK]:
        help = "write one code on each line, each once"
        found.append(at_line("FIL004", path, number, "", reason, help))
    if len(junk) > MOST_JUNK:
        summary = f"{len(junk) - MOST_JUNK} more lines are at fault, the first of them here"
        found.append(at_line("FIL004", path, junk[MOST_JUNK][0], "", summary, None))
    return None if junk else tuple(first)


def _what_is_wrong(code: str, first: Mapping[str, int]) -> str | None:
    if not code:
        return "the line has no code"
    if code in first:
        return f"the code stands in line {first[code]} already"
    if not code.isprintable():
        return "a code has characters that can't be shown"
    if len(code) > _LONGEST_CODE:
        return f"a code is longer than {_LONGEST_CODE} characters"
    return None
