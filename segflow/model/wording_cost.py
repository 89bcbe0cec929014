"""Words for what was measured."""

from typing import Any

from segflow.model.cost import Question


def duration(microseconds: float) -> str:
    """How long something took: "310 µs", "40 ms", "1.2 s"."""
    if microseconds < 1_000:
        return f"{microseconds:.0f} µs"
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:.0f} ms"
    return f"{microseconds / 1_000_000:,.1f} s"


def question_facts(question: Question) -> dict[str, Any]:
    """A question for machines; null where the source does not say what it read."""
    return {
        "source": question.source,
        "engine": question.engine,
        "tables": list(question.tables),
        "segments": question.segments,
        "seconds": question.microseconds / 1_000_000,
        "rows_read": question.rows_read,
        "bytes_read": question.bytes_read,
    }


def cost_of(question: Question) -> str:
    """What a question cost, in a few words: "1.2 s for 12 segments, 1,000,000 rows read"."""
    segments = "1 segment" if question.segments == 1 else f"{question.segments:,} segments"
    found = f"{duration(question.microseconds)} for {segments}"
    read = [f"{question.rows_read:,} rows"] if question.rows_read is not None else []
    read += [f"{question.bytes_read:,} bytes"] if question.bytes_read is not None else []
    return f"{found}, {' and '.join(read)} read" if read else found
