"""What counts as a difference, for any values."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.provider.experimental.provider import PropertyDiffKind

from ils_sandbox.provider.difference import Difference, covered, differences, parse, render
from ils_sandbox.provider.fields import Field, block, collection, flag, json_text, listing, mapping, number, text
from ils_sandbox.provider.policies import meaning
from ils_sandbox.provider.registry import TYPES
from ils_sandbox.provider.values import UNKNOWN, plain_value, property_value

FIELDS = (
    text("name", replace=True),
    text("description", default="Managed by Pulumi"),
    text("zone", computed=True),
    number("size"),
    flag("enabled"),
    mapping("tags"),
    json_text("policy"),
    listing("order"),
    collection("members"),
    block("config", text("mode", computed=True), number("level"), text("kind", replace=True), collection("cidrs")),
    collection("rules", text("protocol", required=True), number("port"), text("note", computed=True)),
)

words = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1, max_size=8)
configs = st.fixed_dictionaries(
    {},
    optional={
        "mode": words,
        "level": st.integers(1, 9),
        "kind": words,
        "cidrs": st.lists(words, unique=True, max_size=3),
    },
)
rules = st.lists(
    st.fixed_dictionaries({"protocol": words, "port": st.integers(1, 9)}),
    max_size=4,
    unique_by=lambda rule: (rule["protocol"], rule["port"]),
)
properties = st.fixed_dictionaries(
    {},
    optional={
        "name": words,
        "description": words,
        "zone": words,
        "size": st.integers(1, 99),
        "enabled": st.booleans(),
        "tags": st.dictionaries(words, words, max_size=3),
        "order": st.lists(words, max_size=4),
        "members": st.lists(words, unique=True, max_size=4),
        "config": configs,
        "rules": rules,
    },
)


def diff(old: dict[str, Any], new: dict[str, Any], fields: tuple[Field, ...] = FIELDS) -> dict[str, PropertyDiffKind]:
    return {str(d): d.kind for d in differences(fields, old, new)}


@given(properties)
def test_nothing_differs_from_itself(values: dict[str, Any]) -> None:
    assert diff(values, values) == {}


@given(properties, st.randoms(use_true_random=False))
def test_order_says_nothing_where_aws_keeps_none(values: dict[str, Any], chance: random.Random) -> None:
    shuffled = {**values}
    for name in ("members", "rules"):
        if name in values:
            shuffled[name] = chance.sample(values[name], len(values[name]))
    assert diff(values, shuffled) == {}


@given(properties)
def test_numbers_and_flags_equal_their_spelling(values: dict[str, Any]) -> None:
    spelled = {**values}
    if "size" in values:
        spelled["size"] = str(values["size"])
    if "enabled" in values:
        spelled["enabled"] = str(values["enabled"]).lower()
    assert diff(values, spelled) == {}


@given(properties, properties)
def test_every_change_is_told_with_the_path_of_what_changed(old: dict[str, Any], new: dict[str, Any]) -> None:
    for found in differences(FIELDS, old, new):
        before, after = _at(old, found), _at(new, found)
        assert before != after


def _at(values: Any, found: Difference) -> Any:
    for step in found.path:
        if isinstance(step, int):
            values = values[step] if isinstance(values, list) and step < len(values) else None
        else:
            values = (values or {}).get(step)
    return values


@given(properties, properties)
def test_what_is_the_same_one_way_is_so_after_the_change_was_made(old: dict[str, Any], new: dict[str, Any]) -> None:
    kept = {name: old[name] for name in ("zone",) if name in old}
    assert diff({**kept, **new}, new) == {}


@given(st.lists(st.one_of(words, st.integers(0, 9)), min_size=1, max_size=5))
@settings(max_examples=300)
def test_a_path_survives_being_written(steps: list[str | int]) -> None:
    path = ("top", *steps)
    assert parse(render(path)) == path


@given(properties)
def test_values_survive_pulumi(values: dict[str, Any]) -> None:
    assert plain_value(property_value(values)) == values


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({}, {"name": "a"}, {"name": PropertyDiffKind.ADD_REPLACE}),
        ({"name": "a"}, {"name": "b"}, {"name": PropertyDiffKind.UPDATE_REPLACE}),
        ({"name": "a"}, {}, {"name": PropertyDiffKind.DELETE_REPLACE}),
        ({"size": 1}, {}, {"size": PropertyDiffKind.DELETE}),
        ({"tags": {"a": "1", "b": "2"}}, {"tags": {"b": "3", "c": "4"}}, {
            "tags.a": PropertyDiffKind.DELETE,
            "tags.b": PropertyDiffKind.UPDATE,
            "tags.c": PropertyDiffKind.ADD,
        }),
        ({}, {"tags": {"kubernetes.io/role/elb": "1"}}, {"tags": PropertyDiffKind.ADD}),
        (
            {"tags": {"kubernetes.io/role/elb": "1"}},
            {"tags": {"kubernetes.io/role/elb": "2"}},
            {'tags["kubernetes.io/role/elb"]': PropertyDiffKind.UPDATE},
        ),
        ({"order": ["a", "b"]}, {"order": ["b"]}, {
            "order[0]": PropertyDiffKind.UPDATE,
            "order[1]": PropertyDiffKind.DELETE,
        }),
        ({"members": ["a", "b"]}, {"members": ["b"]}, {"members[0]": PropertyDiffKind.DELETE}),
        ({"members": ["a"]}, {"members": ["b", "a"]}, {"members[0]": PropertyDiffKind.ADD}),
        ({"members": ["a"]}, {"members": ["b"]}, {"members[0]": PropertyDiffKind.UPDATE}),
        (
            {"config": {"level": 1, "kind": "x"}},
            {"config": {"level": 2, "kind": "y"}},
            {"config.level": PropertyDiffKind.UPDATE, "config.kind": PropertyDiffKind.UPDATE_REPLACE},
        ),
        ({"rules": [{"protocol": "tcp", "port": 1}]}, {"rules": [{"protocol": "tcp", "port": 2}]}, {
            "rules[0]": PropertyDiffKind.UPDATE,
        }),
        ({"size": 5}, {"size": UNKNOWN}, {"size": PropertyDiffKind.UPDATE}),
        ({"name": "a"}, {"name": UNKNOWN}, {"name": PropertyDiffKind.UPDATE_REPLACE}),
        ({}, {"name": UNKNOWN}, {"name": PropertyDiffKind.ADD_REPLACE}),
        ({"tags": {"a": "1"}}, {"tags": {"a": UNKNOWN}}, {"tags.a": PropertyDiffKind.UPDATE}),
        ({"members": ["a"]}, {"members": ["a", UNKNOWN]}, {"members[1]": PropertyDiffKind.ADD}),
        ({"config": {"level": 1}}, {"config": UNKNOWN}, {"config": PropertyDiffKind.UPDATE}),
        ({"enabled": True}, {"enabled": False}, {"enabled": PropertyDiffKind.UPDATE}),
        ({"enabled": False}, {"enabled": True}, {"enabled": PropertyDiffKind.ADD}),
    ],
)  # fmt: skip
def test_kinds_and_paths(old: dict[str, Any], new: dict[str, Any], found: dict[str, PropertyDiffKind]) -> None:
    assert diff(old, new) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"zone": "us-east-1a"}, {}),
        ({"config": {"mode": "fast", "level": 1}}, {"config": {"level": 1}}),
        ({"rules": [{"protocol": "tcp", "port": 1, "note": "x"}]}, {"rules": [{"protocol": "tcp", "port": 1}]}),
        ({"description": "Managed by Pulumi"}, {}),
        ({"tags": {}}, {}),
        ({}, {"enabled": False}),
        ({"members": []}, {}),
    ],
)
def test_what_aws_fills_in_is_no_difference(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert diff(old, new) == {}


def test_a_default_that_is_no_more_in_force_is_a_difference() -> None:
    on = (flag("dns", default=True),)
    assert diff({"dns": False}, {}, on) == {"dns": PropertyDiffKind.ADD}
    assert diff({"dns": False}, {"dns": True}, on) == {"dns": PropertyDiffKind.ADD}


@pytest.mark.parametrize(
    ("ignored", "is_covered"),
    [
        ("scalingConfig", True),
        ("scalingConfig.desiredSize", True),
        ("scalingConfig.maxSize", False),
        ('scalingConfig["desiredSize"]', True),
        ("scalingConfig.*", True),
        ("scaling", False),
        ("scalingConfig.desiredSize.deeper", False),
    ],
)
def test_ignored_paths_cover_what_is_inside_them(ignored: str, is_covered: bool) -> None:
    (found,) = differences(
        TYPES["aws:eks/nodeGroup:NodeGroup"].inputs,
        {"scalingConfig": {"desiredSize": 2}},
        {"scalingConfig": {"desiredSize": 3}},
    )
    assert covered(found, [ignored]) is is_covered


STATEMENT = {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:Encrypt"],
    "Resource": "*",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Condition": {"StringEquals": {"kms:ViaService": ["rds.us-east-1.amazonaws.com"]}},
}


@pytest.mark.parametrize(
    "same",
    [
        {"Action": ["kms:Encrypt", "kms:Decrypt"]},
        {"Resource": ["*"]},
        {"Principal": {"AWS": "123456789012"}},
        {"Principal": {"AWS": ["arn:aws:iam::123456789012:root"]}},
        {"Condition": {"StringEquals": {"kms:ViaService": "rds.us-east-1.amazonaws.com"}}},
        {"Sid": ""},
    ],
)
def test_policies_that_mean_the_same_are_the_same(same: dict[str, Any]) -> None:
    one = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
    other = json.dumps({"Statement": {**STATEMENT, **same}, "Version": "2012-10-17"}, indent=2)
    assert meaning(one) == meaning(other)


@pytest.mark.parametrize("other", [{"Effect": "Deny"}, {"Action": "kms:*"}, {"Principal": "*"}, {"Condition": {}}])
def test_policies_that_mean_something_else_differ(other: dict[str, Any]) -> None:
    one = json.dumps({"Statement": [STATEMENT]})
    assert meaning(one) != meaning(json.dumps({"Statement": [{**STATEMENT, **other}]}))


def test_the_order_of_statements_says_something() -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    one, other = json.dumps({"Statement": [STATEMENT, deny]}), json.dumps({"Statement": [deny, STATEMENT]})
    assert meaning(one) != meaning(other)


def test_every_input_of_every_type_can_be_replaced_or_changed_or_is_the_provider_s_own() -> None:
    for token, entry in TYPES.items():
        changed = {name for step in entry.updates for name in step.fields}
        for field in entry.inputs:
            own = not field.returned  # used with the next call that takes it
            inside = field.fields and all(inner.replace or inner.computed for inner in field.fields)
            assert field.replace or field.name in changed or own or inside, f"{token}: {field.name}"
        assert changed <= {field.name for field in entry.inputs}, token
