"""Spark itself: started when it is first asked, one per process, ended with the last who asks it.

Engines share one Spark, each with a session of its own, which has its settings and its views.
"""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from segflow.engines.connected import first_line
from segflow.errors import RefusedError, SourceUnavailableError

_STANDALONE = "spark://"
_PLACE = r"[^/,:\s]+:\d+"
_MASTER = re.compile(
    rf"local(\[(\d+|\*)(,\s*\d+)?\])?|{_STANDALONE}{_PLACE}(,{_PLACE})*|k8s://.+|yarn"
)
_WRONG = re.compile(r"^(?:.* ERROR \S+: |Exception in thread .*?Exception: )(.+)$", re.MULTILINE)
_LOOPBACK = "127.0.0.1"
_STARTED: Mapping[str, str] = {
    "spark.app.name": "segflow",
    # Plans are walked by recursion, and those of many segments are deep.
    "spark.driver.extraJavaOptions": "-Xss16m",
    "spark.ui.enabled": "false",
    # Nobody looks at what was asked before, and a plan in words may be larger than the plan.
    "spark.sql.ui.retainedExecutions": "10",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",
}
_LOCAL: Mapping[str, str] = {
    "spark.driver.host": _LOOPBACK,
    "spark.driver.bindAddress": _LOOPBACK,
}
_SETTINGS: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    # What overflows, and what a cast can't hold, is an error.
    "spark.sql.ansi.enabled": "true",
    # Decimals keep the digits behind their point, or are an error: else comparisons round.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.legacy.decimal.retainFractionDigitsOnTruncate": "true",
    # It makes plans of some unions that Spark then refuses as invalid.
    "spark.sql.optimizer.excludedRules": (
        "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases"
    ),
    "spark.sql.caseSensitive": "false",
    "spark.sql.legacy.sizeOfNull": "false",
    "spark.sql.json.enableExactStringParsing": "true",
    # Nanoseconds are read as numbers, of which the engine makes instants.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.maxPlanStringLength": "1000",
    # What the parser learns of queries it would keep for ever: a tenth of the heap will do.
    "spark.sql.parser.manageParserCaches": "true",
    "spark.sql.parser.parserDfaCacheFlushRatio": "10",
    # A query reads the tables of its source and no other file.
    "spark.sql.runSQLOnFiles": "false",
    # Sets of keys are handed on as they are; else they are planned row by row.
    "spark.sql.execution.arrow.localRelationThreshold": "64KB",
}
_FORBIDDEN = ("reflect", "java_method", "try_reflect")
"""Functions that call whatever code there is in Java."""

_LOGGER = "SQLQueryContextLogger"
"""What PySpark writes errors to, beside raising them."""

_NO_JAVA = "Spark needs Java, 17 or 21: apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
_NO_START = "it needs Java 17 or 21, and for a cluster what spark-defaults.conf says of it"

_CONNECTING = 5.0
"""Seconds that a master has to answer."""

_ENDING = 30.0
"""Seconds that Java has to end by itself."""


@dataclass(slots=True, kw_only=True)
class _Spark:
    """A Spark with the process of its Java, the folder of its files, and how many ask it."""

    master: str
    folder: Path
    gateway: Any
    session: Any = None
    users: int = 0

    def end(self) -> None:
        """End it with its Java, which PySpark leaves to the end of this process."""
        try:
            if self.session is not None:
                self.session.stop()
            self.gateway.shutdown()
        finally:
            process = self.gateway.proc
            process.stdin.close()
            try:
                process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            SparkContext._gateway = None
            SparkContext._jvm = None
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(slots=True)
class _Process:
    spark: _Spark | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_PROCESS = _Process()


def master_of(source: str, url: str | None) -> str:
    """The url of a source as the master that Spark is asked at. Raises RefusedError."""
    if url is None or not _MASTER.fullmatch(url):
        raise RefusedError(
            f"source {source}: its url names no Spark",
            hint="write its master, for example local[2], spark://host:7077 or yarn",
        )
    return url


def open_session(source: str, master: str) -> SparkSession:
    """A session of the Spark at that master, which is started where there is none yet. In the main
    thread PySpark would take Ctrl-C for itself.

    Raises SourceUnavailableError where Java is missing, Spark does not start, or this process asks
    a Spark at another master.
    """
    with _PROCESS.lock:
        spark = _PROCESS.spark or _started(source, master)
        _PROCESS.spark = spark
        if spark.master != master:
            raise SourceUnavailableError(
                f"source {source}: this process asks the Spark at {spark.master}",
                hint="give the sources that are asked together the same url",
            )
        spark.users += 1
        session: SparkSession = spark.session.newSession()
    for name, value in _SETTINGS.items():
        session.conf.set(name, value)
    _forbid(session)
    return session


def close_session() -> None:
    """Let go of a session; with the last one Spark ends, and the process of its Java."""
    with _PROCESS.lock:
        spark = _PROCESS.spark
        assert spark is not None, "who lets go has opened a session"
        spark.users -= 1
        if spark.users == 0:
            _PROCESS.spark = None
            spark.end()


def _started(source: str, master: str) -> _Spark:
    _check_java(source)
    _check_master(source, master)
    logging.getLogger(_LOGGER).disabled = True
    folder = Path(tempfile.mkdtemp(prefix="segflow-spark-"))
    told = folder / "java.log"
    spark: _Spark | None = None
    try:
        with told.open("wb") as log, without_warnings():
            conf = _configured(master, folder)
            gateway: Any = launch_gateway(  # type: ignore[no-untyped-call]
                conf, {"stdout": log, "stderr": subprocess.STDOUT}
            )
            spark = _Spark(master=master, folder=folder, gateway=gateway)
            context = SparkContext(conf=conf, gateway=gateway)
            spark.session = SparkSession(context)
    except BaseException as error:
        reason = _reason(told.read_text(errors="replace")) or first_line(error)
        if spark is not None:
            spark.end()
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, PySparkException | Py4JError | OSError | RuntimeError):
            raise
        raise SourceUnavailableError(
            f"source {source}: Spark does not start: {reason}", hint=_NO_START
        ) from error
    context.setLogLevel("OFF")
    if master.startswith("local"):
        context.pythonExec = sys.executable
    return spark


def _configured(master: str, folder: Path) -> SparkConf:
    local = _LOCAL if master.startswith("local") else {}
    settings = {**_STARTED, **local, "spark.sql.warehouse.dir": str(folder)}
    return SparkConf(loadDefaults=False).setMaster(master).setAll([*settings.items()])


def _check_java(source: str) -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java" if home is None else str(Path(home) / "bin" / "java")) is None:
        where = "on the PATH" if home is None else "where JAVA_HOME says"
        raise SourceUnavailableError(f"source {source}: there is no Java {where}", hint=_NO_JAVA)


def _reason(log: str) -> str:
    """What Java says went wrong: its last error, or else its last line."""
    told: list[str] = _WRONG.findall(log) or log.splitlines() or [""]
    return told[-1].strip()


def _check_master(source: str, master: str) -> None:
    """Spark itself would try for a minute."""
    if not master.startswith(_STANDALONE):
        return
    for place in master.removeprefix(_STANDALONE).split(","):
        host, _, port = place.rpartition(":")
        with (
            suppress(OSError, OverflowError, UnicodeError),
            socket.create_connection((host, int(port)), _CONNECTING),
        ):
            return
    raise SourceUnavailableError(
        f"source {source}: nobody answers at {master}",
        hint="start its master, or correct the url",
    )


@contextmanager
def without_warnings() -> Iterator[None]:
    """PySpark warns of versions of pandas, of which nothing is used here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _forbid(session: SparkSession) -> None:
    """Take functions out of the session's list."""
    java: Any = session._jvm
    registry = session._jsparkSession.sessionState().functionRegistry()
    place = [java.scala.Option.apply(name) for name in ("builtin", "system")]
    for name in _FORBIDDEN:
        registry.dropFunction(java.org.apache.spark.sql.catalyst.FunctionIdentifier(name, *place))
