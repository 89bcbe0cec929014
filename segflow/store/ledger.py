"""The ledger of rules on the state database: every method of the port is one transaction."""

from collections.abc import Iterable, Mapping, Sequence

from segflow.model.instant import Instant
from segflow.model.run import (
    BucketRecord,
    Decision,
    ExposureRecord,
    Run,
    Send,
    Settlement,
    Stock,
)
from segflow.model.state import Lease
from segflow.store import inventory, runs, sending
from segflow.store.database import StateDatabase


class SqlLedger:
    """Implements ports.Ledger on the database of a state store (`SqlStateStore.database`), whose
    leases count and who lets go of the database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    # --- reading -----------------------------------------------------------------------------

    def run(self, run_id: str) -> Run | None:
        return self._database.ask(lambda found: runs.run(found, run_id), None)

    def runs(self, rule: str | None = None, limit: int | None = None) -> Sequence[Run]:
        return self._database.ask(lambda found: runs.runs(found, rule, limit), ())

    def runs_called(self, beginning: str) -> Sequence[Run]:
        return self._database.ask(lambda found: runs.called(found, beginning), ())

    def last_scheduled(self, rule: str, at: Instant) -> Instant | None:
        return self._database.ask(lambda found: runs.last_scheduled(found, rule, at), None)

    def unfinished_runs(self) -> Sequence[Run]:
        return self._database.ask(runs.unfinished, ())

    def buckets(self, run_id: str) -> Sequence[BucketRecord]:
        return self._database.ask(lambda found: runs.buckets(found, run_id), ())

    def exposures(self, run_id: str) -> Sequence[ExposureRecord]:
        return self._database.ask(lambda found: runs.exposures(found, run_id), ())

    def sends(self, run_id: str) -> Sequence[Send]:
        return self._database.ask(lambda found: sending.of_run(found, run_id), ())

    def coupons(self, run_id: str) -> Mapping[str, int]:
        return self._database.ask(lambda found: inventory.of_run(found, run_id), {})

    def reached(
        self, start: Instant, end: Instant, *, rule: str | None, channel: str | None
    ) -> Mapping[int, int]:
        return self._database.ask(
            lambda found: sending.reached(found, start, end, rule, channel), {}
        )

    def held_out(
        self, start: Instant, end: Instant, *, rule: str | None, channel: str | None
    ) -> Sequence[ExposureRecord]:
        return self._database.ask(lambda found: runs.held_out(found, start, end, rule, channel), ())

    def stock(self, offer: str) -> Stock:
        absent = Stock(offer=offer, free=0, reserved=0, committed=0)
        return self._database.ask(lambda found: inventory.stock(found, offer), absent)

    def known_codes(self, codes: Iterable[str]) -> frozenset[str]:
        return self._database.ask(lambda found: inventory.known(found, codes), frozenset())

    def coupons_given(self, rule: str, start: Instant | None, end: Instant | None) -> int:
        return self._database.ask(lambda found: inventory.given(found, rule, start, end), 0)

    # --- writing -----------------------------------------------------------------------------

    def begin_run(self, lease: Lease, run: Run) -> bool:
        return self._database.write(lease, "runner", lambda found: runs.begin(found, run))

    def decide_run(self, lease: Lease, decision: Decision) -> None:
        self._database.write(lease, "runner", lambda found: runs.decide(found, decision))

    def claim(
        self, lease: Lease, sends: Sequence[Send], offers: Mapping[str, str]
    ) -> Sequence[Send]:
        return self._database.write(
            lease, "runner", lambda found: sending.claim(found, sends, offers)
        )

    def settle(self, lease: Lease, settlements: Sequence[Settlement]) -> None:
        self._database.write(lease, "runner", lambda found: sending.settle(found, settlements))

    def finish_run(self, lease: Lease, run: Run, buckets: Sequence[BucketRecord]) -> None:
        self._database.write(lease, "runner", lambda found: runs.finish(found, run, buckets))
