"""What questions to sources cost, as it was measured."""

from dataclasses import dataclass

from segflow.model.catalog import EngineName


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that a source answered, for so many `segments` at once, and its cost as a whole.

    `tables` are those that were read for it; empty where that is not known, as of a query that a
    person wrote. `rows_read` and `bytes_read` are what the source itself says that it read; None
    where it does not say.
    """

    source: str
    engine: EngineName
    tables: tuple[str, ...]
    segments: int
    microseconds: int
    rows_read: int | None = None
    bytes_read: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A question that the members of a segment were found by, and how many keys (`ids`) it gave for
    this segment. Others may have shared it: over several segments it is to be counted once."""

    question: Question
    ids: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCost:
    """What reading a table of a source costs. Choices between sources go by the `level`, which was
    measured when so many `segments` shared what read it; `last` is the longest of the questions of
    the last commit that read the table."""

    source: str
    table: str
    level: int
    segments: int
    last: Question
