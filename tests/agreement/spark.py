"""Spark for tests: one for all of them, with the settings of tests/agreement/spark_conf."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from segflow.engines.spark import SparkEngine
from segflow.engines.spark_session import close_session, open_session
from segflow.model.catalog import Source

MASTER = "local[1]"


@cache
def _kept() -> Any:
    """A session that nobody asks, so that Spark stays until the end of the tests."""
    given = {
        "SPARK_CONF_DIR": str(Path(__file__).parent / "spark_conf"),
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    with pytest.MonkeyPatch.context() as here:
        for name, value in given.items():
            here.setenv(name, value)
        return open_session("tests", MASTER)


def end() -> None:
    """End it; nobody asks any more."""
    if _kept.cache_info().currsize:
        _kept.cache_clear()
        close_session()


def spark_engine(source: Source, folder: Path) -> SparkEngine:
    """The source opened on the Spark of the tests."""
    _kept()
    return SparkEngine(source, folder)
