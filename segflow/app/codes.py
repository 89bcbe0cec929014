"""Codes of what validate and doctor find when they ask sources and channels, and of what no plan
can deploy: the reference is made from these tables."""

from collections.abc import Mapping

NO_TABLE = "SRC001"
NO_COLUMN = "SRC002"
NOT_ASKED = "SRC003"
MISFIT = "SRC004"

MAY_BE_MISSING = "DOC001"
IS_MISSING = "DOC002"
STRANGERS = "DOC003"
REPEATED_IDS = "DOC004"
REPEATED_KEYS = "DOC005"
FLOAT_MONEY = "DOC006"
LOOSE_TEXT = "DOC007"
CLOCKS_DIFFER = "DOC008"
IN_FUTURE = "DOC009"
NO_ANSWER = "DOC010"

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
OF_DOCTOR: Mapping[str, str] = {
    MAY_BE_MISSING: "A column may be without a value that every row needs",
    IS_MISSING: "Rows have no key, time or id",
    STRANGERS: "Events are of keys that are not in the population",
    REPEATED_IDS: "Ids repeat though the catalog says that they do not",
    REPEATED_KEYS: "A key has several rows in a table of fields",
    FLOAT_MONEY: "A decimal is stored as a double",
    LOOSE_TEXT: "A collation takes different texts for equal",
    CLOCKS_DIFFER: "The clocks of segflow and of a server differ",
    IN_FUTURE: "Events lie in the future",
    NO_ANSWER: "A question of doctor could not be answered",
}
OF_PLANS: Mapping[str, str] = {
    NOT_KEPT: "The members of a segment can't be kept yet",
}
"""Codes are stable: a title may be reworded, a code is never used again for something else."""
