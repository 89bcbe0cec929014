"""Spark's errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from segflow.engines.connected import MISSING, TOO_LARGE, UNFIT, first_line
from segflow.errors import SegflowError, SourceUnavailableError, TooLargeError, UnusableDataError

_NOT_THERE = ("PATH_NOT_FOUND", "FAILED_READ_FILE", "CANNOT_READ_FILE", "UNABLE_TO_INFER_SCHEMA")
_LARGE = (
    "FAILED_TO_PARSE_TOO_COMPLEX",
    "OUT_OF_MEMORY",
    "UNABLE_TO_ACQUIRE_MEMORY",
    "StackOverflowError",
    "OutOfMemoryError",
    "Could not allocate memory",
    "Not enough memory",
)
_NAMES = ("TABLE_OR_VIEW_NOT_FOUND", "UNRESOLVED_", "DATATYPE_MISMATCH", "INCOMPATIBLE_TYPES")


@contextmanager
def spark_errors(source: str) -> Iterator[None]:
    """Raises what Spark says of a question to the source as UnusableDataError, TooLargeError or
    SourceUnavailableError."""
    try:
        yield
    except PySparkException as error:
        raise _error(source, error.getCondition() or "", str(error)) from error
    except Py4JError as error:
        raise _error(source, "", _cause(error)) from error


def _error(source: str, condition: str, message: str) -> SegflowError:
    told = f"source {source}: {first_line(message)}"
    if any(one in condition or one in message for one in _LARGE):
        return TooLargeError(told, hint=TOO_LARGE)
    if condition.startswith(_NOT_THERE):
        return SourceUnavailableError(told)
    if condition.startswith(_NAMES):
        return UnusableDataError(told, hint=MISSING)
    if condition:
        return UnusableDataError(told, hint=UNFIT)
    return SourceUnavailableError(told)


def _cause(error: Py4JError) -> str:
    """What Java says at the bottom of an error."""
    if not isinstance(error, Py4JJavaError):
        return str(error)
    found = error.java_exception
    while (cause := found.getCause()) is not None:
        found = cause
    return str(found)
