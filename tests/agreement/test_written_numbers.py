"""Numbers in JSON and as text, seldom ordinary ones: each engine reads of a cell what the reference
does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from segflow.compiler.cells import cell_value
from segflow.compiler.dialects import dialect_of
from segflow.compiler.storage import Storage, storage_of_field
from segflow.compiler.targets.stored import read_back, value_in
from segflow.compiler.targets.values import stored_table
from segflow.compiler.values import value_of
from segflow.model.catalog import Entity, Field, Location, Population, Source
from segflow.model.project import Project, Settings
from segflow.model.types import parse_type
from tests.agreement.hosts import HOSTS, SPARK, Host

DIGITS = st.integers(0, 45).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))
ZEROS = st.integers(0, 5) | st.sampled_from([36, 37, 38, 39, 300, 310, 495])
EDGES = st.sampled_from([
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("9007199254740992.0", "9007199254740991.0", "-0", "-0.0", "0.5", "0.05", "-0.005", "1e0"),
    *("1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "0e999999999"),
    *("5e-324", "3e-324", "2e-324", f"{5**1075}e-1075", "1e-999999999", "1e99999999999999999999"),
    f"{2**1024 - 2**970}.0",
])  # fmt: skip
TYPES = ["integer", "decimal(18,2)", "decimal(38,0)", "decimal(38,38)", "decimal(38,19)", "float"]


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number as JSON writes it."""
    sign = draw(st.sampled_from(["", "", "-"]))
    whole = (draw(DIGITS) + "0" * draw(ZEROS)).lstrip("0") or "0"
    fraction = "0" * draw(ZEROS) + draw(DIGITS) if draw(st.booleans()) else ""
    exponent = draw(st.sampled_from(["", "", "e", "E", "e+", "e-"]))
    power = str(draw(st.integers(0, 20) | st.integers(0, 700))) if exponent else ""
    return f"{sign}{whole}{'.' if fraction else ''}{fraction}{exponent}{power}"


def read(host: Host, folder: Path, storage: Storage, cells: Sequence[str]) -> list[Any]:
    """What the engine makes of the cells of a column."""
    at = Location(
        source="shop", table="given", key="id", column="x", path=storage.path,
        encoding=storage.encoding,
    )  # fmt: skip
    field = Field(name="x", type=storage.type, at=(at,))
    population = Population(source="shop", table="given", key="id")
    source = Source(name="shop", engine="duckdb", tables=(("given", "given.parquet"),))
    entity = Entity(name="customer", key_type="integer", population=population, fields=(field,))
    objects = {one.address: one for one in (source, entity)}
    project = host.of(Project(settings=Settings(name="cells"), objects=objects))
    assert storage_of_field(field, at) == storage
    rows = [{"id": number, "x": cell} for number, cell in enumerate(cells)]
    host.write(folder, project, {"given": rows}, {})
    table = stored_table("given", ["id", "x"])
    value = value_in(table, storage, dialect_of(host.name)).label("x")
    with host.opened(project, folder) as engine:
        found = engine.rows(select(table.c.id, value).order_by(table.c.id))
    return [value_of(read_back(row["x"], storage.type), storage.type) for row in found]


def expected(storage: Storage, cells: Sequence[str]) -> list[Any]:
    """What the reference makes of them."""
    return [value_of(cell_value(cell, storage), storage.type) for cell in cells]


@pytest.mark.parametrize("host", (*HOSTS, SPARK), ids=lambda host: host.name)
def test_numbers_of_json_are_read_as_they_are_meant(host, tmp_path):
    """Whole ones exactly, others as the nearest double; whatever is beyond a type is missing."""

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(TYPES), st.lists(numbers() | EDGES, min_size=60, max_size=60))
    def run(type_: str, written: list[str]) -> None:
        storage = Storage(type=parse_type(type_), column="x", path=("a",))
        cells = [f'{{"a": {one}}}' for one in written]
        assert read(host, tmp_path, storage, cells) == expected(storage, cells)

    run()


SPOILT = st.tuples(numbers() | EDGES, st.sampled_from(["", "0", " ", "\n", ".", "+", "٣", "000"]))


@pytest.mark.parametrize("host", (*HOSTS, SPARK), ids=lambda host: host.name)
def test_numbers_as_text_are_read_as_they_are_meant(host, tmp_path):
    """Rounded halves away from zero; what is no number, or too long, is missing."""

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(TYPES[:-1]), st.lists(SPOILT, min_size=30, max_size=30))
    def run(type_: str, written: list[tuple[str, str]]) -> None:
        storage = Storage(type=parse_type(type_), column="x", encoding="text")
        cells = [a + b for a, b in written] + [b + a for a, b in written]
        assert read(host, tmp_path, storage, cells) == expected(storage, cells)

    run()
