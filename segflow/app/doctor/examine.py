"""Every source of a project examined; read this first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import literal, select

from segflow.app.codes import NOT_ASKED
from segflow.app.doctor.declared import float_money, loose_texts, needed_columns
from segflow.app.doctor.held import missing_values, repeated_ids, repeated_rows
from segflow.app.doctor.strangers import strangers
from segflow.app.doctor.subject import Subject
from segflow.app.doctor.times import clocks, future
from segflow.app.sources import Asked, all_claims, not_asked
from segflow.app.wiring import World
from segflow.diagnostics import Diagnostic, Report
from segflow.errors import SegflowError
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
            report.extend(project.sources.told(_checked(one)))
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


def _checked(subject: Subject) -> Iterator[Diagnostic]:
    """What the checks find; one that is not answered stops none of the others."""
    source = subject.source
    for check in CHECKS:
        yield from subject.answered(source.address, (), f"source {source.name}", check(subject))
