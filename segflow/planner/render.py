"""A plan for a person: lines of styled pieces that know nothing of terminals."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Literal

from segflow.model.address import Address
from segflow.model.instant import format_instant
from segflow.model.plan import ActionName, AttributeChange, Blocked, Change, Impact, Plan, Scan
from segflow.model.rule import Rule
from segflow.model.wording_cost import cost_of
from segflow.model.wording_text import Plain, Word, flow, layout
from segflow.planner.impact import segment_impacts, totals
from segflow.planner.rules import holdout, next_run, planned_rule, shares
from segflow.planner.scans import last_asked

Style = Literal["plain", "bold", "muted", "create", "update", "delete", "recompute", "blocked"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line and what it is."""

    text: str
    style: Style = "plain"


Line = tuple[Piece, ...]

_WIDTH = 100
"""Columns that a line fills before it is broken, where its words allow that."""
_INDENT = " " * 6
_ROOM = _WIDTH - len(_INDENT)
_MOST = 40
"""Lines of one value that are shown; files may hold lists of thousands."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_SIGNS: dict[ActionName, tuple[str, Style]] = {
    "create": ("+", "create"),
    "update": ("~", "update"),
    "delete": ("-", "delete"),
    "recompute": ("↻", "recompute"),
    "no-op": (" ", "plain"),
}


def render_plan(plan: Plan) -> tuple[Line, ...]:
    """The plan, its summary in the first line; what does not change is not shown. Without changes
    the summary is all."""
    if plan.is_empty:
        return ((Piece("No changes.", "bold"),),)
    return tuple(_lines(plan))


def text_of(lines: Iterable[Line]) -> str:
    """The lines without their styles, each with its end."""
    return "".join("".join(piece.text for piece in line) + "\n" for line in lines)


def _lines(plan: Plan) -> Iterator[Line]:
    yield (Piece(_summary(plan), "bold"),)
    yield (Piece(_moment(plan), "muted"),)
    if plan.timezone_before is not None:
        yield ()
        yield from _zone(plan.timezone_before, plan.timezone)
    stops: dict[Address, list[Blocked]] = {}
    for stop in plan.blocked:
        stops.setdefault(stop.address, []).append(stop)
    for change in plan.changes:
        yield ()
        yield _head(change)
        for line in _body(change, plan, stops.get(change.address, ())):
            yield (Piece(_INDENT), *line)
    yield from _closing(plan)


# --- the frame -------------------------------------------------------------------------------


def _summary(plan: Plan) -> str:
    count = {name: 0 for name in _SIGNS}
    for change in plan.changes:
        count[change.action] += 1
    parts = [f"{count[name]:,} to {name}" for name in ("create", "update", "delete")]
    if count["recompute"]:
        parts.append(f"{count['recompute']:,} to recompute")
    return f"Plan: {', '.join(parts)}. {_totals(plan)}".rstrip()


def _zone(before: str, after: str) -> Iterator[Line]:
    sign, style = _SIGNS["update"]
    yield (
        Piece(f"  {sign} ", style),
        Piece("project", "bold"),
        Piece("  would be updated", "muted"),
    )
    moved = (Piece(before, "delete"), Piece(" → ", "muted"), Piece(after, "create"))
    yield (Piece("      timezone: "), *moved)
    yield (Piece("      schedules without a zone of their own move with it", "muted"),)


def _totals(plan: Plan) -> str:
    if not any(segment_impacts(plan.changes)):
        return ""
    entered, left = totals(plan.changes)
    return f"{entered:,} would enter and {left:,} would leave."


def _moment(plan: Plan) -> str:
    impact = "" if plan.with_impact else "; who enters and who leaves was not asked for"
    return f"As of {format_instant(plan.as_of)}{impact}"


def _closing(plan: Plan) -> Iterator[Line]:
    if plan.blocked:
        yield ()
        many = "1 guard forbids" if len(plan.blocked) == 1 else f"{len(plan.blocked)} guards forbid"
        yield (Piece(f"Blocked: {many} this plan; it can't be applied.", "blocked"),)
    for old, new in plan.renames:
        yield ()
        own = " with a log of its own" if new.kind == "segment" else ""
        yield from _wrapped(
            Piece("Hint: ", "bold"),
            f"{new} says the same as {old}, which would be deleted."
            f" A new name is a new {new.kind}{own}.",
            _WIDTH,
        )


# --- one change ------------------------------------------------------------------------------


def _head(change: Change) -> Line:
    sign, style = _SIGNS[change.action]
    verb = "be recomputed" if change.action == "recompute" else f"be {change.action}d"
    because = "" if _because_is_long(change) else _because(change)
    return (
        Piece(f"  {sign} ", style),
        Piece(str(change.address), "bold"),
        Piece(f"  would {verb}{because}", "muted"),
    )


def _because(change: Change) -> str:
    return f" because of {_names(change.because)}" if change.because else ""


def _because_is_long(change: Change) -> bool:
    return len(f"  ↻ {change.address}  would be recomputed{_because(change)}") > _WIDTH


def _body(change: Change, plan: Plan, stops: Iterable[Blocked]) -> Iterator[Line]:
    if _because_is_long(change):
        yield from _wrapped(Piece("because of ", "muted"), _names(change.because))
    for attribute in change.attributes:
        yield from _attribute(attribute)
    if change.frozen:
        yield (Piece("stays as it was frozen: a static segment keeps its members", "muted"),)
    if (rule := planned_rule(change)) is not None:
        yield from _rule(rule, change, plan)
    elif change.impact is not None:
        yield _size(change.impact)
    yield from _scans(change, plan)
    if change.reaches:
        yield from _wrapped(Piece("reaches ", "muted"), _names(change.reaches))
    for stop in stops:
        yield from _wrapped(Piece(f"blocked by {stop.rule}: ", "blocked"), stop.message)


def _attribute(attribute: AttributeChange) -> Iterator[Line]:
    """One line where it fits; else the values below the path, whole, since they are what a
    reviewer has to judge: the old one, then an arrow and the new one."""
    if attribute.lines:
        yield from _text_lines(attribute)
        return
    before = None if attribute.before is None else _value(attribute.before)
    after = None if attribute.after is None else _value(attribute.after)
    short = _on_one_line(attribute.path, before, after)
    if sum(len(piece.text) for piece in short) <= _ROOM:
        yield short
        return
    yield (Piece(f"{attribute.path}:"),)
    if before is None:
        yield from _below("  ", after, "create")
    else:
        yield from _below("    ", before, "delete")
        yield from _below("  → ", after, "create")


def _text_lines(attribute: AttributeChange) -> Iterator[Line]:
    """Lines of a text file that differ, as in a unified diff."""
    head, *others = attribute.lines
    if not others:
        yield (Piece(f"{attribute.path}: "), _of_text(head))
        return
    yield (Piece(f"{attribute.path}:"),)
    yield from ((Piece("  "), _of_text(line)) for line in attribute.lines)


def _of_text(line: str) -> Piece:
    styles: dict[str, Style] = {"+": "create", "-": "delete"}
    shown = line if len(line) <= _ROOM else f"{line[: _ROOM - 1]}…"
    return Piece(shown, styles.get(line[:1], "muted"))


_ABSENT = Piece("(none)", "muted")


def _on_one_line(path: str, before: Word, after: Word) -> Line:
    new = _ABSENT if after is None else Piece(flow(after), "create")
    if before is None:
        return (Piece(f"{path}: "), new)
    return (Piece(f"{path}: "), Piece(flow(before), "delete"), Piece(" → ", "muted"), new)


def _below(label: str, value: Word, style: Style) -> Iterator[Line]:
    """A value over several lines, the first behind the label."""
    if value is None:
        yield (Piece(label, "muted"), _ABSENT)
        return
    lines = layout(value, _ROOM - len(label))
    for number, line in enumerate(lines[:_MOST]):
        yield (Piece(" " * len(label) if number else label, "muted"), Piece(line, style))
    if len(lines) > _MOST:
        yield (Piece(f"{' ' * len(label)}… {len(lines) - _MOST:,} more lines", "muted"),)


def _wrapped(label: Piece, text: str, width: int = _ROOM) -> Iterator[Line]:
    """Text behind a label; what does not fit into the line goes on below, set in."""
    first, *others = wrap(f"{label.text}{text}", width, break_on_hyphens=False)
    yield (label, Piece(first.removeprefix(label.text)))
    yield from ((Piece(f"    {line}"),) for line in others)


def _size(impact: Impact) -> Line:
    sizes = [f"{size:,}" for size in (impact.size_now, impact.size_after) if size is not None]
    if impact.size_after is None:
        sizes.append("(none)")
    words = f"size {' → '.join(sizes)}"
    if impact.size_now is None:
        return (Piece(words),)
    return (
        Piece(f"{words} ("),
        Piece(f"+{impact.entered:,} entered", "create"),
        Piece(", "),
        Piece(f"−{impact.left:,} left", "delete"),
        Piece(f"{_doubt(impact)})"),
    )


def _rule(rule: Rule, change: Change, plan: Plan) -> Iterator[Line]:
    """Whom a rule reaches, with what, and when next, as far as that is new."""
    is_new = change.action == "create"
    if is_new:
        yield from _reached(rule, change.impact)
    elif change.impact is not None:
        yield _audience(change.impact)
    if is_new or {one.path.partition(".")[0] for one in change.attributes} & {"trigger", "active"}:
        found = next_run(rule, plan.as_of, plan.timezone)
        yield (
            Piece("next run ", "muted"),
            _ABSENT if found is None else Piece(format_instant(found)),
        )


def _reached(rule: Rule, impact: Impact | None) -> Iterator[Line]:
    """The audience and its arms; nothing where neither is known."""
    held = holdout(rule)
    arms = ", ".join(f"{name} {share}%" for name, share in shares(rule))
    if held is not None:
        arms = f"{held}% holdout" + (f", then {arms}" if arms else "")
    many = () if impact is None else (Piece("reaches ", "muted"), Piece(f"{impact.size_after:,} "))
    if many or arms:
        yield (*many, Piece("at each run", "muted"), Piece(f": {arms}" if arms else ""))


_ADDS = "adds a scan of ", "adds scans of "
_SHARES = "shares the scan of ", "shares the scans of "
_TAKES_OVER = "takes over the scan of ", "takes over the scans of "


def _scans(change: Change, plan: Plan) -> Iterator[Line]:
    """Tables that are read for a segment from now on; those of which the same is said together."""
    alike: dict[tuple[tuple[str, str], str], list[str]] = {}
    for scan in change.scans:
        alike.setdefault(_said_of(scan, plan), []).append(scan.table)
    for ((one, several), where), tables in alike.items():
        label = Piece(one if len(tables) == 1 else several, "muted")
        yield from _wrapped(label, f"{', '.join(tables)} in {where}")


def _said_of(scan: Scan, plan: Plan) -> tuple[tuple[str, str], str]:
    where = f"source.{scan.source} ({scan.engine})"
    if scan.is_added:
        return _ADDS, where + _last(scan, plan)
    if not scan.others:
        return _TAKES_OVER, where
    others = "1 other segment" if scan.others == 1 else f"{scan.others:,} other segments"
    return _SHARES, f"{where} with {others}"


def _last(scan: Scan, plan: Plan) -> str:
    last = last_asked(scan, plan)
    if last is None:
        return ""
    what = "the last one" if scan.table in last.tables else "what was last asked there"
    return f"; {what} took {cost_of(last)}"


def _audience(impact: Impact) -> Line:
    after = f"{impact.size_after or 0:,}"
    if impact.size_now is None:
        return (Piece(f"audience {after}"),)
    return (
        Piece(f"audience {impact.size_now:,} → {after} ("),
        Piece(f"+{impact.entered:,} newly", "create"),
        Piece(", "),
        Piece(f"−{impact.left:,} no longer", "delete"),
        Piece(")"),
    )


def _doubt(impact: Impact) -> str:
    return ", counted from the last snapshot" if impact.from_snapshot else ""


def _names(addresses: tuple[Address, ...]) -> str:
    shown = [str(address) for address in addresses[:8]]
    more = len(addresses) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _value(text: str) -> Word:
    """A JSON value in the words that a person would write; None stands for one that is absent."""
    found = _readable(json.loads(text, parse_float=Plain, parse_int=Plain))
    return Plain("null") if found is None else found


def _readable(word: Word) -> Word:
    """Dates without the quotes of JSON, digests by their first digits."""
    match word:
        case dict():
            return {key: _readable(value) for key, value in word.items()}
        case list():
            return [_readable(item) for item in word]
        case str() if _DATE.match(word):
            return Plain(word)
        case str() if _DIGEST.match(word):
            return Plain(word[:15])
        case _:
            return word
