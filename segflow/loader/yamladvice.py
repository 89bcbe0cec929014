"""What to say of broken YAML: the parser's own words lead seldom to what is wrong."""

from yaml.error import Mark, MarkedYAMLError

from segflow.loader.nodes import SourceFile

INVISIBLE = frozenset("\u00a0\u2007\u202f\u3000\u200b\u200c\u200d\u2060\ufeff")
"""Characters that look like a space, or like nothing, and that YAML takes for letters."""

_CLOSED = ("}", "]", '"', "'")
_BY_WORDS = (
    ("alphabetic or numeric character", "put a value that begins with * or & in quotes"),
    (
        "expected node content",
        "a value is missing before this: look for a comma too many, or a # that needs quotes",
    ),
    ("mapping values are not allowed", "put a value that contains `: ` in quotes"),
    ("could not find expected ':'", "every key needs a colon and a space after it"),
    ("did not find expected key", "look at the indentation and at open quotes and brackets above"),
    ("did not find expected ',' or", "close the bracket, or put the value in quotes"),
    (
        "did not find expected '-'",
        "begin an item with a dash at the same column, or indent this as deep as the keys above it",
    ),
    ("unexpected end of stream", "close the quote that is open here"),
    ("undefined alias", "an alias (*name) needs its anchor (&name) above it; quote a plain star"),
    ("control characters", "remove the control character"),
)


def place_of(error: MarkedYAMLError) -> Mark | None:
    """Where what is wrong begins, not where the parser noticed it; None where it names no place."""
    problem, context = error.problem or "", error.context or ""
    began = "simple key" in context or ("end of stream" in problem and "scalar" in context)
    if began and error.context_mark is not None:
        return error.context_mark
    return error.problem_mark or error.context_mark


def fix_of(error: MarkedYAMLError, file: SourceFile) -> str | None:
    """What to do, where that is known."""
    problem, mark, opened = error.problem or "", error.problem_mark, error.context_mark
    line = file.lines[mark.line] if mark is not None and mark.line < len(file.lines) else ""
    before, after = (line, "") if mark is None else (line[: mark.column], line[mark.column :])
    if "${" in line:
        return 'inside of braces and brackets a secret needs quotes: "${NAME}"'
    if "{{" in line:
        return TEMPLATED
    if after.startswith("\t") or (before.isspace() and "\t" in before):
        return "indent with spaces: here stands a tab"
    if "cannot start any token" in problem:
        return f"put a value that begins with {after[:1]} in quotes"
    if "expected key" in problem and before.rstrip().endswith(_CLOSED):
        return "after a closed bracket or quote a line ends; a comment begins with #"
    if "expected ',' or" in problem and opened and mark and opened.line != mark.line:
        return f"close the bracket of line {opened.line + 1}, or look for a missing comma"
    return advice_on(problem)


def advice_on(problem: str) -> str | None:
    """What to do by the parser's words alone."""
    return next((advice for words, advice in _BY_WORDS if words in problem), None)


TEMPLATED = "YAML is no template here: write the value itself, and text with braces in quotes"
