"""A call is refused when it names a resource that no policy of its family covers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_sandbox.aws.calls import ACCOUNT
from tests.iam.evaluation import POLICIES
from tests.iam.reach import Reach, matches
from tests.iam.test_recorded_calls import recording, request
from tests.support.families import not_allowed
from tools.iam.seen import Touch

__all__ = ["recording"]

AT = f"arn:aws:{{}}:us-east-1:{ACCOUNT}:{{}}"
OURS, DRILLS = ((("environment", "dev"), ("project", project)) for project in ("ils", "ils-drill"))


def missed(family: str, operation: str, *resources: str, **more: Any) -> list[str]:
    service, _, name = operation.partition(":")
    return list(Reach.of(POLICIES[family], "dev").missed(Touch("dev", service, name, resources, **more)))


@pytest.mark.parametrize(
    ("family", "operation", "within", "outside"),
    [
        ("backup", "rds:DeleteDBClusterSnapshot", "cluster-snapshot:ils-dev-*", "cluster-snapshot:ils-production-*"),
        ("backup", "rds:DeleteDBClusterSnapshot", "cluster-snapshot:ils-dev-*", "cluster-snapshot:awsbackup:job-*"),
        ("backup", "dynamodb:DeleteBackup", "table/ils-dev-sessions/backup/*", "table/ilsdrill-dev-*/backup/*"),
        ("drill", "rds:DeleteDBCluster", "cluster:ilsdrill-dev-*", "cluster:ils-dev"),
        ("drill", "rds:DeleteDBClusterSnapshot", "cluster-snapshot:ilsdrill-dev-*", "cluster-snapshot:ils-dev-*"),
        ("drill", "elasticache:DeleteReplicationGroup", "replicationgroup:ilsdrill-dev-*", "replicationgroup:ils-dev"),
        ("drill", "dynamodb:DeleteTable", "table/ilsdrill-dev-*", "table/ils-dev-sessions"),
        ("drill", "eks:DeleteCluster", "cluster/ilsdrill-dev-*", "cluster/ils-dev"),
        ("drill", "eks:DeleteCluster", "cluster/ilsdrill-dev-*", "cluster/ilsdrill-production-*"),
        ("drill", "rds:ListTagsForResource", "subgrp:ilsdrill-dev-*", "subgrp:ilsdrill-production-*"),
        ("drill", "rds:CreateDBInstance", "pg:default.aurora-postgresql15", "pg:ils-dev"),
        ("provision", "rds:CreateDBCluster", "og:default:aurora-postgresql-15", "og:ils-production"),
        ("provision", "eks:DeleteCluster", "cluster/ils-dev", "cluster/ils-production"),
        ("provision", "rds:DeleteDBCluster", "cluster:ils-dev", "cluster:ilsdrill-dev-*"),
        ("provision", "secretsmanager:DeleteSecret", "secret:ils-dev-jwt-*", "secret:ils-devel-jwt-*"),
    ],
)
def test_a_call_on_what_is_outside_is_named(family: str, operation: str, within: str, outside: str) -> None:
    service = operation.partition(":")[0]
    mine, other = AT.format(service, within), AT.format(service, outside)

    assert missed(family, operation, mine) == []
    assert missed(family, operation, mine, other) == [f"{operation} on {other}"]


@pytest.mark.parametrize(
    ("operation", "within", "outside"),
    [
        ("s3:PutObject", "drills/*", "sets/*"),
        ("s3:DeleteObjects", None, "sets/*"),
        ("s3:GetObject", "sets/*", None),
    ],
    ids=["writes", "deletes", "reads"],
)
def test_evidence_is_a_drills_to_write_and_a_set_is_not(
    operation: str, within: str | None, outside: str | None
) -> None:
    bucket = f"arn:aws:s3:::ils-dev-backups-{ACCOUNT}-us-east-1"
    for key, names in ((within, False), (outside, True)):
        if key:
            assert bool(missed("drill", operation, bucket, f"{bucket}/{key}")) is names


def test_a_refused_call_is_said_in_words(recording: Any, tmp_path: Path) -> None:
    live = AT.format("rds", "cluster:ils-dev")
    recording.add(request("drill.dev", "rds", "DeleteDBCluster", resources=(live,)))
    recording.add(
        request("drill.dev", "rds", "DeleteDBCluster", resources=(AT.format("rds", "cluster:ilsdrill-dev-*"),))
    )

    assert not_allowed(tmp_path / "calls") == [f"drill may not rds:DeleteDBCluster on {live}"]


def test_each_environment_has_policies_of_its_own(recording: Any, tmp_path: Path) -> None:
    dev = AT.format("eks", "cluster/ils-dev")
    for environment in ("dev", "other"):
        recording.add(request(f"provision.{environment}", "eks", "DeleteCluster", resources=(dev,)))

    assert not_allowed(tmp_path / "calls") == [f"provision may not eks:DeleteCluster on {dev}"]


def test_what_is_made_has_to_be_tagged_as_its_policy_asks() -> None:
    vpc = AT.replace("us-east-1", "*").format("ec2", "vpc/*")

    assert missed("drill", "ec2:CreateVpc", tags=DRILLS) == []
    assert missed("drill", "ec2:CreateVpc", tags=OURS) == [f"ec2:CreateVpc on {vpc}"]
    assert missed("provision", "ec2:CreateVpc", tags=OURS) == []
    assert missed("provision", "ec2:CreateVpc") == [f"ec2:CreateVpc on {vpc}"]


def test_a_rule_that_gets_tags_is_a_resource_beside_its_group() -> None:
    group = AT.format("ec2", "security-group/*")
    rule = AT.replace("us-east-1", "*").format("ec2", "security-group-rule/*")

    assert missed("drill", "ec2:AuthorizeSecurityGroupIngress", group) == []
    assert missed("drill", "ec2:AuthorizeSecurityGroupIngress", group, tags=OURS) == [
        f"ec2:AuthorizeSecurityGroupIngress on {rule}"
    ]


def test_what_is_open_to_services_alone_is_shut_to_the_family_itself() -> None:
    key = AT.format("kms", "key/*")

    assert missed("backup", "kms:Sign", key) == []
    assert missed("backup", "kms:Decrypt", key) == [f"kms:Decrypt on {key}"]


def test_a_reading_call_that_names_nothing_asks_for_everything() -> None:
    assert missed("drill", "rds:DescribeDBClusterSnapshots") == []
    every = AT.replace("us-east-1", "*").format("eks", "cluster/*")
    assert missed("backup", "eks:DescribeCluster") == [f"eks:DescribeCluster on {every}"]


def test_what_is_denied_is_not_allowed() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/ils-dev-nodes"
    attach = ("provision", "iam:AttachRolePolicy", role)

    assert missed(*attach, "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy") == []
    assert missed(*attach, "arn:aws:iam::aws:policy/AdministratorAccess") == [f"iam:AttachRolePolicy on {role}"]


def test_a_role_that_is_handed_on_has_to_be_one_that_may_be_passed() -> None:
    cluster = AT.format("eks", "cluster/ilsdrill-dev-*")
    roles = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("ils-dev-control-plane", "administrator")]

    assert missed("drill", "eks:CreateCluster", cluster, roles[0], tags=DRILLS) == []
    assert missed("drill", "eks:CreateCluster", cluster, roles[1], tags=DRILLS) == [f"iam:PassRole on {roles[1]}"]


@given(text=st.text(max_size=20))
def test_a_pattern_of_plain_text_is_that_text(text: str) -> None:
    plain = text.replace("*", "").replace("?", "")

    assert matches(plain, plain)
    assert matches(plain, "*")
    assert matches(f"{plain}x", f"{plain}?")
    assert not matches(plain, f"{plain}?")
    assert not matches("a", "[a]")
