"""Leaves that change by themselves and of which one user's data don't tell when."""

from segflow.compiler.targets.needs import beyond
from segflow.compiler.worlds import Subject
from segflow.model.predicate import Members, Predicate, Rank, Sql, Test, Via


def unforeseen(predicate: Predicate, subject: Subject) -> tuple[Predicate, ...]:
    """Those that the predicate rests on, each once: ranks, queries that bind T, leaves about
    related users that are given or rest on such a leaf, and tests whose answer is given."""
    compiled = subject.context.compiled
    found = [leaf for leaf in beyond(predicate, compiled) if _is(leaf, subject)]
    given = [leaf for leaf in subject.context.given if isinstance(leaf, Test)]
    return tuple(dict.fromkeys([*found, *given]))


def _is(leaf: Rank | Via | Members | Sql, subject: Subject) -> bool:
    match leaf:
        case Rank():
            return True
        case Sql(query=query, source=name):
            from segflow.compiler.queries import read_query  # slow to import, seldom needed

            source = subject.context.compiled.project.source(name)
            return source is None or read_query(query, source.engine).binds
        case Via(where=where) | Members(where=where):
            return leaf in subject.context.given or bool(unforeseen(where, subject))
