"""`python -m tests.docs.write` brings the made parts of docs/ up to date: look at the diff."""

import os
import sys
import tempfile
from pathlib import Path

from tests.docs import commands_page, corpus_page, diagnostics_page, support_page
from tests.docs.pages import pages
from tests.docs.story import fill


def write() -> None:
    """Write the reference of commands and of codes, the list of the corpus, the table of forms, and
    what the guide's commands print."""
    for made in (commands_page, corpus_page, diagnostics_page, support_page):
        made.PAGE.write_text(made.render(), encoding="utf-8")
    with open(os.devnull, encoding="utf-8") as sys.stdin:  # nobody is there to answer
        for page in pages("guide"):
            with tempfile.TemporaryDirectory() as folder:
                page.write_text(fill(page, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    write()
