"""What every engine does with a stack from its first up to its destroy."""

from __future__ import annotations

import pulumi
import pytest

from ils_pipelines.engine.errors import EngineError, ProtectedResource, ResourceFailed
from ils_pipelines.engine.models import SECRET, UNKNOWN, DiffKind, Operation, ReplaceOrder
from tests.contract.engine.conftest import Lab
from tests.contract.engine.lab import Group, Thing, greeting


def names(changes: object) -> list[tuple[str, str]]:
    return sorted((str(change.operation), change.name) for change in changes)  # type: ignore[attr-defined]


def three_in_a_chain() -> None:
    first = Thing("first", value="1")
    second = Thing("second", value="2", uses=[first.id])
    third = Thing("third", value="3", home=second.id)
    pulumi.export("address", third.address)
    pulumi.export("token", third.token)


def test_up_creates_everything_that_the_program_declares(lab: Lab) -> None:
    result = lab.engine.up(lab.stack(three_in_a_chain))

    assert lab.world.names() == ["first", "second", "third"]
    assert names(result.plan.changes) == [("create", "first"), ("create", "second"), ("create", "third")]


def test_references_between_resources_become_their_ids(lab: Lab) -> None:
    lab.engine.up(lab.stack(three_in_a_chain))

    things = lab.world.things()
    by_value = {properties["value"]: (id_, properties) for id_, properties in things.items()}
    assert by_value["2"][1]["uses"] == [by_value["1"][0]]
    assert by_value["3"][1]["home"] == by_value["2"][0]


def test_second_up_changes_nothing_and_makes_no_mutating_call(lab: Lab) -> None:
    lab.engine.up(lab.stack(three_in_a_chain))
    lab.world.forget_calls()

    result = lab.restarted().up(lab.stack(three_in_a_chain))

    assert result.plan.empty
    assert result.unchanged == 3
    assert lab.world.calls("create", "update", "delete") == []


def test_preview_of_a_new_stack_lists_creates_and_changes_nothing(lab: Lab) -> None:
    plan = lab.engine.preview(lab.stack(three_in_a_chain))

    assert names(plan.changes) == [("create", "first"), ("create", "second"), ("create", "third")]
    assert lab.world.calls("create", "update", "delete") == []
    assert lab.engine.outputs(lab.stack(three_in_a_chain)) is None


def test_preview_says_what_up_then_does(lab: Lab) -> None:
    lab.engine.up(lab.stack(three_in_a_chain))

    def edited() -> None:
        first = Thing("first", value="one")
        Thing("second", value="2", kind="other", uses=[first.id])
        Thing("fourth", value="4")

    plan = lab.engine.preview(lab.stack(edited))
    result = lab.engine.up(lab.stack(edited))

    assert names(plan.changes) == names(result.plan.changes)
    assert plan.unchanged == result.unchanged


def test_an_edited_property_is_updated_in_place(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(value="old", tags={"a": "1", "b": "2"})))
    (id_,) = lab.world.things()

    result = lab.engine.up(lab.stack(lambda: _one(value="new", tags={"a": "1", "b": "3"})))

    (change,) = result.plan.changes
    assert change.operation is Operation.UPDATE
    assert [(diff.path, diff.old, diff.new) for diff in change.diffs] == [("tags.b", "2", "3"), ("value", "old", "new")]
    assert lab.world.things() == {id_: {"value": "new", "tags": {"a": "1", "b": "3"}}}


def test_added_and_removed_properties_are_told_apart(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(value="v", tags={"gone": "x", "kept": "y"})))

    plan = lab.engine.preview(lab.stack(lambda: _one(value="v", tags={"kept": "y", "new": "z"})))

    (change,) = plan.changes
    assert [(diff.path, diff.kind) for diff in change.diffs] == [
        ("tags.gone", DiffKind.DELETE),
        ("tags.new", DiffKind.ADD),
    ]


def test_a_replacement_is_made_before_the_old_one_is_deleted(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(value="v", kind="a")))
    lab.world.forget_calls()

    result = lab.engine.up(lab.stack(lambda: _one(value="v", kind="b")))

    (change,) = result.plan.changes
    assert (change.operation, change.replace_order) == (Operation.REPLACE, ReplaceOrder.CREATE_BEFORE_DELETE)
    assert [diff.path for diff in change.diffs if diff.forces_replacement] == ["kind"]
    assert lab.world.calls("create", "delete") == [("create", "thing"), ("delete", "thing")]
    assert [properties["kind"] for properties in lab.world.things().values()] == ["b"]


def test_a_replacement_is_deleted_first_where_the_provider_needs_that(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(value="v", exclusive="a")))
    lab.world.forget_calls()

    result = lab.engine.up(lab.stack(lambda: _one(value="v", exclusive="b")))

    (change,) = result.plan.changes
    assert (change.operation, change.replace_order) == (Operation.REPLACE, ReplaceOrder.DELETE_BEFORE_CREATE)
    assert lab.world.calls("create", "delete") == [("delete", "thing"), ("create", "thing")]


def test_a_replacement_is_deleted_first_where_the_program_asks_for_that(lab: Lab) -> None:
    first = pulumi.ResourceOptions(delete_before_replace=True)
    lab.engine.up(lab.stack(lambda: _one(first, value="v", kind="a")))
    lab.world.forget_calls()

    lab.engine.up(lab.stack(lambda: _one(first, value="v", kind="b")))

    assert lab.world.calls("create", "delete") == [("delete", "thing"), ("create", "thing")]


def test_what_cannot_live_without_a_replaced_resource_is_replaced_with_it(lab: Lab) -> None:
    def program(exclusive: str) -> None:
        house = Thing("house", value="h", exclusive=exclusive)
        room = Thing("room", value="r", home=house.id)
        Thing("bed", value="b", home=room.id)
        Thing("garden", value="g")

    lab.engine.up(lab.stack(lambda: program("a")))
    lab.world.forget_calls()

    planned = lab.engine.preview(lab.stack(lambda: program("b")))
    result = lab.engine.up(lab.stack(lambda: program("b")))

    assert names(planned.changes) == [("replace", "bed"), ("replace", "house"), ("replace", "room")]
    assert names(result.plan.changes) == names(planned.changes)
    assert lab.world.calls("create", "delete") == [
        ("delete", "bed"), ("delete", "room"), ("delete", "house"),
        ("create", "house"), ("create", "room"), ("create", "bed"),
    ]  # fmt: skip


def test_replacement_updates_what_uses_the_replaced_resource(lab: Lab) -> None:
    def program(kind: str) -> None:
        used = Thing("used", value="u", kind=kind)
        Thing("user", value="v", uses=[used.id])

    lab.engine.up(lab.stack(lambda: program("a")))
    result = lab.engine.up(lab.stack(lambda: program("b")))

    assert names(result.plan.changes) == [("replace", "used"), ("update", "user")]
    assert lab.world.names() == ["used", "user"]


def test_replace_on_changes_turns_an_update_into_a_replacement(lab: Lab) -> None:
    options = pulumi.ResourceOptions(replace_on_changes=["tags"])
    lab.engine.up(lab.stack(lambda: _one(options, value="v", tags={"a": "1"})))

    plan = lab.engine.preview(lab.stack(lambda: _one(options, value="v", tags={"a": "2"})))

    assert names(plan.changes) == [("replace", "thing")]


def test_what_the_program_no_longer_declares_is_deleted_after_its_dependents(lab: Lab) -> None:
    lab.engine.up(lab.stack(three_in_a_chain))
    lab.world.forget_calls()

    result = lab.engine.up(lab.stack(lambda: None))

    assert lab.world.calls("delete") == [("delete", "third"), ("delete", "second"), ("delete", "first")]
    assert result.plan.counts == {"delete": 3}
    assert lab.world.names() == []


def test_independent_resources_are_created_at_the_same_time(lab: Lab) -> None:
    def program() -> None:
        for number in range(5):
            Thing(f"thing-{number}", value=str(number), meet={"at": "create", "count": 5})

    lab.engine.up(lab.stack(program))  # the calls wait for each other: one after the other they would fail

    assert len(lab.world.names()) == 5


def test_depends_on_orders_what_no_property_connects(lab: Lab) -> None:
    def program() -> None:
        later = Thing("a-first", value="1")
        Thing("b-second", value="2", opts=pulumi.ResourceOptions(depends_on=[later]))

    lab.engine.up(lab.stack(program))
    lab.engine.destroy(lab.stack(program))

    assert lab.world.calls("create", "delete") == [
        ("create", "a-first"), ("create", "b-second"), ("delete", "b-second"), ("delete", "a-first"),
    ]  # fmt: skip


def test_a_child_is_named_after_its_parent_and_deleted_before_it(lab: Lab) -> None:
    def program() -> None:
        group = Group("group")
        Thing("child", value="c", opts=pulumi.ResourceOptions(parent=group))

    result = lab.engine.up(lab.stack(program))

    (change,) = result.plan.changes
    assert change.urn == "urn:pulumi:dev::lab-project::lab:index:Group$lab:index:Thing::child"
    lab.engine.destroy(lab.stack(program))
    assert lab.world.names() == []


@pytest.mark.parametrize("alias", ["by-name", "by-urn"])
def test_a_renamed_resource_with_an_alias_is_not_touched(lab: Lab, alias: str) -> None:
    lab.engine.up(lab.stack(lambda: _chain("old-name")))
    lab.world.forget_calls()
    aliases = {
        "by-name": pulumi.Alias(name="old-name"),
        "by-urn": "urn:pulumi:dev::lab-project::lab:index:Thing::old-name",
    }

    result = lab.engine.up(lab.stack(lambda: _chain("new-name", pulumi.ResourceOptions(aliases=[aliases[alias]]))))

    assert result.plan.empty
    assert lab.world.calls("create", "update", "delete") == []
    assert lab.restarted().up(lab.stack(lambda: _chain("new-name"))).plan.empty


def test_children_of_a_renamed_parent_are_not_touched(lab: Lab) -> None:
    def program(name: str, aliases: list[pulumi.Alias]) -> None:
        group = Group(name, pulumi.ResourceOptions(aliases=aliases))
        Thing("child", value="c", opts=pulumi.ResourceOptions(parent=group))

    lab.engine.up(lab.stack(lambda: program("before", [])))
    plan = lab.engine.preview(lab.stack(lambda: program("after", [pulumi.Alias(name="before")])))

    assert plan.empty


def test_a_resource_moved_into_a_component_with_an_alias_is_not_touched(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(value="v")))

    def moved() -> None:
        group = Group("group")
        alias = pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)
        Thing("thing", value="v", opts=pulumi.ResourceOptions(parent=group, aliases=[alias]))

    assert lab.engine.up(lab.stack(moved)).plan.empty


def test_ignored_changes_are_left_as_they_are(lab: Lab) -> None:
    options = pulumi.ResourceOptions(ignore_changes=["value", "tags.owner"])
    lab.engine.up(lab.stack(lambda: _one(options, value="old", tags={"owner": "a", "team": "a"})))

    result = lab.engine.up(lab.stack(lambda: _one(options, value="new", tags={"owner": "b", "team": "b"})))

    (change,) = result.plan.changes
    assert [diff.path for diff in change.diffs] == ["tags.team"]
    assert list(lab.world.things().values()) == [{"value": "old", "tags": {"owner": "a", "team": "b"}}]


def test_a_generated_value_stays_what_it_was(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one()))
    before = lab.world.things()

    assert lab.restarted().up(lab.stack(lambda: _one())).plan.empty
    assert lab.world.things() == before


def test_a_replacement_generates_another_value(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(kind="a")))
    (before,) = lab.world.things().values()
    lab.engine.up(lab.stack(lambda: _one(kind="b")))
    (after,) = lab.world.things().values()

    assert before["value"] != after["value"]


def test_protected_resources_are_not_destroyed_nor_anything_else(lab: Lab) -> None:
    def program() -> None:
        Thing("free", value="f")
        Thing("kept", value="k", opts=pulumi.ResourceOptions(protect=True))

    lab.engine.up(lab.stack(program))

    with pytest.raises(ProtectedResource) as caught:
        lab.engine.destroy(lab.stack(program))

    assert [urn.rsplit("::", 1)[-1] for urn in caught.value.urns] == ["kept"]
    assert lab.world.names() == ["free", "kept"]


@pytest.mark.parametrize("edit", ["removed", "replaced"])
def test_protected_resources_are_not_removed_nor_replaced(lab: Lab, edit: str) -> None:
    protect = pulumi.ResourceOptions(protect=True)
    lab.engine.up(lab.stack(lambda: _one(protect, value="v", kind="a")))
    programs = {"removed": lambda: None, "replaced": lambda: _one(protect, value="v", kind="b")}

    with pytest.raises(ProtectedResource):
        lab.engine.up(lab.stack(programs[edit]))

    assert [properties["kind"] for properties in lab.world.things().values()] == ["a"]


def test_a_resource_no_longer_protected_can_be_removed(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(pulumi.ResourceOptions(protect=True), value="v")))
    assert lab.engine.up(lab.stack(lambda: _one(value="v"))).plan.empty

    lab.engine.destroy(lab.stack(lambda: _one(value="v")))

    assert lab.world.names() == []


def test_retained_resources_leave_the_stack_and_stay_in_the_world(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(pulumi.ResourceOptions(retain_on_delete=True), value="v")))

    lab.engine.destroy(lab.stack(lambda: None))

    assert lab.world.names() == ["thing"]
    assert lab.engine.outputs(lab.stack(lambda: None)) is None


def test_what_goes_with_another_resource_is_not_deleted_by_itself(lab: Lab) -> None:
    def program() -> None:
        container = Thing("container", value="c")
        Thing("content", value="d", opts=pulumi.ResourceOptions(deleted_with=container))

    lab.engine.up(lab.stack(program))
    lab.engine.destroy(lab.stack(program))

    assert lab.world.calls("delete") == [("delete", "container")]


def test_destroy_deletes_everything_in_reverse_order_and_the_stack_is_gone(lab: Lab) -> None:
    lab.engine.up(lab.stack(three_in_a_chain))

    result = lab.engine.destroy(lab.stack(three_in_a_chain))

    assert result.plan.counts == {"delete": 3}
    assert lab.world.calls("delete") == [("delete", "third"), ("delete", "second"), ("delete", "first")]
    assert lab.engine.outputs(lab.stack(three_in_a_chain)) is None
    assert lab.engine.destroy(lab.stack(three_in_a_chain)).plan.empty


def test_outputs_are_those_of_the_last_up_with_secrets_marked(lab: Lab) -> None:
    lab.engine.up(lab.stack(three_in_a_chain))

    outputs = lab.restarted().outputs(lab.stack(three_in_a_chain))

    assert outputs is not None
    third = next(id_ for id_, properties in lab.world.things().items() if properties["value"] == "3")
    assert (outputs["address"].value, outputs["address"].secret) == (f"lab://{third}", False)
    assert (outputs["token"].value, outputs["token"].secret) == (f"token-of-{third}", True)
    assert f"token-of-{third}" not in repr(outputs)


def test_values_that_are_not_known_yet_are_shown_as_such_in_a_preview(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(value="v")))

    def program() -> None:
        new = Thing("new", value="n")
        Thing("thing", value=new.address)

    (change,) = [change for change in lab.engine.preview(lab.stack(program)).changes if change.name == "thing"]

    assert [(diff.path, diff.old, diff.new) for diff in change.diffs] == [("value", "v", UNKNOWN)]


def test_invokes_are_answered_in_previews_and_ups(lab: Lab) -> None:
    def program() -> None:
        Thing("thing", value=greeting("world"))

    plan = lab.engine.preview(lab.stack(program))
    lab.engine.up(lab.stack(program))

    assert plan.counts == {"create": 1}
    assert [properties["value"] for properties in lab.world.things().values()] == ["hello world"]


def test_a_refused_property_is_named_before_anything_is_made(lab: Lab) -> None:
    with pytest.raises(EngineError, match=r"colour.*: a thing has no such property"):
        lab.engine.up(lab.stack(lambda: _one(value="v", colour="red")))

    assert lab.world.names() == []


def test_a_program_that_fails_is_reported_with_its_reason(lab: Lab) -> None:
    def program() -> None:
        raise LookupError("no such subnet")

    with pytest.raises(EngineError, match="no such subnet"):
        lab.engine.up(lab.stack(program))


def test_two_resources_of_one_name_are_refused(lab: Lab) -> None:
    def program() -> None:
        Thing("twin", value="1")
        Thing("twin", value="2")

    with pytest.raises(EngineError, match="twin"):
        lab.engine.up(lab.stack(program))


def test_a_failure_keeps_what_was_made_and_the_next_up_finishes(lab: Lab) -> None:
    def program(refuse: str | None) -> None:
        first = Thing("first", value="1")
        second = Thing("second", value="2", uses=[first.id], refuse=refuse)
        Thing("third", value="3", uses=[second.id])

    with pytest.raises(ResourceFailed, match="create refused") as caught:
        lab.engine.up(lab.stack(lambda: program("create")))
    assert caught.value.urn.endswith("::second")
    assert lab.world.names() == ["first"]
    lab.world.forget_calls()

    lab.restarted().up(lab.stack(lambda: program(None)))

    assert lab.world.calls("create") == [("create", "second"), ("create", "third")]


def test_a_failed_up_deletes_nothing(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(value="v")))

    with pytest.raises(ResourceFailed):
        lab.engine.up(lab.stack(lambda: _broken("another")))

    assert lab.world.names() == ["thing"]


def test_an_edited_secret_is_masked_in_the_plan(lab: Lab) -> None:
    lab.engine.up(lab.stack(lambda: _one(value="v", password=pulumi.Output.secret("hunter2"))))

    plan = lab.engine.preview(lab.stack(lambda: _one(value="v", password=pulumi.Output.secret("correct horse"))))

    (change,) = plan.changes
    assert [(diff.path, diff.old, diff.new) for diff in change.diffs] == [("password", SECRET, SECRET)]
    assert "hunter2" not in plan.model_dump_json()
    assert "horse" not in plan.model_dump_json()


def _one(opts: pulumi.ResourceOptions | None = None, **properties: object) -> None:
    Thing("thing", opts, **properties)


def _broken(name: str) -> None:
    Thing(name, value="b", refuse="create")


def _chain(name: str, opts: pulumi.ResourceOptions | None = None) -> None:
    head = Thing(name, opts, value="v")
    Thing("tail", value="t", uses=[head.id])
