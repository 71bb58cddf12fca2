"""The control plane and its nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.CLUSTER]


@pytest.fixture
def cluster(run: Any) -> dict[str, Any]:
    return dict(run.one("Cluster").inputs)


def test_the_api_is_private(cluster: dict[str, Any]) -> None:
    assert cluster["vpcConfig"]["endpointPrivateAccess"] is True
    assert cluster["vpcConfig"]["endpointPublicAccess"] is False


def test_the_api_is_opened_only_to_the_networks_of_the_file(apply_changed: Changed) -> None:
    run = apply_changed(cluster={"public_access_cidrs": ["203.0.113.0/24"]})[Layer.CLUSTER]
    reach = run.one("Cluster").inputs["vpcConfig"]
    assert (reach["endpointPublicAccess"], reach["publicAccessCidrs"]) == (True, ["203.0.113.0/24"])


def test_all_five_logs_are_written(cluster: dict[str, Any]) -> None:
    assert cluster["enabledClusterLogTypes"] == ["api", "audit", "authenticator", "controllerManager", "scheduler"]


@pytest.mark.parametrize(("name", "days"), [("dev", 7), ("staging", 14), ("production", 30)])
def test_logs_are_kept_as_long_as_the_tier_says(of_tier: Callable[[str], Runs], name: str, days: int) -> None:
    group = of_tier(name)[Layer.CLUSTER].one("LogGroup").inputs
    assert (group["name"], group["retentionInDays"]) == (f"/aws/eks/ils-{name}/cluster", days)


def test_the_log_group_is_there_before_the_cluster(run: Any) -> None:
    assert run.one("LogGroup").urn in run.one("Cluster").dependencies


def test_the_role_may_act_before_the_cluster_needs_it(run: Any) -> None:
    attachment = run.one("RolePolicyAttachment", "control-plane-AmazonEKSClusterPolicy")
    assert attachment.urn in run.one("Cluster").dependencies


def test_the_version_is_kept_in_standard_support(cluster: dict[str, Any]) -> None:
    assert (cluster["version"], cluster["upgradePolicy"]) == ("1.35", {"supportType": "STANDARD"})


def test_access_is_granted_by_entries_not_by_a_config_map(cluster: dict[str, Any]) -> None:
    assert cluster["accessConfig"]["authenticationMode"] == "API"


def test_only_production_refuses_to_delete_its_cluster(cluster: dict[str, Any], tier: str) -> None:
    assert cluster["deletionProtection"] is (tier == "production")


def test_control_plane_and_nodes_stand_in_private_subnets(run: Any, cluster: dict[str, Any]) -> None:
    assert cluster["vpcConfig"]["subnetIds"] == ["private-a-id", "private-b-id"]
    assert {tuple(group.inputs["subnetIds"]) for group in run.of("NodeGroup")} == {("private-a-id", "private-b-id")}


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("dev", {"general": ("ON_DEMAND", 2, 5)}),
        ("staging", {"general": ("ON_DEMAND", 2, 6), "spot": ("SPOT", 0, 4)}),
        ("production", {"general": ("ON_DEMAND", 2, 10), "spot": ("SPOT", 0, 10)}),
    ],
)
def test_node_groups_are_those_of_the_tier(
    of_tier: Callable[[str], Runs], name: str, groups: dict[str, tuple[str, int, int]]
) -> None:
    assert {
        group.name: (
            group.inputs["capacityType"],
            int(group.inputs["scalingConfig"]["minSize"]),
            int(group.inputs["scalingConfig"]["maxSize"]),
        )
        for group in of_tier(name)[Layer.CLUSTER].of("NodeGroup")
    } == groups


def test_the_number_of_running_nodes_is_left_to_the_autoscaler(run: Any) -> None:
    assert {group.ignore_changes for group in run.of("NodeGroup")} == {("scalingConfig.desiredSize",)}


def test_nodes_run_the_version_of_the_control_plane(run: Any) -> None:
    assert {group.inputs["version"] for group in run.of("NodeGroup")} == {"1.35"}


def test_nodes_wait_for_their_role_s_policies(run: Any) -> None:
    needed = {attachment.urn for attachment in run.of("RolePolicyAttachment") if attachment.name.startswith("nodes-")}
    assert len(needed) == 3
    assert [group.name for group in run.of("NodeGroup") if not needed <= group.dependencies] == []


def test_nodes_may_pull_images_and_not_push_them(run: Any) -> None:
    policies = {a.inputs["policyArn"].split("/")[-1] for a in run.of("RolePolicyAttachment")}
    assert {policy for policy in policies if "Registry" in policy} == {"AmazonEC2ContainerRegistryReadOnly"}


def test_metadata_needs_a_token_that_pods_cannot_get(run: Any) -> None:
    for template in run.of("LaunchTemplate"):
        options = template.inputs["metadataOptions"]
        assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_node_disks_are_encrypted(run: Any) -> None:
    for template in run.of("LaunchTemplate"):
        (disk,) = template.inputs["blockDeviceMappings"]
        assert (disk["ebs"]["volumeType"], disk["ebs"]["encrypted"]) == ("gp3", "true")


def test_nodes_have_no_ssh_key_and_our_security_group(run: Any) -> None:
    for template in run.of("LaunchTemplate"):
        assert "keyName" not in template.inputs
        assert template.inputs["vpcSecurityGroupIds"] == ["nodes-id"]


def test_what_is_started_from_a_template_is_tagged(run: Any, tier: str) -> None:
    for template in run.of("LaunchTemplate"):
        tagged = {row["resourceType"]: row["tags"]["environment"] for row in template.inputs["tagSpecifications"]}
        assert tagged == {"instance": tier, "network-interface": tier, "volume": tier}


MEASURING = ("cloudwatch-agent", "adot-col-prom-metrics")


def test_every_role_is_assumed_by_one_service_alone(applied: Runs, tier: str) -> None:
    services = {
        role.inputs["name"].split("-", 2)[2]: json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Principal"]
        for run in applied.values()
        for role in run.of("Role")
    }
    assert services == {
        "flow-logs": {"Service": "vpc-flow-logs.amazonaws.com"},
        "control-plane": {"Service": "eks.amazonaws.com"},
        "nodes": {"Service": "ec2.amazonaws.com"},
        "app": {"Service": "pods.eks.amazonaws.com"},
        "load-balancer-controller": {"Service": "pods.eks.amazonaws.com"},
        "backup-jobs": {"Service": "pods.eks.amazonaws.com"},
        **({"cluster-autoscaler": {"Service": "pods.eks.amazonaws.com"}} if tier == "production" else {}),
        "adot-col-otlp-ingest": {"Service": "pods.eks.amazonaws.com"},
        **({} if tier == "dev" else {key: {"Service": "pods.eks.amazonaws.com"} for key in MEASURING}),
        "database-monitoring": {"Service": "monitoring.rds.amazonaws.com"},
        "backups": {"Service": "backup.amazonaws.com"},
        "backup-copies": {"Service": "s3.amazonaws.com"},
    }
