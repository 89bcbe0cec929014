"""The only file that chooses adapters: settings in, a World of ports out.

Engines and the snapshot store are imported when they are first asked, so that a command that asks
neither starts fast.
"""

import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import assert_never

from segflow.app.secrets import MaskedEngine, filled, masking
from segflow.channels.coupon import CouponChannel
from segflow.channels.file import FileChannel
from segflow.channels.recording import RecordingChannel, SilentChannel
from segflow.clock import SystemClock
from segflow.compiler.timeline import zone
from segflow.engines.limited import LimitedEngine
from segflow.engines.replicated import ReplicatedEngine
from segflow.engines.slots import Slots
from segflow.errors import RefusedError
from segflow.executor.effects import Effects, Engines, no_failpoint
from segflow.model.catalog import EngineName, Limits, Source
from segflow.model.channel import Channel as ChannelObject
from segflow.model.instant import Instant
from segflow.model.project import Settings
from segflow.model.settings import SecretRef, plain
from segflow.ports import (
    Chance,
    Channel,
    Channels,
    Clock,
    Engine,
    Failpoint,
    Ledger,
    SnapshotStore,
    StagedTable,
    StateStore,
)
from segflow.store.ledger import SqlLedger
from segflow.store.scratch import Scratch, scratch_copy
from segflow.store.state import SqlStateStore

FAILPOINT = "SEGFLOW_FAILPOINT"
"""For tests only: the environment variable that names the failpoint at which the process kills
itself with SIGKILL."""

REHEARSED = Path(".segflow/rehearsed")
"""The folder, in the project, of what rules would send in their last rehearsals."""

SLOTS = Path(".segflow/slots")
"""The folder, in the project, of who asks sources that may be asked by few at a time."""

RECORDED = Path(".segflow/recorded")
"""The folder, in the project, of what channels would send where they must not send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything outside, chosen once per process. `engines` gives the open engine of a source;
    `scratch` a copy of state and ledger without the runs from an instant on; `rest` closes the
    engines until they are asked again. `owner` names this process in leases; `new_lineage` is for a
    state that is made now."""

    root: Path
    settings: Settings
    clock: Clock
    chance: Chance
    state: StateStore
    ledger: Ledger
    snapshots: SnapshotStore
    failpoint: Failpoint
    engines: Engines
    channels: Channels
    scratch: Callable[[Instant | None], AbstractContextManager[Scratch]]
    rest: Callable[[], None]
    owner: str
    new_lineage: str

    @property
    def effects(self) -> Effects:
        """The ports that the executor acts through."""
        return Effects(
            state=self.state,
            ledger=self.ledger,
            snapshots=self.snapshots,
            engines=self.engines,
            clock=self.clock,
            chance=self.chance,
            failpoint=self.failpoint,
            owner=self.owner,
        )


@contextmanager
def open_world(settings: Settings, root: Path, clock: Clock | None = None) -> Iterator[World]:
    """The world of a project; nothing is opened or made before it is asked. Closes the engines at
    the end. Relative urls and paths are resolved against the project's folder."""
    opened: dict[Source, Engine] = {}
    clock_ = SystemClock() if clock is None else clock

    def engines(source: Source) -> Engine:
        if source not in opened:
            opened[source] = open_source(source, root, clock_, settings.timezone)
        return opened[source]

    def rest() -> None:
        while opened:
            opened.popitem()[1].close()

    state = SqlStateStore(settings.state.url, root=root)
    snapshots = _LateSnapshots(settings.state.snapshots, root)
    channels = _LiveChannels(settings.environment, root)
    try:
        yield World(
            root=root,
            settings=settings,
            clock=clock_,
            chance=secrets.token_bytes,
            state=state,
            ledger=SqlLedger(state.database),
            snapshots=snapshots,
            failpoint=_failpoint(),
            engines=engines,
            channels=channels,
            scratch=lambda since: scratch_copy(state, snapshots, since),
            rest=rest,
            owner=f"{socket.gethostname()}:{os.getpid()}",
            new_lineage=secrets.token_hex(16),
        )
    finally:
        state.close()
        channels.close()
        rest()


class _LateSnapshots:
    """The snapshot store, opened when it is first asked: fsspec takes long to import, and a plan
    in which nobody moves has no use for it."""

    def __init__(self, url: str, root: Path) -> None:
        self._url = url
        self._root = root

    def put(self, content: bytes) -> str:
        """See SnapshotStore."""
        return self._store.put(content)

    def write(self, content: bytes) -> str:
        """See SnapshotStore."""
        return self._store.write(content)

    def sync(self) -> None:
        """See SnapshotStore."""
        self._store.sync()

    def get(self, digest: str) -> bytes:
        """See SnapshotStore."""
        return self._store.get(digest)

    @cached_property
    def _store(self) -> SnapshotStore:
        from segflow.store.snapshots import FsspecSnapshotStore

        return FsspecSnapshotStore(self._url, root=self._root)


class RecordingChannels:
    """Implements ports.Channels where nothing may be sent: what would be is kept in a folder, or
    nowhere."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._opened: dict[str, Channel] = {}

    def open(self, channel: ChannelObject) -> Channel:
        """See Channels."""
        if channel.name not in self._opened:
            self._opened[channel.name] = (
                SilentChannel()
                if self._folder is None
                else RecordingChannel(channel.name, self._folder)
            )
        return self._opened[channel.name]

    def is_live(self, channel: ChannelObject) -> bool:
        """See Channels."""
        return False


class _LiveChannels:
    """Implements ports.Channels: a channel sends in the environments of its `live`."""

    def __init__(self, environment: str, root: Path) -> None:
        self._environment = environment
        self._root = root
        self._recording = RecordingChannels(root / RECORDED)
        self._opened: dict[ChannelObject, Channel] = {}

    def open(self, channel: ChannelObject) -> Channel:
        """See Channels."""
        if not self.is_live(channel):
            return self._recording.open(channel)
        if channel not in self._opened:
            self._opened[channel] = open_channel(channel, self._root)
        return self._opened[channel]

    def is_live(self, channel: ChannelObject) -> bool:
        """See Channels."""
        return self._environment in channel.live_environments

    def close(self) -> None:
        """Close what was opened."""
        for port in self._opened.values():
            port.close()


def open_channel(channel: ChannelObject, root: Path) -> Channel:
    """Open a channel with its own kind of adapter; secrets are filled in here and nowhere else.

    Raises RefusedError for a kind that can't be used, and for a secret that is not set.
    """
    settings = plain(channel.settings, filled)
    match channel.kind:
        case "coupon":
            return CouponChannel()
        case "file":
            return FileChannel(root / settings["path"])
        case "webhook":
            # Imported here: urllib3 is an extra.
            try:
                from segflow.channels.webhook import webhook
            except ModuleNotFoundError as error:
                raise RefusedError(
                    f"{channel.address} needs {error.name}, which is not installed",
                    hint='install it: pip install "segflow[webhook]"',
                ) from error
            return webhook(settings, idempotent=channel.idempotency == "native")
        case _:
            raise RefusedError(f"{channel.address}: {channel.kind} can't be sent by yet")


def _failpoint() -> Failpoint:
    wanted = os.environ.get(FAILPOINT)
    if wanted is None:
        return no_failpoint

    def kill_here(name: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill_here


def open_source(source: Source, root: Path, clock: Clock, timezone: str) -> Engine:
    """Open a source as it is to be read: at its replica, if it has one, and within its limits,
    whose hours are those of the zone. Raises as open_engine() does."""
    if source.replica is None:
        engine = open_engine(source, root)
    else:
        copy = replace(source, name=f"{source.name} (replica)", url=source.replica.url)
        engine = ReplicatedEngine(
            source,
            open_engine(copy, root),
            primary=lambda: open_engine(source, root),
            clock=clock,
        )
    limits = source.limits
    if limits is None or limits == Limits(timeout=limits.timeout):
        return engine
    most = limits.concurrency
    slots = None if most is None else Slots(root / SLOTS, source.name, most)
    return LimitedEngine(source, engine, clock=clock, zone=zone(timezone), slots=slots)


def open_engine(source: Source, root: Path) -> Engine:
    """Open a source with its own kind of engine; a secret url is filled in here and nowhere else.

    Raises SourceUnavailableError, and RefusedError for an engine that can't be used.
    """
    if not isinstance(source.url, SecretRef):
        return _engine_of(source, root, source.url)
    value = filled(source.url)
    with masking(source.url, value):
        return MaskedEngine(_engine_of(source, root, value), source.url, value)


EMBEDDED: tuple[EngineName, ...] = ("duckdb", "sqlite")
"""The engines that run in this process, so that tests of segments can be put to them."""


def open_stage(source: Source, folder: Path, tables: Iterable[StagedTable]) -> Engine:
    """Write tables into an empty folder and open them as a source that says nothing of where its
    data is.

    Raises RefusedError for an engine that is not embedded, or not installed.
    """
    match source.engine:
        case "duckdb":
            try:
                from segflow.engines.duckdb_stage import write_parquet
            except ModuleNotFoundError as error:
                raise _not_installed(source, error) from error
            return _engine_of(replace(source, tables=write_parquet(folder, tables)), folder, None)
        case "sqlite":
            from segflow.engines.sqlite_stage import write_sqlite

            return _engine_of(source, folder, write_sqlite(folder, tables))
        case _:
            raise RefusedError(
                f"{source.engine} does not run inside of segflow, so that tests can't be put to it",
                hint=f"these do: {', '.join(EMBEDDED)}",
            )


def _engine_of(source: Source, root: Path, url: str | None) -> Engine:
    try:
        return _imported(source, root, url)
    except ModuleNotFoundError as error:
        raise _not_installed(source, error) from error


def _imported(source: Source, root: Path, url: str | None) -> Engine:
    # Imported here: what some of them need takes longer to import than all else, and is an extra.
    match source.engine:
        case "duckdb":
            from segflow.engines.duckdb import DuckDbEngine

            return DuckDbEngine(source, root, url)
        case "sqlite":
            from segflow.engines.sqlite import SqliteEngine

            return SqliteEngine(source, root, url)
        case "postgres":
            from segflow.engines.postgres import PostgresEngine

            return PostgresEngine(source, url)
        case "mysql":
            from segflow.engines.mysql import MySqlEngine

            return MySqlEngine(source, url)
        case "clickhouse":
            return _clickhouse(source, root, url)
        case "spark":
            from segflow.engines.spark import SparkEngine

            return SparkEngine(source, root, url)
        case "elasticsearch":
            from segflow.engines.elasticsearch import ElasticsearchEngine

            return ElasticsearchEngine(source, url)
        case _:
            assert_never(source.engine)


def _clickhouse(source: Source, root: Path, url: str | None) -> Engine:
    from segflow.engines.clickhouse import ClickHouseEngine

    if "://" in (url or str(source.url)):
        from segflow.engines.clickhouse_server import ServerHost

        return ClickHouseEngine(source, ServerHost(source, url))
    from segflow.engines.clickhouse_chdb import EmbeddedHost

    return ClickHouseEngine(source, EmbeddedHost(source, root, url))


def _not_installed(source: Source, error: ModuleNotFoundError) -> RefusedError:
    return RefusedError(
        f"source {source.name} needs {error.name}, which is not installed",
        hint=f'install it: pip install "segflow[{source.engine}]"',
    )
