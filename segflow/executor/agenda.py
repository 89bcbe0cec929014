"""The agenda of a daemon: which segments are due for a refresh, and which rules for a run."""

from collections import defaultdict
from collections.abc import Mapping

from segflow.campaign.schedule import Due, due, next_occurrences
from segflow.errors import RefusedError
from segflow.executor.timing import refresh_zone, rule_due, rule_zone, scheduled_trigger
from segflow.model.address import Address
from segflow.model.compiled import Compiled
from segflow.model.instant import Instant
from segflow.model.segment import Cron, Every

NEVER = Instant(2**62)


class Agenda:
    """Of what is deployed now. It knows after which instant each object is looked at next, so that
    a look at the clock costs nothing while nothing is due."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._after: dict[Address, Instant] = {}
        self._next: dict[Address, Instant] = {}
        self.troubles: dict[Address, str] = {}

    def seen(self, address: Address, after: Instant) -> None:
        """What was scheduled up to an instant is seen to; it never goes back."""
        before = self._after.get(address)
        if before is not None and after <= before:
            return
        self._after[address] = after
        try:
            self._next[address] = self._next_of(address, after)
        except RefusedError as error:
            self._next[address] = NEVER
            self.troubles[address] = error.message

    def put_off(self, address: Address, until: Instant) -> None:
        """Not to be looked at before an instant."""
        self._next[address] = until

    def is_ahead(self, now: Instant) -> bool:
        """Whether some rule was seen to up to an instant that is yet to come."""
        return any(after > now for address, after in self._after.items() if address.kind == "rule")

    def refreshes(self, now: Instant) -> Mapping[Instant, tuple[str, ...]]:
        """The segments to refresh, by the instant as of which, ascending."""
        found: defaultdict[Instant, list[str]] = defaultdict(list)
        for address in self._come(now, "segment"):
            refresh = self._refresh_of(address.name)
            if refresh is None:
                continue
            zone = refresh_zone(refresh, self._compiled)
            for instant in due(refresh, zone, after=self._after[address], now=now).run:
                found[instant].append(address.name)
        return {instant: tuple(found[instant]) for instant in sorted(found)}

    def rules(self, now: Instant) -> tuple[str, ...]:
        """The rules that are due: by instant, and of those at one instant the one with the higher
        priority first, since it takes what caps and stock allow."""
        turns: list[tuple[Instant, int, str]] = []
        for address in self._come(now, "rule"):
            come = self.due(address.name, now)
            if newest := (*come.missed, *come.run)[-1:]:
                priority = self._compiled.rules[address.name].rule.priority
                turns.append((newest[0], -priority, address.name))
            else:
                self.seen(address, now)
        return tuple(name for _, _, name in sorted(turns))

    def due(self, rule: str, now: Instant) -> Due:
        """What to do about a rule that is due: what to run, and before it what is too late."""
        after = self._after[Address("rule", rule)]
        return rule_due(self._compiled.rules[rule].rule, self._compiled, after=after, now=now)

    def _come(self, now: Instant, kind: str) -> tuple[Address, ...]:
        return tuple(
            address
            for address, instant in self._next.items()
            if instant <= now and address.kind == kind
        )

    def _next_of(self, address: Address, after: Instant) -> Instant:
        if address.kind == "rule":
            rule = self._compiled.rules[address.name].rule
            zone = rule_zone(rule, self._compiled)
            found = next_occurrences(scheduled_trigger(rule), zone, after, 1)
        elif (refresh := self._refresh_of(address.name)) is not None:
            zone = refresh_zone(refresh, self._compiled)
            found = next_occurrences(refresh, zone, after, 1)
        else:
            found = ()
        return found[0] if found else NEVER

    def _refresh_of(self, name: str) -> Every | Cron | None:
        """None for what is not refreshed by the clock."""
        segment = self._compiled.segments[name].segment
        if segment.mode == "dynamic" and isinstance(segment.refresh, Every | Cron):
            return segment.refresh
        return None
