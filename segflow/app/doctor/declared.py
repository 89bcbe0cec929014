"""What a source says of its columns, held against what the catalog needs: no row is read."""

from collections.abc import Callable, Iterator

from segflow.app.claims import Claim
from segflow.app.codes import FLOAT_MONEY, LOOSE_TEXT, MAY_BE_MISSING
from segflow.app.columns import holds_doubles
from segflow.app.doctor.subject import Subject
from segflow.diagnostics import Diagnostic
from segflow.model.types import STRING, ValueType


def needed_columns(subject: Subject) -> Iterator[Diagnostic]:
    """Columns of keys, times and ids that the source allows to be without a value."""

    def doubtful(claim: Claim) -> bool:
        return claim.needed and bool(subject.trait(claim.table, claim.column or "").may_be_missing)

    for first, columns in _by_table(subject, doubtful):
        yield subject.finding(
            MAY_BE_MISSING,
            first.address,
            first.path,
            f"table {first.table} allows rows without {columns}",
            "without a key or a time a row counts for nobody, without an id as an event of its own:"
            " make it NOT NULL, or leave such rows out by a view",
        )


def loose_texts(subject: Subject) -> Iterator[Diagnostic]:
    """Columns of texts whose collation ignores case, or spaces at the end."""

    def loose(claim: Claim) -> bool:
        is_text = isinstance(claim.holds, ValueType) and claim.holds.element == STRING
        return is_text and subject.trait(claim.table, claim.column or "").loose

    for first, columns in _by_table(subject, loose):
        yield subject.finding(
            LOOSE_TEXT,
            first.address,
            first.path,
            f"table {first.table} takes different texts of {columns} for equal,"
            " by case or by spaces at the end",
            "segments tell them apart, and its indexes and other queries do not: give the columns a"
            " collation that compares bytes",
        )


def float_money(subject: Subject) -> Iterator[Diagnostic]:
    """Decimals that are stored as doubles. SQLite's are errors already, of validate too."""
    for claim in subject.claims:
        declared = claim.holds
        word = claim.column and subject.word(claim.table, claim.column)
        if not word or not isinstance(declared, ValueType) or declared.name != "decimal":
            continue
        if subject.source.engine != "sqlite" and holds_doubles(subject.source.engine, word):
            yield subject.finding(
                FLOAT_MONEY,
                claim.address,
                claim.path,
                f"column `{claim.column}` of table {claim.table} is {word}, and {declared} is"
                " declared: each value is read as the nearest decimal",
                f"store it as {declared}, or whole cents with `encoding: minor_units(2)`",
            )


def _by_table(subject: Subject, wanted: Callable[[Claim], bool]) -> Iterator[tuple[Claim, str]]:
    """For each table with columns that are wanted, the first claim of one, and their names."""
    found: dict[str, dict[str, Claim]] = {}
    for claim in subject.claims:
        column = claim.column
        if column and subject.has(claim.table, [column]) and wanted(claim):
            found.setdefault(claim.table, {}).setdefault(column, claim)
    for columns in found.values():
        yield next(iter(columns.values())), ", ".join(f"`{name}`" for name in columns)
