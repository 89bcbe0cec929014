"""Which tables a plan adds to those that refreshes read, and which others have read anyway."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from segflow.compiler.routing.costs import Table, by_table
from segflow.compiler.routing.route import Router
from segflow.model.compiled import Compiled
from segflow.model.cost import Question
from segflow.model.observed import Observed
from segflow.model.plan import Change, Plan, Scan
from segflow.model.segment import Segment
from segflow.planner.diff import deployed_object
from segflow.planner.steps import moves_members

Scans = Mapping[str, tuple[Table, ...]]
"""By segment the tables that are read whenever it is refreshed."""


def with_scans(
    changes: Iterable[Change], compiled: Compiled, observed: Observed
) -> tuple[Change, ...]:
    """The changes, those of segments that are refreshed with the tables that these will be read
    from and were not before. Of what is deployed otherwise it is known by its last refresh; where
    an older version did not keep that, nothing is said of any."""
    every = tuple(changes)
    if not any(map(moves_members, every)):
        return every
    after = _planned(compiled, observed)
    before = _deployed(every, after, observed)
    if not all(before.values()):
        return every
    readers = Counter(table for tables in after.values() for table in tables)
    read = {table for tables in before.values() for table in tables}
    found = []
    for change in every:
        scans = tuple(_new(change.address.name, after, before)) if moves_members(change) else ()
        told = (_scan(one, compiled, one not in read, readers[one] - 1) for one in scans)
        found.append(replace(change, scans=tuple(told)))
        read.update(scans)
    return tuple(found)


def _scan(table: Table, compiled: Compiled, is_added: bool, others: int) -> Scan:
    name, of = table
    source = compiled.project.source(name)
    assert source is not None, "the pass `resolve` has seen to it that there is one"
    return Scan(source=name, engine=source.engine, table=of, is_added=is_added, others=others)


def last_asked(scan: Scan, plan: Plan) -> Question | None:
    """The last question that read the table; where none was measured, the longest of the last that
    the source was asked, if any."""
    there = [one for one in plan.costs if one.source == scan.source]
    of_table = [one for one in there if one.table == scan.table]
    found = [one.last for one in of_table or there]
    return max(found, key=lambda one: one.microseconds, default=None)


def _planned(compiled: Compiled, observed: Observed) -> Scans:
    """Of the segments that are refreshed once the plan is applied."""
    measured = by_table(observed.costs)
    router = Router(compiled=compiled, as_of=observed.as_of, measured=measured)
    return {
        name: tuple(dict.fromkeys(_read(router, name)))
        for name, found in compiled.segments.items()
        if found.segment.mode == "dynamic"
    }


def _read(router: Router, name: str) -> Iterator[Table]:
    for part in router.segment(name).parts.values():
        yield from ((part.source, table) for table in router.tables([part]))


def _deployed(changes: Iterable[Change], after: Scans, observed: Observed) -> Scans:
    """Of the segments that are refreshed now."""
    changed = {one.address.name for one in changes if one.address.kind == "segment"}
    found = {name: tables for name, tables in after.items() if name not in changed}
    for address, row in observed.deployed.items():
        if address.kind == "segment" and address.name in changed:
            thing = deployed_object(row)
            if isinstance(thing, Segment) and thing.mode == "dynamic":
                found[address.name] = _recorded(address.name, observed)
    return found


def _recorded(name: str, observed: Observed) -> tuple[Table, ...]:
    questions = (cost.question for cost in observed.asked.get(name, ()))
    found = ((one.source, table) for one in questions for table in one.tables)
    return tuple(dict.fromkeys(found))


def _new(name: str, after: Scans, before: Scans) -> Iterator[Table]:
    """The tables that a segment is read from and was not."""
    known = before.get(name, ())
    return (table for table in after.get(name, ()) if table not in known)
