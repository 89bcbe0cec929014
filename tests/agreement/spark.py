"""Spark for tests: one for all of them, with the settings of tests/agreement/spark_conf."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import pytest

from segflow.engines.spark import SparkEngine
from segflow.engines.spark_session import close_session, open_session
from segflow.model.catalog import Source

MASTER = "local[1]"


@cache
def keep() -> Any:
    """A session that nobody asks, so that Spark stays until the end of the tests, whoever asks."""
    given = {
        "SPARK_CONF_DIR": str(Path(__file__).parent / "spark_conf"),
        "JDK_JAVA_OPTIONS": "-XX:+UseSerialGC",
    }
    with pytest.MonkeyPatch.context() as here:
        for name, value in given.items():
            here.setenv(name, value)
        with ThreadPoolExecutor(1) as beside:
            session = beside.submit(open_session, "tests", MASTER).result()
    Finalize(None, end, exitpriority=1)  # of processes that a pool makes nobody else takes leave
    return session


def end() -> None:
    """End it; nobody asks any more."""
    if keep.cache_info().currsize:
        keep.cache_clear()
        close_session()


def spark_engine(source: Source, folder: Path) -> SparkEngine:
    """The source opened on the Spark of the tests."""
    keep()
    return SparkEngine(source, folder)
