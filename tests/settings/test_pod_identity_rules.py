"""AWS roles of service accounts: what a file may give to pods, and what it may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ils_pipelines.settings.loading import FileReport

Read = Callable[..., FileReport]

LOGS = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::logs/*"]}


def identity(**more: Any) -> dict[str, Any]:
    return {"name": "logs", "namespace": "dagster", "service_account": "dagster", "allows": [LOGS], **more}


def problems(read: Read, *identities: dict[str, Any]) -> dict[str, str]:
    """What is wrong, by place."""
    found = read({"cluster": {"pod_identities": list(identities)}}).problems
    return {problem.path.removeprefix("cluster.pod_identities"): problem.message for problem in found}


def test_accounts_of_one_namespace_may_have_a_role_each(read: Read) -> None:
    assert problems(read, identity(), identity(name="runs", service_account="dagster-run")) == {}


def test_an_account_has_one_role(read: Read) -> None:
    assert set(problems(read, identity(), identity(name="more"))) == {"[1].service_account"}


def test_a_name_is_used_once(read: Read) -> None:
    assert set(problems(read, identity(), identity(service_account="other"))) == {"[1].name"}


@pytest.mark.parametrize("namespace", ["kube-system", "ils-dev", "ils-dev-backup"])
def test_accounts_that_have_their_roles_from_layers_get_no_other(read: Read, namespace: str) -> None:
    assert set(problems(read, identity(namespace=namespace))) == {"[0].namespace"}


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:getobject", "s3", "*:GetObject"])
def test_an_action_is_named(read: Read, action: str) -> None:
    found = problems(read, identity(allows=[{**LOGS, "actions": [action]}]))
    assert "is not an action" in found["[0].allows[0].actions[0]"]


@pytest.mark.parametrize("action", ["iam:PutRolePolicy", "organizations:LeaveOrganization", "sts:GetFederationToken"])
def test_pods_do_not_give_themselves_more(read: Read, action: str) -> None:
    assert set(problems(read, identity(allows=[{**LOGS, "actions": [action]}]))) == {"[0].allows[0].actions[0]"}


def test_roles_that_pods_take_on_are_named(read: Read) -> None:
    roles = {"actions": ["sts:AssumeRole"], "resources": ["arn:aws:iam::123456789012:role/ils-*-production"]}
    assert problems(read, identity(allows=[roles])) == {}


@pytest.mark.parametrize("arn", ["*", "arn:aws:s3:::*", "arn:aws:*:*:*:*", "arn:aws:iam::*:role/ils", "a-bucket"])
def test_a_resource_is_named(read: Read, arn: str) -> None:
    found = problems(read, identity(allows=[{**LOGS, "resources": [arn]}]))
    assert "is not the ARN of a resource" in found["[0].allows[0].resources[0]"]


def test_nothing_is_no_permission(read: Read) -> None:
    assert set(problems(read, identity(allows=[]))) == {"[0].allows"}


def test_the_role_has_a_name_that_iam_takes(read: Read) -> None:
    assert problems(read, identity(name="a" * 34)) == {}
    assert set(problems(read, identity(name="a" * 35))) == {"[0].name"}
