"""What an apply does to the stock of offers: codes that come from files, or are made, and that go.

Codes are made when everything else is done, for the commit alone: a killed apply leaves none
behind, and neither plan nor journal ever holds one.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass

from segflow.campaign.codes import make_code
from segflow.errors import RefusedError
from segflow.executor.deployed import Deployed
from segflow.executor.effects import Effects
from segflow.model.address import Address
from segflow.model.channel import CodesFromFile, GeneratedCodes, Offer
from segflow.model.compiled import Compiled
from segflow.model.plan import Plan
from segflow.planner.files import codes_in

Codes = tuple[tuple[str, tuple[str, ...]], ...]
"""Names of offers, each with codes."""

_PATIENCE = 100
"""So many codes are tried for each that is wanted before the pattern counts as used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restock:
    """Codes that enter the stock of offers, and those that leave it unless they were given."""

    codes: Codes = ()
    withdrawn: Codes = ()


def restock(plan: Plan, planned: Compiled, deployed: Deployed, effects: Effects) -> Restock:
    """The codes for the offers that a plan creates or updates; `planned` and `deployed` are what is
    deployed after and before it.

    Of a file all its codes, and what is not in it any more is withdrawn; a pattern gives so many
    new ones that the offer has as many as it asks for, given ones included. Raises RefusedError
    where a pattern is used up.
    """
    offers = tuple(_offers(plan, planned))
    read = {
        offer.name: planned.project.files[offer.codes.path].codes
        for offer in offers
        if isinstance(offer.codes, CodesFromFile)
    }
    taken = {code for codes in read.values() for code in codes}
    made: dict[str, tuple[str, ...]] = {}
    for offer in offers:
        if isinstance(offer.codes, GeneratedCodes):
            made[offer.name] = _make(offer, offer.codes, effects, taken)
            taken.update(made[offer.name])
    withdrawn = ((name, _gone(name, codes, deployed, effects)) for name, codes in read.items())
    return Restock(
        codes=(*read.items(), *made.items()),
        withdrawn=tuple((name, codes) for name, codes in withdrawn if codes),
    )


def _offers(plan: Plan, planned: Compiled) -> Iterator[Offer]:
    for change in plan.changes:
        if change.action != "delete":
            found = planned.project.objects[change.address]
            if isinstance(found, Offer):
                yield found


def _gone(
    offer: str, codes: tuple[str, ...], deployed: Deployed, effects: Effects
) -> tuple[str, ...]:
    """The codes that the offer's file had when it was applied last, and has no more."""
    before = deployed.objects.get(Address("offer", offer))
    kept = () if before is None else (effects.state.blob(digest) for _, digest in before.files)
    former = {code for content in kept for code in codes_in(content or b"")}
    return tuple(sorted(former - set(codes)))


def _make(
    offer: Offer, codes: GeneratedCodes, effects: Effects, taken: Set[str]
) -> tuple[str, ...]:
    """So many codes that nobody has as are missing in the offer's stock."""
    stock = effects.ledger.stock(offer.name)
    missing = codes.count - (stock.free + stock.reserved + stock.committed)
    made: dict[str, None] = {}
    known = set(taken)
    tries = _PATIENCE * max(codes.count, 10)
    while len(made) < missing:
        drawn = [make_code(codes.pattern, effects.chance) for _ in range(missing - len(made))]
        fresh = {code: None for code in drawn if code not in known}
        known |= effects.ledger.known_codes(fresh) if fresh else set()
        made |= {code: None for code in fresh if code not in known}
        known.update(made)
        tries -= len(drawn)
        if tries < 0:
            raise RefusedError(
                f"the pattern of {offer.address} is used up: it gives no more codes that are new",
                hint="put more * into the pattern, then plan again",
            )
    return tuple(made)
