"""`segflow schema`: the JSON Schemas of the YAML, for editors and other tools."""

import click

from segflow.cli.invocation import Invocation, command
from segflow.errors import RefusedError
from segflow.loader.kinds import SHAPES
from segflow.loader.schema import document_schema, file_text, kind_schema
from segflow.loader.suggest import did_you_mean


@command("schema", in_project=False)
@click.argument("kind", metavar="[KIND]", required=False)
def schema(call: Invocation, kind: str | None) -> None:
    """Print the JSON Schema of the YAML for editors.

    KIND is segment, entity, event, source and so on; without it the schema takes a document of any
    kind. The output is JSON (2020-12) with and without --json.
    """
    if kind is not None and kind not in SHAPES:
        raise RefusedError(f"there is no kind {kind}", hint=did_you_mean(kind, SHAPES))
    found = document_schema() if kind is None else kind_schema(kind)
    if call.output.as_json:
        call.output.facts(found)
    else:
        call.output.lines(file_text(found).splitlines())
