"""EKS keeps what it is told, and refuses what AWS refuses."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def key(aws: Any) -> str:
    return str(aws.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def cluster(aws: Any, network: Any, role: str, name: str) -> str:
    aws.client("eks").create_cluster(
        name=name, version="1.34", roleArn=role, resourcesVpcConfig={"subnetIds": list(network.subnets)}
    )
    return name


@pytest.fixture
def nodegroup(aws: Any, cluster: str, network: Any, role: str) -> dict[str, str]:
    names = {"clusterName": cluster, "nodegroupName": "nodes"}
    aws.client("eks").create_nodegroup(**names, subnets=list(network.subnets), nodeRole=role, labels={"a": "1"})
    return names


def test_a_cluster_is_described_as_it_was_created(aws: Any, network: Any, role: str, name: str, key: str) -> None:
    given = {
        "name": name,
        "version": "1.35",
        "roleArn": role,
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.21.0.0/16", "ipFamily": "ipv4"},
        "logging": {"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]},
        "tags": {"a": "b"},
        "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": key}}],
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "upgradePolicy": {"supportType": "STANDARD"},
        "deletionProtection": True,
        "zonalShiftConfig": {"enabled": True},
    }
    vpc_config = {
        "subnetIds": list(network.subnets),
        "securityGroupIds": [network.group],
        "endpointPublicAccess": True,
        "endpointPrivateAccess": True,
        "publicAccessCidrs": ["192.0.2.0/24"],
    }
    eks = aws.client("eks")
    eks.create_cluster(**given, resourcesVpcConfig=vpc_config)
    cluster = eks.describe_cluster(name=name)["cluster"]

    logging, network_config = given.pop("logging"), given.pop("kubernetesNetworkConfig")
    assert {key: cluster[key] for key in given} == given
    assert cluster["logging"]["clusterLogging"][0] == logging["clusterLogging"][0]  # type: ignore[index]
    assert network_config.items() <= cluster["kubernetesNetworkConfig"].items()  # type: ignore[attr-defined]
    assert vpc_config.items() <= cluster["resourcesVpcConfig"].items()
    assert cluster["resourcesVpcConfig"]["vpcId"] == network.vpc
    assert cluster["identity"]["oidc"]["issuer"].startswith("https://oidc.eks.eu-central-1.amazonaws.com/id/")


def test_a_clusters_security_group_exists_and_is_tagged(aws: Any, cluster: str, network: Any) -> None:
    config = aws.client("eks").describe_cluster(name=cluster)["cluster"]["resourcesVpcConfig"]
    group = aws.client("ec2").describe_security_groups(GroupIds=[config["clusterSecurityGroupId"]])["SecurityGroups"][0]
    assert group["VpcId"] == network.vpc
    assert {"Key": "aws:eks:cluster-name", "Value": cluster} in group["Tags"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]


def test_a_repeated_creation_with_the_same_token_makes_nothing_new(
    aws: Any, network: Any, role: str, name: str
) -> None:
    eks = aws.client("eks")
    given = {"name": name, "roleArn": role, "resourcesVpcConfig": {"subnetIds": list(network.subnets)}}
    first = eks.create_cluster(**given, clientRequestToken="t")["cluster"]["arn"]
    assert eks.create_cluster(**given, clientRequestToken="t")["cluster"]["arn"] == first
    with pytest.raises(eks.exceptions.ResourceInUseException):
        eks.create_cluster(**given)


@pytest.mark.parametrize("version", ["1.28", "1.30", "1.99"])
def test_versions_that_cannot_be_created_are_refused(
    aws: Any, network: Any, role: str, name: str, version: str
) -> None:
    eks = aws.client("eks")
    with pytest.raises(eks.exceptions.InvalidParameterException, match=version):
        eks.create_cluster(
            name=name, version=version, roleArn=role, resourcesVpcConfig={"subnetIds": list(network.subnets)}
        )


def test_a_cluster_needs_subnets_in_two_zones_and_a_role(aws: Any, network: Any, role: str, name: str) -> None:
    eks = aws.client("eks")
    with pytest.raises(eks.exceptions.InvalidParameterException, match="two different AZs"):
        eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": [network.subnets[0]]})
    with pytest.raises(eks.exceptions.InvalidParameterException, match="Role"):
        eks.create_cluster(name=name, roleArn=f"{role}x", resourcesVpcConfig={"subnetIds": list(network.subnets)})


def test_supported_versions_are_listed_with_one_default(aws: Any) -> None:
    versions = aws.client("eks").describe_cluster_versions()["clusterVersions"]
    assert [version["clusterVersion"] for version in versions if version["defaultVersion"]] == ["1.35"]
    assert {version["versionStatus"] for version in versions} <= {"STANDARD_SUPPORT", "EXTENDED_SUPPORT"}
    described = aws.client("eks").describe_cluster_versions(clusterVersions=["1.28"])["clusterVersions"]
    assert described[0]["versionStatus"] == "UNSUPPORTED"


def test_a_clusters_configuration_is_changed_by_an_update(aws: Any, cluster: str) -> None:
    eks = aws.client("eks")
    update = eks.update_cluster_config(
        name=cluster, logging={"clusterLogging": [{"types": ["audit"], "enabled": True}]}
    )["update"]
    assert update["type"] == "LoggingUpdate"
    logging = eks.describe_cluster(name=cluster)["cluster"]["logging"]["clusterLogging"]
    assert {"types": ["audit"], "enabled": True} in logging
    assert eks.list_updates(name=cluster)["updateIds"] == [update["id"]]


def test_an_update_that_changes_nothing_is_refused(aws: Any, cluster: str) -> None:
    eks = aws.client("eks")
    with pytest.raises(eks.exceptions.InvalidParameterException, match="No changes needed"):
        eks.update_cluster_config(name=cluster, upgradePolicy={"supportType": "EXTENDED"})


def test_kubernetes_is_upgraded_one_minor_at_a_time(aws: Any, cluster: str) -> None:
    eks = aws.client("eks")
    with pytest.raises(eks.exceptions.InvalidParameterException, match=r"from 1\.34 to 1\.36"):
        eks.update_cluster_version(name=cluster, version="1.36")
    eks.update_cluster_version(name=cluster, version="1.35")
    assert eks.describe_cluster(name=cluster)["cluster"]["version"] == "1.35"


def test_a_node_group_is_described_as_it_was_created(aws: Any, cluster: str, network: Any, role: str) -> None:
    template = aws.client("ec2").create_launch_template(
        LaunchTemplateName=cluster, LaunchTemplateData={"UserData": "YQ=="}
    )["LaunchTemplate"]["LaunchTemplateId"]
    given = {
        "clusterName": cluster,
        "nodegroupName": "spot",
        "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 3},
        "subnets": list(network.subnets),
        "instanceTypes": ["t3.large", "t3a.large"],
        "amiType": "BOTTLEROCKET_x86_64",
        "nodeRole": role,
        "labels": {"x": "y"},
        "taints": [{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}],
        "tags": {"a": "b"},
        "updateConfig": {"maxUnavailablePercentage": 33},
        "capacityType": "SPOT",
        "version": "1.33",
        "nodeRepairConfig": {"enabled": True},
    }
    eks = aws.client("eks")
    eks.create_nodegroup(**given, launchTemplate={"id": template, "version": "1"})
    nodegroup = eks.describe_nodegroup(clusterName=cluster, nodegroupName="spot")["nodegroup"]
    assert {key: nodegroup[key] for key in given} == given
    assert nodegroup["launchTemplate"] == {"id": template, "name": cluster, "version": "1"}
    assert nodegroup["releaseVersion"].startswith("1.33.")
    assert nodegroup["status"] == "ACTIVE"


def test_a_node_groups_configuration_is_changed_in_part(aws: Any, nodegroup: dict[str, str]) -> None:
    eks = aws.client("eks")
    update = eks.update_nodegroup_config(
        **nodegroup,
        scalingConfig={"maxSize": 5, "desiredSize": 4},
        labels={"addOrUpdateLabels": {"b": "2"}, "removeLabels": ["a"]},
        taints={"addOrUpdateTaints": [{"key": "k", "effect": "NO_EXECUTE"}]},
    )["update"]
    described = eks.describe_nodegroup(**nodegroup)["nodegroup"]
    assert described["scalingConfig"] == {"minSize": 1, "maxSize": 5, "desiredSize": 4}
    assert described["labels"] == {"b": "2"}
    assert described["taints"] == [{"key": "k", "effect": "NO_EXECUTE"}]
    found = eks.describe_update(
        name=nodegroup["clusterName"], nodegroupName=nodegroup["nodegroupName"], updateId=update["id"]
    )
    assert found["update"]["status"] == "Successful"


def test_sizes_out_of_order_are_refused(aws: Any, nodegroup: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="between minimum and maximum"):
        aws.client("eks").update_nodegroup_config(**nodegroup, scalingConfig={"desiredSize": 9})


def test_nodes_follow_the_cluster_to_a_new_version(aws: Any, nodegroup: dict[str, str]) -> None:
    eks = aws.client("eks")
    cluster = nodegroup["clusterName"]
    with pytest.raises(eks.exceptions.InvalidParameterException, match="newer than the cluster"):
        eks.update_nodegroup_version(**nodegroup, version="1.35")
    eks.update_cluster_version(name=cluster, version="1.35")
    eks.describe_cluster(name=cluster)
    eks.describe_nodegroup(**nodegroup)
    eks.update_nodegroup_version(**nodegroup)
    assert eks.describe_nodegroup(**nodegroup)["nodegroup"]["version"] == "1.35"


def test_a_cluster_with_nodes_or_protection_is_not_deleted(aws: Any, nodegroup: dict[str, str]) -> None:
    eks = aws.client("eks")
    cluster = nodegroup["clusterName"]
    with pytest.raises(eks.exceptions.ResourceInUseException, match="nodegroups attached"):
        eks.delete_cluster(name=cluster)
    eks.delete_nodegroup(**nodegroup)
    eks.update_cluster_config(name=cluster, deletionProtection=True)
    with pytest.raises(eks.exceptions.InvalidRequestException, match="deletion protection"):
        eks.delete_cluster(name=cluster)


def test_tags_are_kept_by_arn(aws: Any, nodegroup: dict[str, str]) -> None:
    eks = aws.client("eks")
    arn = eks.describe_nodegroup(**nodegroup)["nodegroup"]["nodegroupArn"]
    eks.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    eks.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
