"""The table of docs/reference/diagnostics.md, made from the codes of the package."""

from collections.abc import Mapping

from segflow.app.codes import OF_CHANNELS, OF_DOCTOR, OF_PLANS, OF_SOURCES
from segflow.compiler.codes import CODES as OF_MEANING
from segflow.compiler.lint.codes import CODES as OF_LINT
from segflow.loader.codes import CODES as OF_TEXT
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "diagnostics.md"
TABLES: Mapping[str, Mapping[str, str]] = {
    "The text of files": OF_TEXT,
    "Their meaning": OF_MEANING,
    "What lint warns of": OF_LINT,
    "Their channels": OF_CHANNELS,
    "Their sources": OF_SOURCES,
    "What doctor finds in them": OF_DOCTOR,
    "What no plan can deploy": OF_PLANS,
}
_BEGIN = "<!-- codes: made by `python -m tests.docs.write` -->\n"


def render() -> str:
    """The page with its tables as the codes are now."""
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    return head + _BEGIN + "".join(_table(*titled) for titled in TABLES.items())


def _table(title: str, codes: Mapping[str, str]) -> str:
    rows = [f"| `{code}` | {meaning} |" for code, meaning in sorted(codes.items())]
    return "\n".join([f"\n## {title}\n", "| code | meaning |", "|---|---|", *rows]) + "\n"
