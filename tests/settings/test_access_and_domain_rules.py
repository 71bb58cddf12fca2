"""Who may use the cluster, and the name that people open: what a file may say of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ils_pipelines.settings.loading import FileReport

Read = Callable[..., FileReport]

ROLE = "arn:aws:iam::123456789012:role/ils-engineers"
ACCOUNT = {"account_id": "123456789012"}
IN_AWS = {
    "target": "aws",
    "aws": ACCOUNT,
    "engine": {"backend": "s3://ils-pulumi-state?region=us-east-1&awssdk=v2"},
}
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/c-1"
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/ils/w-1"


def access(**more: Any) -> dict[str, Any]:
    return {"name": "engineers", "principal_arn": ROLE, "grants": [{"policy": "view"}], **more}


def problems(read: Read, **sections: Any) -> dict[str, str]:
    """Remedies by place."""
    return {problem.path: problem.remedy for problem in read(sections).problems}


def test_a_principal_with_policies_for_namespaces_is_accepted(read: Read) -> None:
    grants = [{"policy": "edit", "namespaces": ["ils-dev"]}, {"policy": "view"}]
    assert problems(read, cluster={"access": [access(grants=grants)]}) == {}


@pytest.mark.parametrize(
    ("arn", "remedy"),
    [
        ("arn:aws:sts::123456789012:assumed-role/ils-engineers/alice", "of an assumed role, the role itself"),
        ("ils-engineers", "Write for example"),
        ("arn:aws:iam::123456789012:role/aws-service-role/eks.amazonaws.com/X", "the role that people"),
    ],
)
def test_a_principal_eks_does_not_take_is_refused(read: Read, arn: str, remedy: str) -> None:
    found = problems(read, cluster={"access": [access(principal_arn=arn)]})
    assert remedy in found["cluster.access[0].principal_arn"]


def test_a_principal_has_one_entry(read: Read) -> None:
    found = problems(read, cluster={"access": [access(), access(name="others")]})
    assert set(found) == {"cluster.access[1].principal_arn"}


def test_a_name_is_used_once(read: Read) -> None:
    found = problems(read, cluster={"access": [access(), access(principal_arn=f"{ROLE}-2")]})
    assert set(found) == {"cluster.access[1].name"}


def test_a_policy_is_granted_once(read: Read) -> None:
    grants = [{"policy": "edit", "namespaces": ["a"]}, {"policy": "edit", "namespaces": ["b"]}]
    found = problems(read, cluster={"access": [access(grants=grants)]})
    assert found == {"cluster.access[0].grants[1].policy": "Name all its namespaces in one grant."}


def test_a_principal_may_have_groups_alone(read: Read) -> None:
    assert problems(read, cluster={"access": [access(grants=[], groups=["ils:costs"])]}) == {}


def test_an_entry_that_allows_nothing_is_refused(read: Read) -> None:
    found = problems(read, cluster={"access": [access(grants=[])]})
    assert set(found) == {"cluster.access[0].grants"}


@pytest.mark.parametrize("group", ["system:masters", "eks:nodes", "-"])
def test_groups_that_eks_keeps_for_itself_are_refused(read: Read, group: str) -> None:
    found = problems(read, cluster={"access": [access(groups=[group])]})
    assert set(found) == {"cluster.access[0].groups[0]"}


def test_the_role_of_a_family_that_cannot_reach_the_cluster_is_told_of(read: Read) -> None:
    aws = {**ACCOUNT, "roles": {"read_only": ROLE}}
    [told] = [each for each in read({"aws": aws}).warnings if each.path.startswith("aws.roles")]
    assert "ils:read-only" in told.remedy
    there = read({"aws": aws, "cluster": {"access": [access(grants=[], groups=["ils:read-only"])]}})
    assert [each for each in there.warnings if each.path.startswith("aws.roles")] == []


def test_the_role_that_makes_the_cluster_needs_no_entry(read: Read) -> None:
    found = problems(read, aws={**ACCOUNT, "assume_role": ROLE}, cluster={"access": [access()]})
    assert set(found) == {"cluster.access[0].principal_arn"}


def test_a_cluster_keeps_a_node_for_its_add_ons(read: Read) -> None:
    groups = [{"name": "spot", "min_size": 0, "desired_size": 0}]
    assert set(problems(read, cluster={"node_groups": groups})) == {"cluster.node_groups"}


@pytest.mark.parametrize(
    ("versions", "place"),
    [({"coredns": "1.12"}, "cluster.addon_versions.coredns"), ({"core-dns": "v1.12.4-eksbuild.1"}, "core-dns")],
)
def test_versions_of_add_ons_are_pinned_by_their_own_names(read: Read, versions: dict[str, str], place: str) -> None:
    assert [path for path in problems(read, cluster={"addon_versions": versions}) if place in path]


# -- the domain -------------------------------------------------------------------------------------------------------


def test_in_aws_a_certificate_needs_a_zone_or_to_be_there_already(read: Read) -> None:
    found = problems(read, **IN_AWS)
    assert set(found) == {"load_balancer.zone"}
    assert "Name the Route 53 zone" in found["load_balancer.zone"]
    assert "load_balancer.certificate_arn" in found["load_balancer.zone"]


@pytest.mark.parametrize("settings", [{"zone": "example.com"}, {"certificate_arn": CERTIFICATE}])
def test_either_of_them_is_enough(read: Read, settings: dict[str, str]) -> None:
    assert problems(read, **IN_AWS, load_balancer=settings) == {}


def test_in_the_sandbox_neither_is_needed(read: Read) -> None:
    assert problems(read) == {}


@pytest.mark.parametrize(
    ("domain", "zone", "held"),
    [
        ("ils.example.com", "example.com", True),
        ("ils.example.com", "ils.example.com", True),
        ("ils.example.com", "ple.com", False),
        ("ils.example.com", "dev.ils.example.com", False),
    ],
)
def test_the_zone_holds_the_domain(read: Read, domain: str, zone: str, held: bool) -> None:
    found = problems(read, load_balancer={"domain": domain, "zone": zone})
    assert set(found) == (set() if held else {"load_balancer.zone"})


@pytest.mark.parametrize(("field", "arn"), [("certificate_arn", CERTIFICATE), ("web_acl_arn", WEB_ACL)])
def test_what_the_load_balancer_uses_is_in_its_region(read: Read, field: str, arn: str) -> None:
    found = problems(read, load_balancer={field: arn.replace("us-east-1", "eu-central-1")})
    assert "aws.region to eu-central-1" in found[f"load_balancer.{field}"]


def test_a_web_acl_of_cloudfront_guards_no_load_balancer(read: Read) -> None:
    found = problems(read, load_balancer={"web_acl_arn": WEB_ACL.replace("regional", "global")})
    assert "those of CloudFront" in found["load_balancer.web_acl_arn"]


def test_a_waiver_that_is_needed_no_longer_is_warned_about(read: Read) -> None:
    waiver = {"control": "load-balancer-waf", "reason": "There is no web ACL here for now.", "expires": "2027-05-31"}
    with_acl = read({"load_balancer": {"web_acl_arn": WEB_ACL}, "posture_waivers": [waiver]})
    without = read({"posture_waivers": [waiver]})
    assert [warning.path for warning in with_acl.warnings] == ["posture_waivers[0].control"]
    assert without.warnings == ()
