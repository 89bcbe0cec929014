"""The buckets of a run as people see them: their order, their words, and whom they count."""

from collections.abc import Iterable
from typing import get_args

from segflow.campaign.gate import EXPOSED, Bucket
from segflow.executor.runs.judge import TO_SEND
from segflow.model.run import BucketRecord

TRIED = ("delivered", "failed", "unknown")
"""The buckets of those whom a send was tried for."""

OUTCOMES = (*TRIED, TO_SEND)
"""The buckets of those who passed the gate; the last is of a run that is not over."""

ON_THE_WAY = tuple(bucket for bucket in get_args(Bucket) if bucket not in OUTCOMES)
"""The buckets of those who did not, in the order of the gate."""

ORDER = (*ON_THE_WAY, *OUTCOMES)
"""All of them, as they are passed."""


def in_words(name: str) -> str:
    """A bucket, or a reason that is one, as a person reads it."""
    return name.replace("_", " ") if name in ORDER else name


def exposed(records: Iterable[BucketRecord]) -> int:
    """How many of the held-out passed every later step."""
    return sum(one.count for one in records if (one.bucket, one.reason) == ("held_out", EXPOSED))
