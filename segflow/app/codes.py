"""Codes of what validate finds when it asks sources and channels, and of what no plan can deploy:
the reference is made from these tables."""

from collections.abc import Mapping

NO_TABLE = "SRC001"
NO_COLUMN = "SRC002"
NOT_ASKED = "SRC003"
MISFIT = "SRC004"

WRONG_SETTING = "CHN001"

NOT_KEPT = "PLN001"

OF_CHANNELS: Mapping[str, str] = {
    WRONG_SETTING: "A setting of a channel is not what its kind wants",
}
OF_SOURCES: Mapping[str, str] = {
    NO_TABLE: "A table of the catalog is not in its source",
    NO_COLUMN: "A column of the catalog is not in its table",
    NOT_ASKED: "A source can't be asked now",
    MISFIT: "A column does not hold what the catalog says of it",
}
OF_PLANS: Mapping[str, str] = {
    NOT_KEPT: "The members of a segment can't be kept yet",
}
"""Codes are stable: a title may be reworded, a code is never used again for something else."""
