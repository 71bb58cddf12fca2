"""The policies in deploy/iam: what they are made from, and what they never allow."""

from __future__ import annotations

import re
from collections import defaultdict
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.iam.evaluation import (
    FOLDER,
    POLICIES,
    PROVISION,
    READ_ONLY,
    SCANS,
    allowed_actions,
    policy,
    refused,
    statements,
)
from tools.iam.__main__ import generated
from tools.iam.actions import actions
from tools.iam.beside import CONTENTS, NOT_GRANTED
from tools.iam.reference import reference
from tools.iam.sources import declared, named

MANAGED_POLICY_CHARACTERS = 6144
ROLE_POLICIES = 10
"""How many policies can be attached to a role without asking AWS for more."""

NAMES = sorted(file.stem for file in FOLDER.glob("*.json") if not file.stem.startswith("trust-"))

# What AWS asks for with some of our actions only in cases that the programs do not have.
NOT_NEEDED_BY_US = {
    "amplify:*": "web ACLs are put before load balancers alone",
    "apigateway:*": "likewise",
    "apprunner:*": "likewise",
    "appsync:*": "likewise",
    "cognito-idp:*": "likewise",
    "ec2:*VerifiedAccessInstanceWebAcl": "likewise",
    "wafv2:*PermissionPolicy": "web ACLs of other accounts",
    "ec2:*NetworkInterface": "ElastiCache makes them with its own service-linked role",
    "ecs:*": "flow logs of container tasks",
    "rds:CreateDBSnapshot": "instances outside of clusters",
    "rds:*TenantDatabase": "databases of another make",
    "route53:AssociateVPCWithHostedZone": "interface endpoints with private names",
    "s3:GetObject": "caches that are filled from a file",
    "ssm:GetParameters": "launch templates that name their image by a parameter",
}


def test_the_files_are_what_is_generated_from_the_recording() -> None:
    files = {file.name: file.read_text() for file in FOLDER.glob("*.json")}

    assert files == generated(), "run: make iam"


def test_who_provisions_may_all_that_the_provider_can_call() -> None:
    """After an interruption it looks for what was made, by calls that no recorded life has."""
    assert refused(PROVISION, declared()) <= NOT_GRANTED.keys()


def test_who_looks_may_read_all_that_controls_look_at() -> None:
    looked_at = {name for name in actions(named("posture", declared())) if reference(name).reads}

    assert looked_at - CONTENTS <= allowed_actions(READ_ONLY)


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_one_of_aws(name: str) -> None:
    for each in policy(name)["Statement"]:
        for action in each["Action"]:
            assert reference(action).name == action


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_into_a_managed_policy(name: str) -> None:
    assert len(re.sub(r"\s", "", (FOLDER / f"{name}.json").read_text())) <= MANAGED_POLICY_CHARACTERS


@pytest.mark.parametrize("name", NAMES)
def test_its_statements_have_names_of_their_own(name: str) -> None:
    sids = [each["Sid"] for each in policy(name)["Statement"]]

    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)


def test_a_role_can_have_all_that_provisioning_needs() -> None:
    assert len({*PROVISION, "state"}) <= ROLE_POLICIES


def test_looking_changes_nothing() -> None:
    # Decrypting changes nothing, although AWS counts it among the writing actions.
    changing = {action for action in allowed_actions(READ_ONLY) if not reference(action).reads}

    assert changing == {"kms:Decrypt"}


@pytest.mark.parametrize("scan", SCANS)
def test_a_scan_may_look_and_nothing_else(scan: str) -> None:
    assert [action for action in allowed_actions([scan]) if not reference(action).reads] == []


@pytest.mark.parametrize(
    ("names", "calls", "missing"),
    [
        (["costs"], {"acm": ["ListCertificates"], "ce": ["GetCostAndUsage"]}, {"acm:ListCertificates"}),
        (["certificates"], {"rds": ["DescribeDBInstances"], "s3": ["HeadObject"]}, {"s3:GetObject"}),
        (READ_ONLY, {"ce": ["GetCostForecast"], "iam": ["ListServerCertificates"]}, None),
        (["backup"], {"rds": ["DeleteDBCluster"], "sts": ["GetCallerIdentity"]}, {"rds:DeleteDBCluster"}),
    ],
    ids=["costs", "certificates", "read-only", "backup"],
)
def test_a_call_of_another_family_is_found(
    names: list[str], calls: dict[str, list[str]], missing: set[str] | None
) -> None:
    assert refused(names, calls) == (missing or actions(calls))


def test_no_action_is_a_pattern() -> None:
    assert [action for action in allowed_actions((*PROVISION, "state")) if "*" in action] == []


# Why an action that changes something is allowed for every resource.
BOUND_OTHERWISE = {
    "backup-storage:MountCapsule": "AWS knows no resource for it; backup:CreateBackupVault, which it goes with, is bound",
    "ec2:RunInstances": "bound to launch templates by its condition",
    "elasticloadbalancing:SetWebAcl": "AWS knows no resource for it; wafv2:AssociateWebACL, which it goes with, is bound",
    "sns:SetSubscriptionAttributes": "AWS knows no resource for subscriptions",
    "sns:Unsubscribe": "likewise",
}


NO_SUCH_HERE = {"listener/gwy", "listener/net"}
"""Load balancers of other kinds, which AWS lists with ours as if a call needed all three."""


@pytest.mark.parametrize("family", sorted(POLICIES))
def test_an_action_is_allowed_for_each_kind_of_resource_that_it_always_needs(family: str) -> None:
    resources: dict[str, set[str]] = defaultdict(set)
    for each in statements(POLICIES[family]):
        if each["Effect"] == "Allow":
            for action in each["Action"]:
                resources[action].update(each["Resource"])
    missing = {
        f"{action} for a {kind.name}"
        for action, patterns in resources.items()
        for kind in reference(action).types
        if kind.required and kind.name not in NO_SUCH_HERE and not any(kind.meets(pattern) for pattern in patterns)
    }

    assert missing == set()


def test_whatever_changes_something_is_bound_to_the_environment() -> None:
    unbound = {
        action
        for each in statements(name for name in PROVISION if name not in READ_ONLY)
        if each["Effect"] == "Allow" and "*" in each["Resource"] and "RequestTag/environment" not in str(each)
        for action in each["Action"]
    }

    assert unbound == set(BOUND_OTHERWISE)


def test_what_is_made_is_not_asked_for_tags_that_it_cannot_have_yet() -> None:
    of_their_own = {
        action
        for each in statements(PROVISION)
        if "aws:ResourceTag/" in str(each.get("Condition"))
        for action in each["Action"]
    }

    made = {each for each in of_their_own if ":Create" in each and reference(each).tags_what_it_makes}
    assert made == set()


def _mentions_the_environment(each: dict[str, Any]) -> bool:
    return all("${ENVIRONMENT}" in resource for resource in each["Resource"]) or "environment" in str(
        each.get("Condition")
    )


def test_resources_are_named_after_the_environment_or_tagged_with_it() -> None:
    free = {
        each["Sid"]
        for each in statements(name for name in PROVISION if name not in READ_ONLY)
        if each["Effect"] == "Allow" and "*" not in each["Resource"] and not _mentions_the_environment(each)
    }

    # EKS, RDS and DynamoDB choose these names, and RDS has groups of its own; the zone and the web ACL are named in the
    # environment's file.
    assert free == {
        "DatabaseDefaults",
        "IamByName",
        "LogsOfTableImports",
        "MasterSecret",
        "Route53ByName",
        "ServicesOwnRoles",
        "Wafv2ByName",
    }


def test_who_may_provision_may_not_make_itself_an_administrator() -> None:
    everything = list(statements(PROVISION))
    passing = [each for each in everything if "iam:PassRole" in each["Action"]]
    attaching = [each for each in everything if each["Effect"] == "Deny" and "iam:AttachRolePolicy" in each["Action"]]

    assert [each["Resource"] for each in passing] == [["arn:${PARTITION}:iam::${ACCOUNT_ID}:role/ils-${ENVIRONMENT}-*"]]
    assert "iam:PassedToService" in passing[0]["Condition"]["StringEquals"]
    assert "iam:PolicyARN" in attaching[0]["Condition"]["ArnNotLike"]
    assert not {
        action for action in allowed_actions(PROVISION) if action.startswith(("iam:CreateUser", "iam:CreateAccess"))
    }


def test_what_an_action_needs_besides_is_allowed_too() -> None:
    allowed = allowed_actions(PROVISION)
    needed = {more for action in allowed for more in reference(action).needs}

    missing = {each for each in needed - allowed if not any(fnmatchcase(each, known) for known in NOT_NEEDED_BY_US)}
    assert missing == set()


def test_secrets_of_other_clusters_stay_shut() -> None:
    master = [each for each in statements(READ_ONLY) if "rds!cluster" in str(each["Resource"])]

    [condition] = [each["Condition"]["StringLike"] for each in master]
    [clusters] = condition.values()
    # Those that are restored for real serve as well.
    own = "arn:${PARTITION}:rds:*:${ACCOUNT_ID}:cluster:ils-${ENVIRONMENT}"
    assert clusters == [own, f"{own}-*"]
