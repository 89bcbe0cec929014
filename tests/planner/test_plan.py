"""Properties of plans between any two projects: complete, ordered, deterministic, honest."""

import subprocess
import sys
from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from segflow.model.address import Address
from segflow.model.observed import Observed
from segflow.model.plan import (
    Blocked,
    Change,
    CommitState,
    DropSegment,
    EvaluateSegment,
    Plan,
)
from segflow.model.state import DeployedObject
from segflow.planner.plan import build_plan, plan_id
from tests.planner.shops import FEWER, shops
from tests.planner.worlds import AS_OF, observed, plan, scan_cost

pairs = st.tuples(st.none() | shops(), shops())


def after_apply(before: Observed, made: Plan) -> Observed:
    """What is deployed once the plan is applied."""
    kept = dict(before.deployed)
    for change in made.changes:
        kept.pop(change.address, None)
        if change.action != "delete":
            kept[change.address] = DeployedObject(
                address=change.address,
                canonical=change.canonical,
                fingerprint=change.fingerprint,
                definition=change.definition,
                files=change.files,
            )
    return replace(before, deployed=kept)


@FEWER
@given(shops())
def test_equal_worlds_give_no_changes(shop):
    """What is deployed as written needs nothing: no change, no step, nothing to rest on."""
    found = plan(shop, shop)

    assert found.is_empty
    assert (found.steps, found.bases, found.blocked) == ((), (), ())
    assert found.unchanged == len(shop.project.objects)


@FEWER
@given(pairs)
def test_a_plan_right_after_an_apply_is_empty(pair):
    """What a plan puts and deletes makes the deployed objects those of the project."""
    before, after = pair
    applied = after_apply(observed(before), plan(before, after))

    assert build_plan(after, applied, with_impact=False).is_empty
    assert set(applied.deployed) == set(after.project.objects)


@FEWER
@given(pairs)
def test_every_object_is_changed_or_counted(pair):
    """Each desired object is a change or counted as unchanged, each other deployed one deleted."""
    before, after = pair
    found = plan(before, after)
    deleted = {change.address for change in found.changes if change.action == "delete"}
    old = set() if before is None else set(before.project.objects)

    assert deleted == old - set(after.project.objects)
    assert len(found.changes) - len(deleted) + found.unchanged == len(after.project.objects)
    assert len({change.address for change in found.changes}) == len(found.changes)


@FEWER
@given(pairs)
def test_steps_respect_dependencies(pair):
    """A segment is evaluated after those it names, dropped ones come later, the commit is last."""
    before, after = pair
    found = plan(before, after)
    done: set[str] = set()
    evaluated = {step.segment for step in found.steps if isinstance(step, EvaluateSegment)}
    for step in found.steps[:-1]:
        if isinstance(step, EvaluateSegment):
            depends = after.segments[step.segment].depends
            named = {address.name for address in depends if address.kind == "segment"}
            assert named & evaluated <= done
            done.add(step.segment)
        else:
            assert isinstance(step, DropSegment)
            assert done == evaluated
    assert found.steps.count(CommitState()) == (0 if found.is_empty else 1)
    assert found.is_empty or found.steps[-1] == CommitState()


@FEWER
@given(pairs)
def test_whatever_decides_membership_anew_is_evaluated(pair):
    """Exactly the segments are evaluated that are new, or have another definition and are not
    frozen, or are frozen or set free by this plan."""
    before, after = pair
    evaluated = {
        step.segment for step in plan(before, after).steps if isinstance(step, EvaluateSegment)
    }
    for name, segment in after.segments.items():
        old = None if before is None else before.segments.get(name)
        if old is None:
            expected = True
        elif old.segment.mode == segment.segment.mode == "static":
            expected = False
        else:
            remoded = old.segment.mode != segment.segment.mode
            expected = remoded or old.definition != segment.definition
        assert (name in evaluated) == expected


@FEWER
@given(pairs)
def test_a_recompute_names_its_cause(pair):
    """An object that is recomputed is itself as it was, and something it rests on is not."""
    before, after = pair
    changes = {change.address: change for change in plan(before, after).changes}
    for change in changes.values():
        if change.action == "recompute":
            assert change.fingerprint == change.before_fingerprint
            assert change.because
            assert {changes[cause].action for cause in change.because} <= {"create", "update"}


@FEWER
@given(pairs, st.data())
def test_the_order_of_objects_does_not_matter(pair, data):
    """The same projects and state in another order give the very same plan."""
    before, after = pair

    def shuffled(mapping):
        return dict(data.draw(st.permutations(list(mapping.items()))))

    seen = observed(before)
    mixed = replace(
        after,
        project=replace(after.project, objects=shuffled(after.project.objects)),
        fingerprints=shuffled(after.fingerprints),
        depends=shuffled(after.depends),
    )
    mixed_seen = replace(seen, deployed=shuffled(seen.deployed))

    assert build_plan(mixed, mixed_seen, with_impact=False) == build_plan(
        after, seen, with_impact=False
    )


@FEWER
@given(pairs, pairs)
def test_plans_are_known_by_their_content(first, second):
    """Two plans have one id exactly where they are equal."""
    one, other = plan(*first), plan(*second)

    assert (one.id == other.id) == (one == other)
    assert one.id == plan_id(one)


@FEWER
@given(pairs)
def test_every_part_of_a_plan_counts_for_its_id(pair):
    """Whatever part of a plan is changed, its id changes."""
    made = plan(*pair)
    stop = Blocked(address=Address("segment", "x"), rule="protect.max_size", message="too large")
    other = {
        "project": "other",
        "environment": "other",
        "lineage": "other",
        "serial": made.serial + 1,
        "as_of": AS_OF + 1,
        "with_impact": not made.with_impact,
        "changes": (*made.changes, Change(address=Address("segment", "x"), action="delete")),
        "unchanged": made.unchanged + 1,
        "steps": (*made.steps, CommitState()),
        "bases": (*made.bases, (Address("segment", "x"), None)),
        "blocked": (*made.blocked, stop),
        "timezone": "Asia/Shanghai",
        "timezone_before": "Europe/Paris",
        "renames": ((Address("segment", "x"), Address("segment", "y")),),
        "costs": (*made.costs, scan_cost("warehouse", "purchases", 7)),
    }

    assert {"id", *other} == {field.name for field in fields(Plan)}
    assert all(plan_id(replace(made, **{name: held})) != made.id for name, held in other.items())


def test_a_plan_without_changes_starts_fast():
    """Comparing attributes costs a slow import, which a plan of equal worlds never makes."""
    program = (
        "import sys\n"
        "from tests.planner.shops import CUSTOMER, PUSH, SOURCE\n"
        "from tests.planner.worlds import compile_objects, plan\n"
        "shop = compile_objects(SOURCE, CUSTOMER, PUSH)\n"
        "assert plan(shop, shop).is_empty\n"
        "assert 'deepdiff' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
