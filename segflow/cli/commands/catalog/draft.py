"""`segflow catalog import`: YAML for tables that the catalog does not have yet."""

from pathlib import Path

import click

from segflow.app.draft.draft import draft_catalog
from segflow.cli.files import write_new
from segflow.cli.invocation import Invocation, command
from segflow.cli.progress import LateBar
from segflow.cli.session import session
from segflow.errors import RefusedError


@command("import")
@click.option("--source", required=True, metavar="NAME", help="The source of the catalog to ask.")
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="TABLE",
    help="Draft this table; may be given several times.  [default: all that the catalog does not "
    "read]",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the draft to a new file; one that is there is never written over.",
)
def draft(call: Invocation, source: str, tables: tuple[str, ...], out: Path | None) -> None:
    """Draft the YAML of the tables of a source.

    Entities and events are guessed from names, types and keys, and each guess is marked as one in
    a comment. Asks the source for its tables and, where it does not say what is unique, for a few
    thousand rows of each.
    """
    if out is not None and out.exists():
        raise _there(out)
    with session(call) as opened, LateBar():
        text = draft_catalog(opened.world, opened.compiled, source, tables)
    opened.warn(call)
    if out is not None:
        try:
            write_new(out, text)
        except FileExistsError as error:
            raise _there(out) from error
    if call.output.as_json:
        call.output.facts({"source": source, "yaml": text, "file": out and str(out)})
    elif out is None:
        call.output.lines(text.splitlines())
    else:
        call.output.line(f"Saved to {out}. Look at every guess, then: segflow validate")


def _there(out: Path) -> RefusedError:
    return RefusedError(f"{out} is there already", hint="name a new file, or remove that one")
