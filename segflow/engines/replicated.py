"""A source with a replica: reads go there, and by the declared fallback where it can't serve."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from segflow.engines.around import AroundEngine
from segflow.errors import RefusedError, SourceSilentError, SourceUnavailableError
from segflow.model.catalog import Replica, Source
from segflow.model.instant import Instant
from segflow.ports import Clock, Engine, Reached

_LATER = "a later try may find it caught up; `fallback: primary` would ask the primary meanwhile"


class ReplicatedEngine(AroundEngine):
    """Asks the replica how far it is behind before each question, and then the question.

    A replica that is further behind than `max_lag`, or can't be asked, raises
    SourceUnavailableError; with `fallback: primary` the primary answers in its place, which is
    opened when that first happens. One that does not even greet, which takes long to find out, is
    not asked again by this object. One that follows nobody, since it was promoted, is refused
    whatever the fallback: no program can tell which of the two servers has the truth.
    """

    def __init__(
        self, source: Source, replica: Engine, primary: Callable[[], Engine], clock: Clock
    ) -> None:
        assert source.replica is not None, "the source has a replica"
        super().__init__(replica)
        self._source = source.name
        self._declared: Replica = source.replica
        self._open_primary = primary
        self._clock = clock
        self._primary: Engine | None = None
        self._promised: Instant | None = None
        self._silent: SourceSilentError | None = None

    def reached(self) -> Reached:
        """See Engine. From then on a replica that is not as far is not asked: what was told of the
        primary, or not at all, would not be so of its data."""
        try:
            return self._reached()
        except SourceUnavailableError:
            self._promised = Instant(self._clock.now())
            with self._asking() as engine:
                return engine.reached()

    def close(self) -> None:
        """See Engine."""
        super().close()
        if self._primary is not None:
            self._primary.close()

    @contextmanager
    def _asking(self) -> Iterator[Engine]:
        """See AroundEngine."""
        try:
            self._reached()
        except SourceUnavailableError:
            if self._declared.fallback == "refuse":
                raise
            if self._primary is None:
                self._primary = self._open_primary()
            chosen = self._primary
        else:
            chosen = self._engine
        yield chosen

    def _reached(self) -> Reached:
        """How far the replica has come, where it may be asked."""
        if self._silent is not None:
            raise self._silent
        try:
            found = self._engine.reached()
        except SourceSilentError as error:
            self._silent = error
            raise
        if not found.follows:
            raise RefusedError(
                f"source {self._source}: its `replica` follows no other server: it was promoted, or"
                " is the primary",
                hint="name a server that follows the one of `url`, or leave `replica` out",
            )
        most = None if self._declared.max_lag is None else self._declared.max_lag.milliseconds
        if most is not None and found.behind > most:
            raise SourceUnavailableError(
                f"source {self._source}: its replica is {found.behind / 1000:,.1f} s behind, which"
                f" is more than `max_lag: {self._declared.max_lag}` allows",
                hint=_LATER,
            )
        if self._is_short_of_promised(found):
            raise SourceUnavailableError(
                f"source {self._source}: its replica is {found.behind / 1000:,.1f} s behind, and"
                " has not come to what was read before",
                hint=_LATER,
            )
        return found

    def _is_short_of_promised(self, found: Reached) -> bool:
        if found.until is None or self._promised is None:
            return False
        return found.until < self._promised
