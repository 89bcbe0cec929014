"""Every code that lint gives, with its title: the reference is made from this table."""

from collections.abc import Mapping

NEVER = "LNT001"
ALWAYS = "LNT002"
UNUSED_FILE = "LNT003"
UNUSED_SEGMENT = "LNT004"
WITH_MISSING = "LNT005"
WITH_NOBODYS = "LNT006"
WITHOUT_NOBODYS = "LNT007"
ALL_OF_HISTORY = "LNT008"
PERSONAL = "LNT009"
SAME = "LNT010"

CODES: Mapping[str, str] = {
    NEVER: "A condition that nobody can satisfy",
    ALWAYS: "A condition that everyone satisfies",
    UNUSED_FILE: "A list or a template that nothing names",
    UNUSED_SEGMENT: "A segment that nothing uses",
    WITH_MISSING: "A condition that also holds where there is no value",
    WITH_NOBODYS: "An upper bound that also holds for who never did it",
    WITHOUT_NOBODYS: "An upper bound that leaves out who never did it",
    ALL_OF_HISTORY: "A segment reads all of history too often",
    PERSONAL: "A personal value is written in the files",
    SAME: "Two segments mean the same",
}
"""Codes are stable: a title may be reworded, a code is never used again for something else."""
