"""A plan for a person: lines of styled pieces that know nothing of terminals."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from segflow.model.address import Address
from segflow.model.instant import format_instant
from segflow.model.plan import ActionName, AttributeChange, Blocked, Change, Impact, Plan
from segflow.model.rule import Rule
from segflow.model.wording_text import Plain, Word, flow
from segflow.planner.impact import segment_impacts, totals
from segflow.planner.rules import holdout, next_run, planned_rule, shares

Style = Literal["plain", "bold", "muted", "create", "update", "delete", "recompute", "blocked"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line and what it is."""

    text: str
    style: Style = "plain"


Line = tuple[Piece, ...]

_LONG = 100
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
            yield (Piece("      "), *line)
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
        yield (
            Piece("Hint: ", "bold"),
            Piece(
                f"{new} says the same as {old}, which would be deleted. A new name is a new"
                f" {new.kind}" + (" with a log of its own." if new.kind == "segment" else ".")
            ),
        )


# --- one change ------------------------------------------------------------------------------


def _head(change: Change) -> Line:
    sign, style = _SIGNS[change.action]
    because = ""
    if change.action == "recompute":
        because = f" because of {_names(change.because)}" if change.because else ""
    verb = "be recomputed" if change.action == "recompute" else f"be {change.action}d"
    return (
        Piece(f"  {sign} ", style),
        Piece(str(change.address), "bold"),
        Piece(f"  would {verb}{because}", "muted"),
    )


def _body(change: Change, plan: Plan, stops: Iterable[Blocked]) -> Iterator[Line]:
    for attribute in change.attributes:
        yield from _attribute(attribute)
    if change.frozen:
        yield (Piece("stays as it was frozen: a static segment keeps its members", "muted"),)
    if (rule := planned_rule(change)) is not None:
        yield from _rule(rule, change, plan)
    elif change.impact is not None:
        yield _size(change.impact)
    if change.reaches:
        yield (Piece("reaches ", "muted"), Piece(_names(change.reaches)))
    for stop in stops:
        yield (Piece(f"blocked by {stop.rule}: ", "blocked"), Piece(stop.message))


def _attribute(attribute: AttributeChange) -> Iterator[Line]:
    head = Piece(f"{attribute.path}: ")
    if len(attribute.lines) == 1:
        yield (head, _of_text(attribute.lines[0]))
    elif attribute.lines:
        yield (Piece(f"{attribute.path}:"),)
        yield from ((Piece("  "), _of_text(line)) for line in attribute.lines)
    else:
        yield (head, *_values(attribute))


def _values(attribute: AttributeChange) -> Line:
    after = _ABSENT if attribute.after is None else Piece(_shown(attribute.after), "create")
    if attribute.before is None:
        return (after,)
    return (Piece(_shown(attribute.before), "delete"), Piece(" → ", "muted"), after)


def _of_text(line: str) -> Piece:
    """A line of a text file that differs, as in a unified diff."""
    styles: dict[str, Style] = {"+": "create", "-": "delete"}
    return Piece(_cut(line), styles.get(line[:1], "muted"))


_ABSENT = Piece("(none)", "muted")


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
    arms = ", ".join(f"{name} {share} %" for name, share in shares(rule))
    if held is not None:
        arms = f"{held} % holdout" + (f", then {arms}" if arms else "")
    many = () if impact is None else (Piece("reaches ", "muted"), Piece(f"{impact.size_after:,} "))
    if many or arms:
        yield (*many, Piece("at each run", "muted"), Piece(f": {arms}" if arms else ""))


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


def _shown(text: str) -> str:
    """A JSON value as a person writes it; a long one is cut in its middle."""
    return _cut(flow(_readable(json.loads(text, parse_float=Plain, parse_int=Plain))))


def _cut(shown: str) -> str:
    if len(shown) <= _LONG:
        return shown
    return f"{shown[: _LONG // 2]}…{shown[-(_LONG // 2 - 1) :]}"


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
