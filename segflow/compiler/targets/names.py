"""Names within one statement, all of them different."""

from dataclasses import dataclass, field

from segflow.model.compiled import Compiled

LONGEST = 48
"""Bytes of a name before its number: PostgreSQL cuts names after 63, silently."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a statement has so far, in lower case, with how often each was wanted."""

    taken: dict[str, int] = field(default_factory=dict)

    def free(self, wanted: str, compiled: Compiled) -> str:
        """The name, or one like it, that no other part of the statement has and no table of the
        catalog."""
        if not self.taken:
            self.taken.update(dict.fromkeys(compiled.tables, 1))
        free = wanted = wanted.encode()[:LONGEST].decode(errors="ignore")
        while free.lower() in self.taken:
            count = self.taken[wanted.lower()] = self.taken[wanted.lower()] + 1
            free = f"{wanted}_{count}"
        self.taken[free.lower()] = 1
        return free
