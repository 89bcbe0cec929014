"""Long lists of names in portions that a database takes as parameters of one statement."""

from collections.abc import Iterable, Iterator
from itertools import islice

SIZE = 500


def batches(names: Iterable[str]) -> Iterator[list[str]]:
    """The names in order, at most SIZE at a time."""
    remaining = iter(names)
    while batch := list(islice(remaining, SIZE)):
        yield batch
