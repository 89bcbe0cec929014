"""The table of docs/reference/corpus.md, made from the comments and descriptions of the corpus."""

from tests.docs.pages import DOCS
from tests.examples.corpus import examples

PAGE = DOCS / "reference" / "corpus.md"
_BEGIN = "<!-- segments: made by `python -m tests.docs.write` -->\n"
_FOLDER = "../../examples/corpus/segments"


def by_hand() -> str:
    """What people wrote of the page: all above the table."""
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    return head


def render() -> str:
    """The page with its table as the corpus is now."""
    rows = [
        f"| {one.number} | {one.source} | [`{one.name}`]({_FOLDER}/{one.file}) "
        f"| {one.description} |"
        for one in examples()
        if not one.near
    ]
    table = ["| case | after | segment | who is in it |", "|---|---|---|---|", *rows]
    return by_hand() + _BEGIN + "\n".join(["\n## What is said\n", *table]) + "\n"
