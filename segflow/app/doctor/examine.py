"""Every source of a project examined; read this first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import literal, select

from segflow.app.codes import NO_ANSWER, NOT_ASKED
from segflow.app.doctor.declared import float_money, loose_texts, needed_columns
from segflow.app.doctor.held import missing_values, repeated_ids, repeated_rows
from segflow.app.doctor.strangers import strangers
from segflow.app.doctor.subject import Subject
from segflow.app.doctor.times import clocks, future
from segflow.app.sources import Asked, all_claims, not_asked
from segflow.app.wiring import World
from segflow.diagnostics import Diagnostic, Report
from segflow.errors import SegflowError, SourceUnavailableError, reason_to_keep
from segflow.model.catalog import Source
from segflow.model.compiled import Compiled

CHECKS: tuple[Callable[[Subject], Iterator[Diagnostic]], ...] = (
    needed_columns,
    loose_texts,
    float_money,
    missing_values,
    repeated_ids,
    repeated_rows,
    strangers,
    clocks,
    future,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found in one source."""

    source: Source
    report: Report


def examine(world: World, compiled: Compiled) -> tuple[Examined, ...]:
    """Each source of the catalog, in order of the files, held against what the catalog says of it.
    One that can't be asked keeps none of the others from being examined. Only reads."""
    project = compiled.project
    asked = Asked(project, world.engines)
    claims = list(all_claims(project))
    subjects = [
        Subject(
            project=project,
            source=source,
            claims=[one for one in claims if one.source == source.name],
            asked=asked,
            engines=world.engines,
            clock=world.clock,
        )
        for source in project
        if isinstance(source, Source)
    ]
    # All tables are asked for before any row is: an event may be of users of another source.
    found = {one.source.name: list(_claimed(one)) for one in subjects}
    examined = []
    for one in subjects:
        report = Report()
        report.extend(project.sources.told(found[one.source.name]))
        if one.gives_rows and not any(told.code == NOT_ASKED for told in report):
            checked = (told for check in CHECKS for told in _answered(one, check))
            report.extend(project.sources.told(checked))
        examined.append(Examined(source=one.source, report=report))
    return tuple(examined)


def _claimed(subject: Subject) -> Iterator[Diagnostic]:
    """What validate finds in the source, too; nothing but that where it does not answer at all."""
    try:
        if subject.gives_rows:
            subject.rows(select(literal(1).label("one")))
    except SegflowError as error:
        yield not_asked(subject.project, subject.source.name, error, _UNEXAMINED)
        return
    for claim in subject.claims:
        if (found := subject.asked.finding(claim)) is not None:
            yield found


_UNEXAMINED = "so nothing that the catalog says of it was looked at"


def _answered(
    subject: Subject, check: Callable[[Subject], Iterator[Diagnostic]]
) -> Iterator[Diagnostic]:
    """What a check finds, and that it found no more where the source refused to answer. Its words
    for that may quote what it holds, and are not repeated then."""
    try:
        yield from check(subject)
    except SegflowError as error:
        unreachable = isinstance(error, SourceUnavailableError)
        yield subject.finding(
            NO_ANSWER,
            subject.source.address,
            (),
            f"{check.__name__.replace('_', ' ')} of source {subject.source.name} could not be"
            f" looked at: {error.message if unreachable else reason_to_keep(error)}",
            error.hint or "try again, or look into the log of the source",
            "error",
        )
