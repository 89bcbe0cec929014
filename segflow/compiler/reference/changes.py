"""What was so before, for the reference: a value that is held, a field that changed."""

from collections.abc import Callable

from segflow.compiler.timeline import Bounds
from segflow.compiler.values import Value, compare, value_of
from segflow.compiler.worlds import User
from segflow.model.catalog import Field
from segflow.model.instant import Instant
from segflow.model.predicate import Changed
from segflow.model.scalar import Const


def field_held(
    user: User, field: Field, first: Instant, last: Instant, passes: Callable[[Value | None], bool]
) -> bool:
    """Whether the user was there at the first instant, and the value passed then and at every later
    one up to the last."""
    if user.since is not None and user.since > first:
        return False
    within = Bounds(start=Instant(first + 1), end=Instant(last + 1))
    later = [step.value for step in user.steps(field) if step.since in within]
    return all(passes(value) for value in (user.value(field, first), *later))


def field_changed(user: User, field: Field, leaf: Changed, window: Bounds) -> bool:
    """Whether the value became another within the window, from and to the values that are named."""
    before: Value | None = None
    for step in user.steps(field):
        moved = step.value != before and step.since in window
        if moved and _is(leaf.old, before) and _is(leaf.new, step.value):
            return True
        before = step.value
    return False


def _is(named: object, value: Value | None) -> bool:
    if not isinstance(named, Const):
        return True
    return compare("eq", value, value_of(named.value, named.type))
