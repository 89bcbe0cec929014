"""Messages: a template made ready, and its text for one user."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from jinja2 import Template, UndefinedError

from segflow.compiler.templates import (
    HTML,
    LONGEST,
    TEXT,
    MissingError,
    Scope,
    TooLongError,
    Use,
    check_template,
    names_used,
)

Facts = Mapping[Scope, Mapping[str, Any]]
"""What is known by scope and name. None says that a value is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A template that was checked and can be rendered for many users."""

    template: Template
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The text for one user."""

    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrendered:
    """Why there is no text for this user; names fields, never shows what is in them."""

    reason: str


def prepare(text: str, *, html: bool = False) -> Prepared:
    """Make a template ready. `html` escapes what it fills in.

    Raises ValueError with the first finding of check_template().
    """
    if findings := check_template(text):
        raise ValueError(f"line {findings[0].line}: {findings[0].message}")
    environment = HTML if html else TEXT
    return Prepared(template=environment.from_string(text), uses=names_used(text))


def render(prepared: Prepared, facts: Facts) -> Rendered | Unrendered:
    """The text for one user. Whatever goes wrong is a value, so that it is this user's alone."""
    parts: list[str] = []
    length = 0
    try:
        for part in prepared.template.generate(facts):
            parts.append(part)
            length += len(part)
            if length > LONGEST:
                return Unrendered(reason=f"longer than {LONGEST} characters")
    except Exception as error:
        return Unrendered(reason=_reason(error, prepared, facts))
    return Rendered(body="".join(parts))


# --- why it could not be ---------------------------------------------------------------------


def _reason(error: Exception, prepared: Prepared, facts: Facts) -> str:
    line = _line_of(error.__traceback__)
    where = "" if line is None else f"line {line}: "
    # Words of our own: what an exception says may show the value that it is about.
    match error:
        case MissingError() | UndefinedError():
            names = sorted(set(_missing(prepared.uses, line, facts)))
            return f"{where}a value is missing" + (f" ({', '.join(names)})" if names else "")
        case TooLongError():
            return f"{where}longer than {LONGEST} characters"
        case TypeError():
            return f"{where}a value has the wrong type, or is missing"
        case _:
            return f"{where}the template fails with {type(error).__name__}"


def _missing(uses: tuple[Use, ...], line: int | None, facts: Facts) -> Iterator[str]:
    for use in uses:
        if use.line == line and facts.get(use.scope, {}).get(use.name) is None:
            yield f"{use.scope}.{use.name}"


def _line_of(trace: TracebackType | None) -> int | None:
    """The line of the template that an exception came from."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
