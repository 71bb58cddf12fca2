"""What every engine keeps of a stack: plans that bind, drift, secrets, and checkpoints that cannot be read."""

from __future__ import annotations

import json

import pulumi
import pytest

from ils_pipelines.engine.errors import CheckpointCorrupt, PlanMismatch
from ils_pipelines.engine.models import SECRET, UNKNOWN, DiffKind, Plan, Stack
from tests.contract.engine.conftest import Lab
from tests.contract.engine.lab import Thing
from tests.contract.engine.programs import PROGRAMS


def plain(value: pulumi.Input[str] = "v", **more: object) -> None:
    Thing("thing", value=value, **more)


def not_known_yet() -> pulumi.Output[str]:
    """What another stack will put out, once it is there."""
    return pulumi.Output.from_input(pulumi.UNKNOWN)


def test_an_approved_plan_is_applied(lab: Lab) -> None:
    stack = lab.stack(plain)
    approved = Plan.model_validate_json(lab.engine.preview(stack).model_dump_json())

    lab.engine.up(stack, approved=approved)

    assert lab.world.names() == ["thing"]


def test_something_else_than_the_approved_plan_is_refused_and_nothing_is_changed(lab: Lab) -> None:
    approved = lab.engine.preview(lab.stack(plain))

    def more() -> None:
        plain()
        Thing("another", value="a")

    with pytest.raises(PlanMismatch, match=r"not in the approved plan: create .*another"):
        lab.engine.up(lab.stack(more), approved=approved)

    assert lab.world.calls("create", "update", "delete") == []


def test_a_plan_approved_for_a_world_that_has_changed_is_refused(lab: Lab) -> None:
    approved = lab.engine.preview(lab.stack(plain))
    lab.engine.up(lab.stack(plain))

    with pytest.raises(PlanMismatch, match=r"approved, but not to be done now: create .*thing"):
        lab.engine.up(lab.stack(plain), approved=approved)


def test_a_plan_made_with_an_unknown_is_applied_once_that_is_known_and_nothing_else_is(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: plain("v")))
    approved = lab.engine.preview(lab.stack(lambda: plain(not_known_yet())))
    assert [diff.new for change in approved.changes for diff in change.diffs] == [UNKNOWN]

    with pytest.raises(PlanMismatch, match=r"tags.* was not to change"):
        lab.engine.up(lab.stack(lambda: plain("w", tags={"a": "1"})), approved=approved)
    assert lab.world.calls("update") == []

    result = lab.engine.up(lab.stack(lambda: plain("w")), approved=approved)
    assert result.plan.counts == {"update": 1}


def test_what_was_unknown_and_turns_out_to_be_as_it_is_needs_no_change(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: plain("v")))
    approved = lab.engine.preview(lab.stack(lambda: plain(not_known_yet())))

    assert lab.engine.up(lab.stack(lambda: plain("v")), approved=approved).plan.empty


def test_the_digest_of_a_plan_is_the_same_each_time_and_another_for_another_plan(lab: Lab) -> None:
    lab.engine.up(lab.stack(plain))
    first = lab.engine.preview(lab.stack(lambda: plain("w")))

    assert lab.restarted().preview(lab.stack(lambda: plain("w"))).digest == first.digest
    assert lab.engine.preview(lab.stack(lambda: plain("x"))).digest != first.digest


def test_what_was_changed_behind_its_back_is_reported_per_property(lab: Lab) -> None:
    stack = lab.stack(lambda: plain(tags={"a": "1", "b": "2"}))
    lab.engine.up(stack)
    lab.world.change("thing", value="changed", tags={"a": "1", "b": "9", "c": "3"})

    drift = lab.engine.refresh(stack)

    (resource,) = drift.drifted
    assert [(d.path, d.kind, d.old, d.new) for d in resource.diffs] == [
        ("tags.b", DiffKind.UPDATE, "2", "9"),
        ("tags.c", DiffKind.ADD, None, "3"),
        ("value", DiffKind.UPDATE, "v", "changed"),
    ]
    assert (drift.checked, resource.missing) == (1, False)


def test_what_was_deleted_behind_its_back_is_reported_missing(lab: Lab) -> None:
    lab.engine.up(lab.stack(plain))
    lab.world.lose("thing")

    (resource,) = lab.engine.refresh(lab.stack(plain)).drifted

    assert (resource.name, resource.missing) == ("thing", True)


def test_an_untouched_stack_has_no_drift_and_a_refresh_changes_nothing(lab: Lab) -> None:
    stack = lab.stack(lambda: plain(password=pulumi.Output.secret("s"), tags={"a": "1"}))
    lab.engine.up(stack)
    before = lab.engine.export_state(stack)["deployment"]["resources"]
    lab.world.forget_calls()

    drift = lab.engine.refresh(stack)

    assert drift.drifted == ()
    assert lab.world.calls() == [("read", "thing")]
    assert lab.engine.export_state(stack)["deployment"]["resources"] == before


def test_what_drifted_is_put_back_once_it_is_recorded(lab: Lab) -> None:
    stack = lab.stack(lambda: plain(tags={"a": "1"}, password=pulumi.Output.secret("open sesame")))
    lab.engine.up(stack)
    lab.world.change("thing", value="changed", tags={"a": "1", "b": "2"})
    assert lab.engine.preview(stack).empty, "nobody looked"
    lab.world.forget_calls()

    recorded = lab.engine.refresh(stack, record=True)

    assert [diff.path for resource in recorded.drifted for diff in resource.diffs] == ["tags.b", "value"]
    assert lab.world.calls() == [("read", "thing")]
    assert "open sesame" not in json.dumps(lab.engine.export_state(stack))
    assert lab.engine.refresh(stack).drifted == ()
    (change,) = lab.engine.up(stack).plan.changes
    assert [(diff.path, diff.old, diff.new) for diff in change.diffs] == [
        ("tags.b", "2", None),
        ("value", "changed", "v"),
    ]
    assert [thing["value"] for thing in lab.world.things().values()] == ["v"]


def test_what_is_missing_is_made_anew_once_that_is_recorded_and_what_uses_it_goes_along(lab: Lab) -> None:
    stack = lab.stack(PROGRAMS["estate"])
    lab.engine.up(stack)
    lab.world.lose("gate")
    lab.world.lose("garden")

    assert {each.name for each in lab.engine.refresh(stack, record=True).drifted if each.missing} == {"gate", "garden"}

    assert lab.engine.up(stack).plan.counts == {"create": 2, "same": 2}
    assert lab.world.names() == ["garden", "gate", "ground", "house"]
    lab.world.lose("garden")
    lab.engine.refresh(stack, record=True)
    assert lab.engine.up(stack).plan.counts == {"create": 1, "same": 2, "update": 1}
    assert lab.engine.preview(stack).empty
    lab.engine.destroy(stack)
    assert lab.world.names() == []


def test_recording_what_is_as_it_was_left_changes_nothing(lab: Lab) -> None:
    stack = lab.stack(lambda: plain(password=pulumi.Output.secret("s"), tags={"a": "1"}))
    lab.engine.up(stack)

    lab.engine.refresh(stack, record=True)

    assert lab.engine.preview(stack).empty


def test_ignored_changes_are_no_drift(lab: Lab) -> None:
    def program() -> None:
        Thing("thing", pulumi.ResourceOptions(ignore_changes=["value"]), value="v")

    lab.engine.up(lab.stack(program))
    lab.world.change("thing", value="scaled by somebody else")

    assert lab.engine.refresh(lab.stack(program)).drifted == ()


def test_a_secret_that_drifted_is_masked(lab: Lab) -> None:
    stack = lab.stack(lambda: plain(password=pulumi.Output.secret("before")))
    lab.engine.up(stack)
    lab.world.change("thing", password="after")

    drift = lab.engine.refresh(stack)

    assert [(d.path, d.old, d.new) for d in drift.drifted[0].diffs] == [("password", SECRET, SECRET)]


def secretive() -> None:
    password = pulumi.Output.secret("canary-in-the-coal-mine")
    thing = Thing("thing", value="v", password=password)
    Thing("other", value=thing.token)
    pulumi.export("password", password)
    pulumi.export("nested", {"inner": [password]})


def test_secrets_are_not_in_the_clear_in_any_file_nor_in_the_export(lab: Lab) -> None:
    stack = lab.stack(secretive)
    lab.engine.up(stack)

    kept = [path for path in lab.directory.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        assert b"canary" not in path.read_bytes(), path
        assert b"token-of-" not in path.read_bytes(), path
    assert "canary" not in json.dumps(lab.engine.export_state(stack))


def test_secrets_are_not_in_the_clear_in_results_plans_and_events(lab: Lab) -> None:
    said: list[str] = []
    stack = lab.stack(secretive)

    plan = lab.engine.preview(stack, on_event=lambda event: said.append(event.model_dump_json()))
    result = lab.engine.up(stack, on_event=lambda event: said.append(event.model_dump_json()))

    assert said
    for text in (*said, plan.model_dump_json(), repr(plan), repr(result), result.plan.model_dump_json()):
        assert "canary" not in text
        assert "token-of-" not in text


def test_secrets_inside_outputs_mark_the_output(lab: Lab) -> None:
    lab.engine.up(lab.stack(secretive))
    outputs = lab.restarted().outputs(lab.stack(secretive))

    assert outputs is not None
    assert outputs["password"].secret
    assert (outputs["nested"].value, outputs["nested"].secret) == ({"inner": ["canary-in-the-coal-mine"]}, True)


def test_an_exported_state_can_be_imported_and_then_nothing_is_to_do(lab: Lab) -> None:
    lab.engine.up(lab.stack(secretive))
    exported = lab.engine.export_state(lab.stack(secretive))
    lab.engine.import_state(lab.stack(secretive), json.loads(json.dumps(exported)))

    assert lab.restarted().preview(lab.stack(secretive)).empty


@pytest.mark.parametrize(
    "state",
    [{}, {"version": 2}, {"version": 3, "deployment": {"resources": [{"type": "x"}]}}, {"version": 3, "deployment": 7}],
)
def test_a_state_that_is_none_is_not_imported(lab: Lab, state: dict[str, object]) -> None:
    lab.engine.up(lab.stack(plain))

    with pytest.raises(CheckpointCorrupt):
        lab.engine.import_state(lab.stack(plain), state)

    assert lab.engine.preview(lab.stack(plain)).empty


def test_stacks_of_one_project_do_not_share_anything(lab: Lab) -> None:
    lab.engine.up(lab.stack(plain, name="dev"))
    lab.engine.up(lab.stack(plain, name="staging"))
    assert lab.world.names() == ["thing", "thing"]

    lab.engine.destroy(Stack("lab-project", "dev", plain))

    assert lab.world.names() == ["thing"]
    assert lab.engine.preview(lab.stack(plain, name="staging")).empty
