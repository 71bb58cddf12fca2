"""What holds for every apply, whatever is applied: on the functions, with random configurations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ils_sandbox.kubernetes import fieldsets, ownership
from ils_sandbox.kubernetes.kinds import DEPLOYMENT
from ils_sandbox.kubernetes.ownership import APPLY, UPDATE, Manager
from ils_sandbox.kubernetes.schema import definitions
from ils_sandbox.kubernetes.statuses import ApiError

SCHEMA = definitions("1.35").named(DEPLOYMENT.definition)
NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["x", "y", "z"])
OBJECT = dict[str, Any]

unhurried = settings(deadline=None)
"""A busy machine makes single examples slow."""


@st.composite
def configurations(draw: st.DrawFn) -> OBJECT:
    """Parts of a deployment that hold every shape: maps, structs, lists by keys, sets, atomic lists, scalars."""
    metadata: OBJECT = {"name": "web"}
    if draw(st.booleans()):
        metadata["labels"] = draw(st.dictionaries(NAMES, TEXTS, min_size=1))
    if draw(st.booleans()):
        metadata["finalizers"] = draw(st.lists(st.sampled_from(["f/a", "f/b"]), min_size=1, unique=True))
    spec: OBJECT = {}
    if draw(st.booleans()):
        spec["replicas"] = draw(st.integers(0, 3))
    if draw(st.booleans()):
        spec["selector"] = {"matchLabels": draw(st.dictionaries(NAMES, TEXTS, min_size=1))}
    pod: OBJECT = {"containers": [draw(containers(name)) for name in draw(st.lists(NAMES, min_size=1, unique=True))]}
    if draw(st.booleans()):
        volumes = draw(st.lists(NAMES, min_size=1, unique=True))
        pod["volumes"] = [{"name": name, "emptyDir": {}} for name in volumes]
    spec["template"] = {"spec": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


@st.composite
def containers(draw: st.DrawFn, name: str) -> OBJECT:
    container: OBJECT = {"name": name}
    if draw(st.booleans()):
        container["image"] = draw(TEXTS)
    if draw(st.booleans()):
        container["args"] = draw(st.lists(TEXTS, min_size=1, max_size=2))
    if draw(st.booleans()):
        variables = draw(st.dictionaries(NAMES, TEXTS, min_size=1))
        container["env"] = [{"name": key, "value": value} for key, value in variables.items()]
    if draw(st.booleans()):
        ports = draw(st.lists(st.integers(80, 82), min_size=1, unique=True))
        container["ports"] = [{"containerPort": port, "name": draw(TEXTS)} for port in ports]
    return container


def apply(live: OBJECT, config: OBJECT, manager: str, *, force: bool = True) -> OBJECT:
    actor = Manager(manager, APPLY, "apps/v1")
    new, managers = ownership.applied(SCHEMA, live, config, actor, force=force)
    ownership.write_managers(new, managers, live, "2026-01-01T00:00:00Z", actor)
    return new


def unless_conflicting(live: OBJECT, config: OBJECT, manager: str) -> tuple[OBJECT | None, ApiError | None]:
    try:
        return apply(live, config, manager, force=False), None
    except ApiError as error:
        return None, error


def update(live: OBJECT, new: OBJECT, manager: str) -> OBJECT:
    written = {**new, "metadata": dict(new["metadata"])}
    actor = Manager(manager, UPDATE, "apps/v1")
    managers = ownership.updated(SCHEMA, live, written, actor)
    ownership.write_managers(written, managers, live, "2026-01-01T00:00:00Z", actor)
    return written


def content(obj: OBJECT) -> Any:
    """The object without its managers, and with lists that are maps or sets in one order."""

    def ordered(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: ordered(item) for key, item in value.items() if key != "managedFields" and item is not None}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return sorted((ordered(item) for item in value), key=str)
        return value

    result = ordered(obj)
    if "finalizers" in result["metadata"]:
        result["metadata"]["finalizers"].sort()
    return result


def managed(obj: OBJECT) -> dict[str, fieldsets.FieldSet]:
    return {manager.name: owned for manager, owned in ownership.managers_of(obj).items()}


@given(configurations())
@unhurried
def test_what_one_manager_applies_is_what_is_there(config: OBJECT) -> None:
    assert content(apply({}, config, "one")) == content(config)


@given(configurations(), configurations())
@unhurried
def test_applying_twice_is_applying_once(before: OBJECT, config: OBJECT) -> None:
    once = apply(apply({}, before, "one"), config, "one")

    assert apply(once, config, "one") == once


@given(configurations(), configurations())
@unhurried
def test_the_last_configuration_of_the_only_manager_wins_whole(first: OBJECT, second: OBJECT) -> None:
    assert content(apply(apply({}, first, "one"), second, "one")) == content(second)


@given(configurations(), configurations())
@unhurried
def test_managers_that_do_not_disagree_may_apply_in_either_order(one: OBJECT, two: OBJECT) -> None:
    def both(first: tuple[OBJECT, str], second: tuple[OBJECT, str]) -> OBJECT | None:
        return unless_conflicting(apply({}, *first), *second)[0]

    forwards, backwards = both((one, "one"), (two, "two")), both((two, "two"), (one, "one"))

    if forwards is not None and backwards is not None:
        assert content(forwards) == content(backwards)
        assert managed(forwards) == managed(backwards)
    else:
        assert forwards is backwards is None


@given(configurations(), configurations())
@unhurried
def test_a_conflict_names_the_other_manager_and_fields_that_it_owns(one: OBJECT, two: OBJECT) -> None:
    live = apply({}, one, "one")
    theirs = {fieldsets.dotted(path) for path in managed(live)["one"]}

    _, conflict = unless_conflicting(live, two, "two")

    if conflict is not None:
        causes = (conflict.details or {})["causes"]
        assert {cause["message"] for cause in causes} == {'conflict with "one"'}
        assert {cause["field"] for cause in causes} <= theirs


@given(configurations(), configurations())
@unhurried
def test_after_a_forced_apply_everything_applied_is_there(one: OBJECT, two: OBJECT) -> None:
    both = apply(apply({}, one, "one"), two, "two")

    merged = fieldsets.merge(SCHEMA, both, two)
    assert content(merged) == content(both)
    assert managed(both)["two"] == managed(apply({}, two, "two"))["two"]


@given(configurations(), configurations())
@unhurried
def test_a_manager_that_leaves_takes_only_its_own_along(one: OBJECT, two: OBJECT) -> None:
    alone = apply({}, one, "one")
    both = apply(alone, two, "two")
    left = apply(both, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}, "two")

    still_owned = managed(left).get("one", fieldsets.EMPTY)
    assert still_owned <= fieldsets.with_named_fields(SCHEMA, fieldsets.field_set(SCHEMA, left))


@given(configurations(), configurations())
@unhurried
def test_an_update_owns_what_it_changed_and_nobody_else_does(one: OBJECT, two: OBJECT) -> None:
    live = apply({}, one, "one")
    written = update(live, two, "editor")

    comparison = fieldsets.compare(SCHEMA, one, two)
    after = managed(written)
    assert not after.get("one", fieldsets.EMPTY) & (comparison.written | comparison.removed)
    for path in comparison.written - {("f:metadata",)}:
        assert path in after["editor"]


@given(configurations())
@unhurried
def test_managed_fields_survive_their_json_form(config: OBJECT) -> None:
    owned = fieldsets.field_set(SCHEMA, config)

    assert fieldsets.from_fields_v1(fieldsets.to_fields_v1(owned)) == owned


@given(configurations(), configurations())
@unhurried
def test_removing_everything_that_was_added_gives_back_what_was_there(one: OBJECT, two: OBJECT) -> None:
    merged = fieldsets.merge(SCHEMA, one, two)
    comparison = fieldsets.compare(SCHEMA, one, merged)

    assert not comparison.removed
    back = fieldsets.remove(SCHEMA, merged, frozenset(comparison.added))
    assert fieldsets.compare(SCHEMA, one, back).added == set()
    assert fieldsets.compare(SCHEMA, one, back).removed == set()


def test_a_list_item_without_its_key_is_refused() -> None:
    config = {"metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}

    with pytest.raises(ApiError, match="omits key field 'name'"):
        apply({}, config, "one")
