"""When an approved plan covers what would be done: unknowns may become known, and nothing else may differ."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ils_pipelines.engine.covering import covers, deviations, step_deviations
from ils_pipelines.engine.models import SECRET, UNKNOWN, Change, DiffKind, Operation, Plan, PropertyDiff, ReplaceOrder

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.sampled_from(["", "a", "b", "10.0.0.0/16"]))


def _values(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
        max_leaves=5,
    )


KNOWN = _values(LEAVES)
PARTLY_UNKNOWN = _values(LEAVES | st.sampled_from([UNKNOWN, f"arn:{UNKNOWN}:role"]))


@st.composite
def property_diffs(draw: st.DrawFn, values: st.SearchStrategy[Any], forces: bool | None = None) -> PropertyDiff:
    return PropertyDiff(
        path=draw(st.sampled_from(["a", "b", "tags.Name", "rules[0].port"])),
        kind=draw(st.sampled_from(DiffKind)),
        old=draw(KNOWN),
        new=draw(values),
        forces_replacement=draw(st.booleans()) if forces is None else forces,
    )


@st.composite
def plans(draw: st.DrawFn, values: st.SearchStrategy[Any] = PARTLY_UNKNOWN) -> Plan:
    changes = []
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)):
        operation = draw(st.sampled_from([each for each in Operation if each is not Operation.SAME]))
        diffs: tuple[PropertyDiff, ...] = ()
        if operation in {Operation.UPDATE, Operation.REPLACE}:
            drawn = draw(
                st.lists(
                    property_diffs(values, forces=operation is Operation.REPLACE and None),
                    unique_by=lambda diff: diff.path,
                    min_size=1,
                    max_size=3,
                )
            )
            diffs = tuple(drawn)
        order = draw(st.sampled_from(ReplaceOrder)) if operation is Operation.REPLACE else None
        exists = operation is not Operation.CREATE
        changes.append(_change(name, operation, diffs, order, f"id-{name}" if exists else None))
    return Plan(project="ils-vpc", stack="production", changes=tuple(changes), unchanged=draw(st.integers(0, 9)))


def _change(
    name: str,
    operation: Operation,
    diffs: tuple[PropertyDiff, ...] = (),
    order: ReplaceOrder | None = None,
    id: str | None = None,  # noqa: A002 the field's name
) -> Change:
    return Change(
        urn=f"urn:{name}", type="aws:x/y:Y", name=name, operation=operation, diffs=diffs, replace_order=order, id=id
    )


def _plan(*changes: Change) -> Plan:
    return Plan(project="ils-vpc", stack="production", changes=changes, unchanged=0)


def _diff(path: str = "subnet", old: Any = "old", new: Any = "new", *, forces: bool = False) -> PropertyDiff:
    return PropertyDiff(path=path, kind=DiffKind.UPDATE, old=old, new=new, forces_replacement=forces)


def _resolved(draw: st.DrawFn, value: Any) -> Any:
    """The value with something known in place of everything unknown."""
    if isinstance(value, dict):
        return {key: _resolved(draw, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(draw, inner) for inner in value]
    if value == UNKNOWN:
        return draw(KNOWN)
    return value.replace(UNKNOWN, draw(st.sampled_from(["", "1", "x\ny"]))) if isinstance(value, str) else value


@given(plans())
def test_a_plan_covers_itself(plan: Plan) -> None:
    assert covers(plan, plan)


@given(plans(), st.integers(0, 9))
def test_the_order_of_changes_and_what_stays_as_it_is_do_not_matter(plan: Plan, unchanged: int) -> None:
    assert covers(plan, plan.model_copy(update={"changes": plan.changes[::-1], "unchanged": unchanged}))


@given(st.data())
def test_a_plan_covers_itself_with_its_unknowns_become_known(data: st.DataObject) -> None:
    plan = data.draw(plans())
    changes = []
    for change in plan.changes:
        diffs = tuple(
            diff.model_copy(update={"new": _resolved(data.draw, diff.new)})
            for diff in change.diffs
            if UNKNOWN not in str(diff.new) or data.draw(st.booleans(), label="differs at all")
        )
        if change.diffs and not diffs:
            continue  # what was to be changed turned out to be as it should be
        changes.append(change.model_copy(update={"diffs": diffs}))

    assert list(deviations(plan, plan.model_copy(update={"changes": tuple(changes)}))) == []


@given(plans(KNOWN), plans(KNOWN))
def test_where_everything_is_known_only_the_same_changes_are_covered(approved: Plan, actual: Plan) -> None:
    def done(plan: Plan) -> dict[str, Change]:
        return {change.urn: change for change in plan.changes}

    assume(not {Operation.ADOPT, Operation.CREATE} & {change.operation for change in actual.changes})
    same = {
        urn: (c.operation, c.replace_order, c.id, set(map(repr, c.diffs))) for urn, c in done(approved).items()
    } == {urn: (c.operation, c.replace_order, c.id, set(map(repr, c.diffs))) for urn, c in done(actual).items()}
    assert covers(approved, actual) == same


@given(plans(), property_diffs(KNOWN))
def test_a_property_that_was_not_to_change_is_refused(plan: Plan, more: PropertyDiff) -> None:
    updated = [change for change in plan.changes if change.operation is Operation.UPDATE]
    assume(updated)
    extra = more.model_copy(update={"path": "elsewhere"})
    changed = updated[0].model_copy(update={"diffs": (*updated[0].diffs, extra)})
    actual = plan.model_copy(update={"changes": tuple(changed if c is updated[0] else c for c in plan.changes)})

    assert any("elsewhere was not to change" in line for line in deviations(plan, actual))


@given(plans(), st.sampled_from([each for each in Operation if each is not Operation.SAME]))
def test_a_resource_that_was_not_to_be_touched_is_refused(plan: Plan, operation: Operation) -> None:
    actual = plan.model_copy(update={"changes": (*plan.changes, _change("more", operation))})

    assert list(deviations(plan, actual)) == [f"not in the approved plan: {operation} aws:x/y:Y more"]


@given(plans())
def test_what_was_known_may_not_become_unknown(plan: Plan) -> None:
    changes = []
    for change in plan.changes:
        diffs = tuple(diff.model_copy(update={"new": UNKNOWN}) for diff in change.diffs)
        changes.append(change.model_copy(update={"diffs": diffs}))
    known = [diff for change in plan.changes for diff in change.diffs if diff.new != UNKNOWN]
    assume(known)

    assert not covers(plan, plan.model_copy(update={"changes": tuple(changes)}))


@pytest.mark.parametrize("operation", [Operation.CREATE, Operation.DELETE, Operation.ADOPT])
def test_what_is_to_be_created_or_deleted_may_not_be_left_out(operation: Operation) -> None:
    assert list(deviations(_plan(_change("a", operation)), _plan())) == [
        f"approved, but not to be done now: {operation} aws:x/y:Y a"
    ]


def test_what_an_interrupted_run_created_counts_as_created_and_not_the_other_way_round() -> None:
    created, adopted = _plan(_change("a", Operation.CREATE)), _plan(_change("a", Operation.ADOPT, (_diff(),), id="i"))

    assert covers(created, adopted)
    assert list(deviations(adopted, created)) == ["differs: aws:x/y:Y a: adopt was approved, now create"]


def test_a_replacement_that_only_an_unknown_asked_for_may_be_an_update_and_never_the_other_way_round() -> None:
    tags = _diff("tags", {"a": "1"}, {"a": "2"})
    replaced = _change(
        "a", Operation.REPLACE, (_diff(new=UNKNOWN, forces=True), tags), ReplaceOrder.CREATE_BEFORE_DELETE
    )
    updated = _change("a", Operation.UPDATE, (tags,))

    assert covers(_plan(replaced), _plan(updated))
    assert "update was approved, now replace" in "".join(deviations(_plan(updated), _plan(replaced)))


def test_an_unknown_that_turns_out_to_force_a_replacement_was_not_approved() -> None:
    approved = _plan(_change("a", Operation.UPDATE, (_diff(new=UNKNOWN),)))
    forced = _plan(_change("a", Operation.UPDATE, (_diff(new="subnet-1", forces=True),)))

    assert not covers(approved, forced)


def test_an_unknown_object_may_turn_out_to_change_below_its_path_only() -> None:
    approved = _plan(_change("a", Operation.UPDATE, (_diff("vpc", {}, UNKNOWN),)))

    assert covers(approved, _plan(_change("a", Operation.UPDATE, (_diff("vpc.id"), _diff("vpc[0]")))))
    assert not covers(approved, _plan(_change("a", Operation.UPDATE, (_diff("vpcs"),))))


def test_a_text_with_an_unknown_in_it_keeps_its_known_parts() -> None:
    approved = _plan(_change("a", Operation.UPDATE, (_diff(new=f"arn:{UNKNOWN}:role/x"),)))

    assert covers(approved, _plan(_change("a", Operation.UPDATE, (_diff(new="arn:1:role/x"),))))
    assert not covers(approved, _plan(_change("a", Operation.UPDATE, (_diff(new="arn:1:role/y"),))))


def test_a_masked_value_stays_masked_and_may_turn_out_to_be_the_same() -> None:
    approved = _plan(_change("a", Operation.UPDATE, (_diff("token", SECRET, SECRET),)))

    assert covers(approved, _plan())
    assert not covers(approved, _plan(_change("a", Operation.UPDATE, (_diff("token", SECRET, "in the clear"),))))


def test_another_resource_in_its_place_was_not_approved() -> None:
    approved = _plan(_change("a", Operation.DELETE, id="i-1"))

    assert list(deviations(approved, _plan(_change("a", Operation.DELETE, id="i-2")))) == [
        "differs: aws:x/y:Y a: it is another resource now: i-2 instead of i-1"
    ]


def test_the_plan_of_another_stack_covers_nothing() -> None:
    other = Plan(project="ils-vpc", stack="staging", changes=(), unchanged=0)

    assert list(deviations(_plan(), other)) == ["another stack: ils-vpc/production was approved, not ils-vpc/staging"]


def test_a_step_is_held_to_the_change_of_its_own_resource() -> None:
    approved = _plan(_change("a", Operation.CREATE), _change("a", Operation.DELETE, id="i"))

    assert list(step_deviations(approved, _change("a", Operation.CREATE))) == []
    assert list(step_deviations(approved, _change("a", Operation.DELETE, id="i"))) == []
    assert list(step_deviations(approved, _change("b", Operation.CREATE))) == ["the approved plan does not have it"]
