"""The agreement about stored values sees faults: each one seeded here makes the sides differ."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import shake_256
from typing import Any

import pytest
from sqlalchemy import Double, String, case, cast, func, true, try_cast

from segflow.compiler import versions
from segflow.compiler.dialects.duckdb_storage import DuckDbStorage
from segflow.compiler.targets import events
from tests.agreement.cells import Cell
from tests.agreement.faults import SEGMENTS, Fault, is_caught, share
from tests.agreement.forms.stored import ROWS, SEGMENT, stored_example
from tests.strategies import Example


def shop(number: int, cells: Sequence[Cell]) -> Example:
    """One of always the same shops; all of their leaves are about stored values."""
    size = 64 + ROWS + SEGMENTS * SEGMENT
    return stored_example(shake_256(b"stored %d" % number).digest(size))


def without_version(each_once: Any) -> Any:
    """The earliest row, whatever its version."""

    def forgetful(self: Any, found: Any, columns: Any, event: Any, source: Any) -> Any:
        plain = replace(event, at=replace(event.at, version=None))
        return each_once(self, found, columns, plain, source)

    return forgetful


def cut_before(each_once: Any) -> Any:
    """Rows later than T take no part in the choice by version."""

    def early(self: Any, found: Any, columns: Any, event: Any, source: Any) -> Any:
        time = columns[events.TIME].element
        inside = found.where(events.not_later(time, self.as_of))
        return each_once(self, inside, columns, event, source)

    return early


def numbers_of_any_text(number: Any) -> Any:
    """Exponents, spaces and signs are numbers, too."""
    return lambda self, text, type_: try_cast(text, number(self, text, type_).type)


def as_text(_: Any, text: Any) -> Any:
    """A version as it is written."""
    return case((func.regexp_full_match(text, versions.VERSION), text))


def with_empty_lists(_: Any) -> Any:
    """A list without elements is there."""
    return lambda self, found, test, element: func.list_filter(found, test)


def through_doubles(value: Any) -> Any:
    """Integers of JSON as doubles."""

    def inexact(self: Any, node: Any, type_: Any) -> Any:
        if type_.name == "integer":
            node = func.to_json(try_cast(node, Double()))
        return value(self, node, type_)

    return inexact


FAULTS = [
    Fault("the version of a row is not asked", events.RowsOf, "_each_once", without_version),
    Fault("later rows are left out first", events.RowsOf, "_each_once", cut_before),
    Fault("`when` is not asked", events, "is_of_event", lambda _: lambda *__: [true()]),
    Fault("versions sort as text", DuckDbStorage, "version", lambda _: as_text),
    Fault("zeros at the end of versions count", versions, "ZEROS_AT_END", lambda _: "x$"),
    Fault("numbers are read as SQL does", DuckDbStorage, "written_number", numbers_of_any_text),
    Fault("integers of JSON are doubles", DuckDbStorage, "json_value", through_doubles),
    Fault("an empty list is there", DuckDbStorage, "_kept", with_empty_lists),
    Fault("has_all is has_any", DuckDbStorage, "has",
          lambda make: lambda self, found, wanted, **_: make(self, found, wanted, every=False)),
    Fault("elements are counted once", DuckDbStorage, "size",
          lambda _: lambda self, found: func.len(func.list_distinct(found))),
    Fault("lists of events are counted, not elements", DuckDbStorage, "count_elements",
          lambda _: lambda self, found, where: func.count(cast(found, String).distinct())),
]  # fmt: skip
FAULTS = [replace(fault, shop=shop) for fault in FAULTS]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", share(FAULTS), ids=lambda fault: fault.name)
def test_every_fault_is_seen(fault, tmp_path):
    """With the fault, some segment has other members than the reference gives."""
    assert is_caught(fault, tmp_path)
