"""The files that an object names: which they are, and what differs where they changed."""

from collections.abc import Iterator, Mapping
from difflib import unified_diff

from segflow.loader.attached import attached_file
from segflow.model.address import Address
from segflow.model.channel import CodesFromFile, Offer
from segflow.model.compiled import Compiled
from segflow.model.plan import AttributeChange
from segflow.model.project import ProjectFile
from segflow.model.rule import TEMPLATES
from segflow.model.state import DeployedObject
from segflow.planner.attributes import Changes
from segflow.planner.paths import json_text, path_text

Files = tuple[tuple[str, str], ...]
"""Paths, in order, each with the digest of the file's content."""

MOST_LINES = 10
"""Lines of a template that are shown; what is more is counted."""


def named_files(address: Address, compiled: Compiled) -> Files:
    """The files that an object of the project names: the lists of a segment or of a rule's filter,
    the templates of a rule, the codes of an offer."""
    project = compiled.project
    digests = {path: project.lists[path].digest for path in _lists(address, compiled)}
    digests |= {path: project.files[path].digest for path in _attached(address, compiled)}
    return tuple(sorted(digests.items()))


def changed_lists(before: DeployedObject, compiled: Compiled) -> Changes:
    """List files whose content changed under the same name, by their digests."""
    old = dict(before.files)
    return tuple(
        _changed(path_text(("lists", path)), old[path], compiled.project.lists[path].digest)
        for path in sorted(_lists(before.address, compiled))
        if old.get(path, "") not in ("", compiled.project.lists[path].digest)
    )


def changed_contents(
    address: Address,
    before: DeployedObject | None,
    compiled: Compiled,
    former: Mapping[str, bytes],
) -> Changes:
    """Templates whose content changed under the same name, with their lines, and what comes into an
    offer's stock from another file of codes, in numbers. `former` has the old contents by digest;
    without one only the digests are told."""
    old = {} if before is None else dict(before.files)
    files = compiled.project.files
    found = (files[path] for path in _attached(address, compiled))
    if address.kind == "offer":
        return tuple(change for file in found for change in _codes(file, old, former))
    return tuple(
        _changed(
            path_text((TEMPLATES, file.path.removeprefix(f"{TEMPLATES}/"))),
            old[file.path],
            file.digest,
            _lines(former.get(old[file.path]), file),
        )
        for file in found
        if old.get(file.path, file.digest) != file.digest
    )


def former_contents(before: DeployedObject, compiled: Compiled) -> tuple[str, ...]:
    """The digests of the deployed contents that changed_contents() compares with."""
    if before.address.kind not in ("rule", "offer") or before.address not in compiled.fingerprints:
        return ()
    now = named_files(before.address, compiled)
    return tuple(digest for path, digest in before.files if (path, digest) not in now)


def _lists(address: Address, compiled: Compiled) -> tuple[str, ...]:
    match address.kind:
        case "segment":
            return compiled.segments[address.name].lists
        case "rule":
            return compiled.rules[address.name].audience.lists
        case _:
            return ()


def _attached(address: Address, compiled: Compiled) -> tuple[str, ...]:
    if address.kind == "rule":
        return compiled.rules[address.name].templates
    match compiled.project.objects[address]:
        case Offer(codes=CodesFromFile(path=path)):
            return (path,)
        case _:
            return ()


def _changed(path: str, old: str | None, new: str, lines: tuple[str, ...] = ()) -> AttributeChange:
    return AttributeChange(
        path=path,
        before=None if old is None else json_text(f"sha256:{old}"),
        after=json_text(f"sha256:{new}"),
        lines=lines,
    )


def _lines(old: bytes | None, file: ProjectFile) -> tuple[str, ...]:
    """What differs between two texts, as a unified diff without context; the end of a long one is
    counted."""
    if old is None:
        return ()
    before, after = old.decode("utf-8-sig").splitlines(), file.text.splitlines()
    told = list(unified_diff(before, after, n=0, lineterm=""))[2:]
    lines = tuple(line for line in told if not line.startswith("@@"))
    if len(lines) <= MOST_LINES:
        return lines
    return (*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES:,} more lines")


def _codes(
    file: ProjectFile, old: Mapping[str, str], former: Mapping[str, bytes]
) -> Iterator[AttributeChange]:
    """How many lines came and went, whoever has their codes. Codes themselves are never told: who
    reads the plan could use them."""
    previous = next(iter(old.values()), None)
    if previous == file.digest:
        return
    content = b"" if previous is None else former.get(previous)
    lines: tuple[str, ...] = ()
    if content is not None:
        before, after = codes_in(content), frozenset(file.codes)
        new, gone = len(after - before), len(before - after)
        lines = (f"{new:,} new in the file, {gone:,} gone from it",)
    yield _changed("codes", previous, file.digest, lines)


def codes_in(content: bytes) -> frozenset[str]:
    """The codes in the content of a file of codes that was applied."""
    file = attached_file("", content, [], holds_codes=True)
    return frozenset() if file is None else frozenset(file.codes)
