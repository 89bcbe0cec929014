"""Templates: what a message may say, and the names it uses.

Templates are a closed part of Jinja2. What is left out could run without end, grow without bound
or depend on chance; and what is used of a user can be read off a template before anyone gets it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, get_args

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.tests import TESTS

Scope = Literal["user", "offer", "run"]

SCOPES: tuple[Scope, ...] = get_args(Scope)

KNOWN_NAMES: Mapping[str, tuple[str, ...]] = {
    "offer": ("code", "expires_at", "name", "value"),
    "run": ("id", "rule", "scheduled", "variant"),
}
"""What is known of offers and runs. Of users it is the fields of the catalog."""

LONGEST = 262_144
"""Characters of a template, of a message and of any value in between."""

_FINEST = 18
"""Digits after the point that `round` rounds to at most, as many as a decimal field can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a template, at which line of it (from 1), and what to write instead."""

    line: int
    message: str
    help: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A name that a template uses: `user.country` at a line."""

    scope: Scope
    name: str
    line: int


def check_template(text: str) -> tuple[Finding, ...]:
    """All that is wrong with a template, by line. Fields of users are the catalog's to check: see
    names_used()."""
    return tuple(sorted(_read(text).findings, key=lambda finding: finding.line))


def names_used(text: str) -> tuple[Use, ...]:
    """The names that a template uses, in the order they stand in; none where it can't be read."""
    return tuple(_read(text).uses)


# --- what a template may say -----------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    """What is found while a template is read."""

    findings: list[Finding] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)

    def wrong(self, node: nodes.Node, message: str, help: str | None = None) -> None:
        self.findings.append(Finding(line=node.lineno, message=message, help=help))


_PLAIN_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Keyword,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
)
_INSTEAD: Mapping[type[nodes.Node], str] = {
    nodes.Assign: "write the value where it is needed",
    nodes.Concat: "write the parts side by side: {{ a }}{{ b }}",
    nodes.Call: "filters do what calls would: {{ user.name | upper }}",
    nodes.Getitem: "write user.name for a field, `first` and `last` for parts of a list",
}
_MARKS = {"end of print statement": "}}", "end of statement block": "%}"}
_LOOP_NAMES = ("first", "index", "index0", "last", "length")


def _read(text: str) -> _Reading:
    reading = _Reading()
    if len(text) > LONGEST:
        reading.findings.append(Finding(line=1, message=f"longer than {LONGEST} characters"))
        return reading
    try:
        _judge(TEXT.parse(text), frozenset(), reading)
        if not reading.findings:
            TEXT.compile(text)  # deep nesting is found by Python's own compiler only
    except TemplateSyntaxError as error:
        reading.findings.append(Finding(line=error.lineno, message=_in_words(error)))
    except (RecursionError, MemoryError, SyntaxError):
        reading.findings.append(Finding(line=1, message="nested too deeply"))
    except (ValueError, OverflowError):
        reading.findings.append(Finding(line=1, message="a number is too long"))
    return reading


def _in_words(error: TemplateSyntaxError) -> str:
    """What Jinja says, with the marks that a person typed for the names that it has for them."""
    message = error.message or "not a template"
    for name, mark in _MARKS.items():
        message = message.replace(f"'{name}'", f"`{mark}`")
    return message


def _judge(node: nodes.Node, local: frozenset[str], reading: _Reading) -> None:
    """Note what is wrong with a node, and the names it uses. `local` are names of the loop."""
    match node:
        case nodes.Getattr(node=nodes.Name(name=owner), attr=name):
            _judge_attribute(node, owner, name, local, reading)
            return
        case nodes.Name(name=name):
            if name not in local:
                _judge_name(node, name, reading)
        case nodes.For():
            _judge_loop(node, local, reading)
            return
        case nodes.Filter(name=name):
            _judge_word(node, "filter", name, _FILTERS, reading)
        case nodes.Test(name=name):
            _judge_word(node, "test", name, _TESTS, reading)
        case _:
            if not isinstance(node, _PLAIN_NODES):
                _judge_foreign(node, reading)
                return
    for child in node.iter_child_nodes():
        _judge(child, local, reading)


def _judge_foreign(node: nodes.Node, reading: _Reading) -> None:
    word = type(node).__name__.lower()
    message = f"messages can't use this part of Jinja2 ({word})"
    reading.wrong(node, message, _INSTEAD.get(type(node)))


def _judge_word(
    node: nodes.Node, what: str, name: str, known: Mapping[str, Any], reading: _Reading
) -> None:
    if name not in known:
        help = f"there are: {', '.join(sorted(known))}"
        reading.wrong(node, f"the {what} `{name}` is not known", help)


def _judge_name(node: nodes.Node, name: str, reading: _Reading) -> None:
    if name in SCOPES:
        reading.wrong(node, f"`{name}` needs a name after it", f"{{{{ {name}.NAME }}}}")
    else:
        reading.wrong(node, f"`{name}` is not known", f"messages know {', '.join(SCOPES)}")


def _judge_attribute(
    node: nodes.Getattr, owner: str, name: str, local: frozenset[str], reading: _Reading
) -> None:
    if owner in local:
        if owner != "loop" or name not in _LOOP_NAMES:
            reading.wrong(node, f"`{owner}.{name}` is not known")
        return
    scope = next((scope for scope in SCOPES if scope == owner), None)
    if scope is None:
        _judge_name(node, owner, reading)
        return
    known = KNOWN_NAMES.get(scope)
    if known is not None and name not in known:
        reading.wrong(node, f"`{scope}.{name}` is not known", f"there are: {', '.join(known)}")
        return
    reading.uses.append(Use(scope=scope, name=name, line=node.lineno))


def _judge_loop(node: nodes.For, local: frozenset[str], reading: _Reading) -> None:
    _judge(node.iter, local, reading)
    if local:
        reading.wrong(node, "a loop can't stand in a loop")
        return
    if node.recursive:
        reading.wrong(node, "a loop can't be recursive")
    target = node.target
    if not isinstance(target, nodes.Name) or target.name in (*SCOPES, "loop"):
        reading.wrong(node, "a loop needs one name of its own", "{% for item in user.items %}")
        return
    inside = local | {target.name, "loop"}
    parts = [*node.body, *([node.test] if node.test else [])]
    for child in parts:
        _judge(child, inside, reading)
    for child in node.else_:
        _judge(child, local, reading)


# --- how it is filled in ---------------------------------------------------------------------


class MissingError(Exception):
    """A value that a user does not have would have become text."""


class TooLongError(Exception):
    """A value grew beyond all use."""


class _Environment(SandboxedEnvironment):
    """Jinja2 without its global functions, in which `user.items` is a field and never a method."""

    intercepted_binops = frozenset({"*", "%"})

    def __init__(self, *, html: bool) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=html,
            finalize=_finalize,
            keep_trailing_newline=True,
        )
        self.globals.clear()
        self.filters = dict(_FILTERS)
        self.tests = dict(_TESTS)
        self.policies["json.dumps_kwargs"] = {"default": str, "sort_keys": True}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if not isinstance(obj, Mapping):
            return super().getattr(obj, attribute)
        return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        # With text on the left, `*` repeats and `%` pads: to any length.
        if isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
            raise TypeError(f"`{operator}` is for numbers")
        return super().call_binop(context, operator, left, right)


def _finalize(value: Any) -> Any:
    if value is None:
        raise MissingError
    return value


def _guarded(name: str) -> Any:
    """A filter of Jinja2 that takes no missing values and gives nothing huge."""
    original = FILTERS[name]

    @wraps(original)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if any(value is None for value in (*args, *kwargs.values())):
            raise MissingError
        return _bounded(original(*args, **kwargs))

    return guarded


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        raise TooLongError
    return value


def _default(value: Any, fallback: Any = "") -> Any:
    return fallback if value is None or isinstance(value, Undefined) else value


def _join(values: Any, separator: str = "") -> str:
    if not isinstance(values, list | tuple):
        raise TypeError("`join` is for lists")
    return str(_bounded(separator.join(str(_finalize(value)) for value in values)))


def _round(value: Any, digits: int = 0) -> Any:
    if abs(digits) > _FINEST:
        raise TypeError(f"`round` goes to {_FINEST} digits")
    return round(_finalize(value), digits)


_FILTERS: Mapping[str, Any] = {
    "default": _default,
    "join": _join,
    "round": _round,
    "tojson": FILTERS["tojson"],
    **{
        name: _guarded(name)
        for name in ("abs", "capitalize", "escape", "first", "int", "last", "length", "lower")
    },
    **{name: _guarded(name) for name in ("title", "trim", "truncate", "upper", "urlencode")},
}
_TESTS = {name: TESTS[name] for name in ("none", "even", "odd", "divisibleby", "true", "false")}

TEXT = _Environment(html=False)
HTML = _Environment(html=True)
