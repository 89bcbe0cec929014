"""Spark for tests: one for all of them, with the settings of tests/agreement/spark_conf."""

import atexit
import os
from functools import cache
from pathlib import Path
from typing import Any

from segflow.engines.spark import SparkEngine
from segflow.engines.spark_session import close_session, open_session
from segflow.model.catalog import Source

MASTER = "local[1]"


@cache
def _kept() -> Any:
    """A session that nobody asks, so that Spark stays until the end of the tests."""
    os.environ["SPARK_CONF_DIR"] = str(Path(__file__).parent / "spark_conf")
    os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    atexit.register(close_session)
    return open_session("tests", MASTER)


def spark_engine(source: Source, folder: Path) -> SparkEngine:
    """The source opened on the Spark of the tests."""
    _kept()
    return SparkEngine(source, folder)
