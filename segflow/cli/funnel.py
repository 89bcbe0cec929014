"""The gate's funnel as a picture: of every rule's users, who got it, and where the others ended.

Each row is a bucket, in the order of the gate. The dark part of its bar are those who go on to the
next row, the bright part those who end there, so that the bright parts and the outcomes at the foot
add up to the audience.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from segflow.cli.buckets import ORDER, OUTCOMES, exposed, in_words
from segflow.cli.diagnostics import printable
from segflow.cli.output import counted
from segflow.model.instant import Instant, datetime_of, format_instant
from segflow.model.run import Run, RunReport

_TITLE = "Who got it, and where the others ended"

# --- the picture's measures, in pixels --------------------------------------------------------

_WIDTH = 960
_MARGIN = 32
_LABELS = 212  # labels end here
_BARS, _BAR_WIDTH, _BAR_HEIGHT = 228, 390, 18
_USERS, _SHARES, _GO_ON = 724, 808, 928  # where the columns of numbers end
_ROW = 28
_BRANCH = 20  # the line of text below the row of the held-out
_HEAD = 72  # of the picture
_PANEL_HEAD = 78
_PANEL_GAP = 36
_WIDEST_LETTER = 0.62  # of the size of bold letters, in the widest of the usual fonts

# Blue, orange, green and vermilion of Okabe and Ito, which colour-blind people tell apart. Shades
# of grey keep the parts of a bar apart too, and every row says in words what it is.
_INK, _FADED, _LINE = "#1f2933", "#52606d", "#cbd2d9"
_DARK, _BETWEEN, _BRIGHT, _HELD_OUT = "#0072b2", "#dceaf4", "#b4c1cc", "#e69f00"
_COLORS = {"delivered": "#009e73", "failed": "#d55e00", "unknown": "#7b8794", "to_send": _DARK}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    """The runs of one rule, added up. `exposed` are the held-out who passed every step."""

    rule: str
    runs: tuple[Run, ...]
    audience: int
    counts: Counter[str]
    exposed: int

    @property
    def sent(self) -> int:
        """Who passed the gate."""
        return sum(self.counts[bucket] for bucket in OUTCOMES)

    @property
    def rows(self) -> tuple[str, ...]:
        """The buckets that somebody is in, in order."""
        return tuple(bucket for bucket in ORDER if self.counts[bucket])

    @property
    def height(self) -> int:
        """Of the whole panel."""
        return _PANEL_HEAD + _ROW * (1 + len(self.rows)) + self.below("held_out")

    def below(self, bucket: str) -> int:
        """The room between a row and the next, beside what there is below every row."""
        return _BRANCH if bucket == "held_out" and self.exposed else 0


def funnel_svg(reports: Sequence[RunReport]) -> str:
    """The picture as the text of an SVG file: a panel per rule, in the order they come in.

    Raises ValueError where the buckets of a rule do not add up to its audience, or one is unknown.
    """
    panels = _panels(reports)
    height = _HEAD + sum(panel.height + _PANEL_GAP for panel in panels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" role="img" width="{_WIDTH}" '
        f'height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="Helvetica, Arial, Liberation Sans, sans-serif">',
        f"<title>{_TITLE}</title>",
        f"<desc>{_safe(' '.join(map(_told, panels)) or 'There were no runs.')}</desc>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(_MARGIN, 44, _TITLE, size=24, weight="bold"),
    ]
    top = _HEAD
    for panel in panels:
        lines += ["<g>", *_drawn(panel, top), "</g>"]
        top += panel.height + _PANEL_GAP
    return "\n".join([*lines, "</svg>"]) + "\n"


# --- what is drawn ---------------------------------------------------------------------------


def _panels(reports: Sequence[RunReport]) -> tuple[_Panel, ...]:
    rules = dict.fromkeys(report.run.rule for report in reports)
    return tuple(
        _panel(rule, [report for report in reports if report.run.rule == rule]) for rule in rules
    )


def _panel(rule: str, reports: Sequence[RunReport]) -> _Panel:
    counts: Counter[str] = Counter()
    for report in reports:
        _check(report)
        for bucket in report.buckets:
            counts[bucket.bucket] += bucket.count
    return _Panel(
        rule=rule,
        runs=tuple(report.run for report in reports),
        audience=counts.total(),
        counts=counts,
        exposed=sum(exposed(report.buckets) for report in reports),
    )


def _check(report: RunReport) -> None:
    run = f"the run of {report.run.rule} at {format_instant(report.run.scheduled)}"
    if strange := {bucket.bucket for bucket in report.buckets} - set(ORDER):
        raise ValueError(f"{run} has users in {', '.join(sorted(strange))}, which is no bucket")
    users, audience = sum(bucket.count for bucket in report.buckets), report.run.audience or 0
    if users != audience:
        raise ValueError(f"{run} has {users} users in buckets and {audience} in its audience")


def _drawn(panel: _Panel, top: float) -> Iterator[str]:
    yield f"<title>{_safe(panel.rule)}</title>"
    name, size = _fitted(panel.rule)
    yield _line(_MARGIN, top, _WIDTH - _MARGIN)
    yield _text(_MARGIN, top + 30, name, size=size, weight="bold")
    yield _text(_MARGIN, top + 50, _about(panel.runs), size=13, color=_FADED)
    for x, word in ((_USERS, "users"), (_SHARES, "of audience"), (_GO_ON, "go on")):
        yield _text(x, top + 70, word, size=12, color=_FADED, anchor="end")
    y = top + _PANEL_HEAD
    yield from _audience_row(panel, y)
    still_in = panel.audience
    for bucket in panel.rows:
        y += _ROW
        if bucket in OUTCOMES:
            yield from _outcome_row(panel, bucket, y, start=panel.sent - still_in)
        else:
            yield from _gate_row(panel, bucket, y, still_in)
        y += panel.below(bucket)
        still_in -= panel.counts[bucket]


def _audience_row(panel: _Panel, y: float) -> Iterator[str]:
    if panel.audience:
        yield _bar(panel, y, 0, panel.audience, _DARK)
        yield _below(panel, y, panel.audience, _ROW - _BAR_HEIGHT)
    else:
        yield _text(_BARS, y + 14, "nobody was in the audience", size=13, color=_FADED)
    yield from _numbers(panel, "audience", panel.audience, y, weight="bold")


def _gate_row(panel: _Panel, bucket: str, y: float, before: int) -> Iterator[str]:
    """Those who leave at a step, as the bright end of the bar of all who came to it."""
    count = panel.counts[bucket]
    after = before - count
    if after:
        yield _bar(panel, y, 0, after, _DARK)
        yield _below(panel, y, after, _ROW - _BAR_HEIGHT + panel.below(bucket))
    yield _bar(panel, y, after, count, _HELD_OUT if bucket == "held_out" else _BRIGHT)
    yield from _numbers(panel, in_words(bucket), count, y)
    yield _number(_GO_ON, y, f"{after:,}", color=_FADED)
    if panel.below(bucket):
        yield from _branch(panel, y + _BAR_HEIGHT, before)


def _branch(panel: _Panel, y: float, before: int) -> Iterator[str]:
    """What became of the held-out, below the end of their bar."""
    end = _BARS + _wide(panel, before)
    told = f"{panel.exposed:,} of the held-out passed every later step"
    yield _rect(end - 2, y, 2, _BRANCH, _HELD_OUT)
    if end > _BARS + 300:
        yield _text(end - 10, y + 17, told, size=12, anchor="end")
    else:
        yield _text(end + 8, y + 17, told, size=12)


def _outcome_row(panel: _Panel, bucket: str, y: float, *, start: int) -> Iterator[str]:
    """Those who passed the gate, beside those of the outcomes above."""
    count = panel.counts[bucket]
    if start == 0:
        yield _line(_MARGIN, y - 5, _BARS - 16)
        yield _line(_BARS + _BAR_WIDTH + 16, y - 5, _WIDTH - _MARGIN)
    yield _bar(panel, y, start, count, _COLORS[bucket])
    yield from _numbers(panel, in_words(bucket), count, y, weight="bold")
    yield _number(_GO_ON, y, f"{_share(count, panel.sent)} of sends", color=_FADED)


def _numbers(
    panel: _Panel, label: str, count: int, y: float, *, weight: str = "normal"
) -> Iterator[str]:
    yield _text(_LABELS, y + 14, label, size=14, weight=weight, anchor="end")
    yield _number(_USERS, y, f"{count:,}", weight=weight)
    if panel.audience:
        yield _number(_SHARES, y, _share(count, panel.audience))


# --- in words --------------------------------------------------------------------------------


def _about(runs: Sequence[Run]) -> str:
    """How many runs, when, and what has to be known of them."""
    first, last = (end(run.scheduled for run in runs) for end in (min, max))
    when = _minute(first) if first == last else f"{_minute(first)} to {_minute(last)}"
    parts = [f"{counted(len(runs), 'run')}, {when} UTC"]
    for status in ("skipped", "failed", "running"):
        if count := sum(run.status == status for run in runs):
            parts.append(f"{count:,} {status}")
    if live := sum(run.live for run in runs):
        parts += [f"{live:,} live"] if live < len(runs) else []
    else:
        parts.append("recorded, nobody was reached")
    if len(runs) > 1:
        parts.append("users count once per run")
    return " · ".join(parts)


def _told(panel: _Panel) -> str:
    rows = [f"{in_words(bucket)} {panel.counts[bucket]:,}" for bucket in panel.rows]
    return f"{panel.rule}: audience {panel.audience:,}{''.join(f', {row}' for row in rows)}."


def _minute(instant: Instant) -> str:
    return f"{datetime_of(instant):%Y-%m-%d %H:%M}"


def _share(count: int, whole: int) -> str:
    if 0 < count * 2000 < whole:
        return "<0.1%"
    return f"{count / whole:.1%}"


# --- in SVG ----------------------------------------------------------------------------------


def _fitted(name: str) -> tuple[str, float]:
    """The name and the size at which it fits into the width, shortened where even small letters
    would not do."""
    room = (_WIDTH - 2 * _MARGIN) / _WIDEST_LETTER
    longest = int(room / 12)
    shown = name if len(name) <= longest else f"{name[: longest - 1]}…"
    return shown, round(min(20, room / len(shown)), 1)


def _bar(panel: _Panel, y: float, start: int, count: int, color: str) -> str:
    left = _BARS + start * _BAR_WIDTH / panel.audience
    return _rect(left, y, _wide(panel, count), _BAR_HEIGHT, color)


def _below(panel: _Panel, y: float, count: int, height: float) -> str:
    """What joins those of a row who go on to the bar of the next."""
    return _rect(_BARS, y + _BAR_HEIGHT, _wide(panel, count), height, _BETWEEN)


def _wide(panel: _Panel, count: int) -> float:
    """In proportion to the audience, but never too thin to be seen."""
    return max(count * _BAR_WIDTH / panel.audience, 1.0)


def _number(x: float, y: float, text: str, *, weight: str = "normal", color: str = _INK) -> str:
    return _text(x, y + 14, text, size=14, weight=weight, color=color, anchor="end")


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    weight: str = "normal",
    color: str = _INK,
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" font-weight="{weight}" fill="{color}" '
        f'text-anchor="{anchor}">{_safe(text)}</text>'
    )


def _rect(x: float, y: float, width: float, height: float, color: str) -> str:
    return f'<rect x="{x:.2f}" y="{y:g}" width="{width:.2f}" height="{height:g}" fill="{color}"/>'


def _line(start: float, y: float, end: float) -> str:
    return f'<path d="M{start:g} {y:g}H{end:g}" stroke="{_LINE}" stroke-width="1"/>'


def _safe(text: str) -> str:
    """Without what XML can't hold, and with what has a meaning there escaped."""
    return escape(printable(text))
