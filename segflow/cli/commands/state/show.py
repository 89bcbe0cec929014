"""`segflow state show`."""

import click

from segflow.app import state
from segflow.cli.deployed import deployed_world
from segflow.cli.invocation import Invocation, command
from segflow.cli.tables import facts
from segflow.model.address import Address, parse_address
from segflow.model.codec import from_canonical
from segflow.model.wording import to_words
from segflow.model.wording_text import document


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> Address:
    try:
        return parse_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@command("show")
@click.argument("address", callback=_address)
def show(call: Invocation, address: Address) -> None:
    """Show a deployed object as it was applied.

    ADDRESS is kind and name, such as segment.lapsed_30d.
    """
    with deployed_world(call) as world:
        found = state.show(world, address)
    words = to_words(from_canonical(found.canonical))
    if call.output.as_json:
        call.output.facts(
            {
                "address": str(found.address),
                "fingerprint": found.fingerprint,
                "definition": found.definition,
                "files": dict(found.files),
                "object": words,
            }
        )
        return
    call.output.lines(document(words).splitlines())
    call.output.line()
    call.output.lines(facts((("fingerprint", found.fingerprint), ("definition", found.definition))))
