"""Collects what is wrong with one document while it is read, each fault with its place."""

from dataclasses import dataclass, field

from segflow.diagnostics import Diagnostic
from segflow.loader.nodes import Node, Scalar, SourceFile, describe


@dataclass(slots=True)
class Findings:
    """The faults of one document, and what its readers need to know beyond the node.

    `secrets` are the names that may be referred to; `lists` gathers the `in_file` values, `taken`
    the keys that were misspelt, with what they were taken for.
    """

    file: SourceFile
    secrets: frozenset[str] = frozenset()
    address: str | None = None
    errors: list[Diagnostic] = field(default_factory=list)
    lists: list[tuple[str, Scalar]] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)

    def error(
        self,
        code: str,
        summary: str,
        node: Node,
        *,
        help: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Note one error at the node."""
        self.errors.append(
            Diagnostic(
                code=code,
                summary=summary,
                detail=detail,
                help=help,
                span=self.file.span(node),
                address=self.address,
            )
        )

    def is_sound(self, node: Node) -> bool:
        """True where nothing was found wrong at the node or inside of it."""
        if not self.errors:
            return True  # and no place is looked for
        span = self.file.span(node)
        start, end = (span.line, span.column), (span.end_line, span.end_column)
        return not any(
            at.path == span.path and start <= (at.line, at.column) < end
            for error in self.errors
            if (at := error.span) is not None
        )

    def guess(self) -> "Findings":
        """Findings to judge a guess with, which may be dropped again."""
        return Findings(self.file, self.secrets, self.address)

    def accept(self, guess: "Findings") -> None:
        """Keep what was found under a guess."""
        self.errors += guess.errors
        self.lists += guess.lists
        self.taken |= guess.taken

    def wrong_shape(self, node: Node, expected: str, *, help: str | None = None) -> None:
        """Note that something else than `expected` stands at the node."""
        if isinstance(node, Scalar) and node.is_null:
            self.error("TYP002", f"the value is missing: expected {expected}", node, help=help)
        else:
            self.error("TYP001", f"expected {expected}, found {describe(node)}", node, help=help)
