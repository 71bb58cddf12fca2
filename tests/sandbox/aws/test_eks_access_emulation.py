"""EKS add-ons, access entries and pod identities, which moto does not have."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.conftest import AwsServer, Network

SLOW = {"latency_seconds": 0, "seconds_per_minute": 60}
AT_ONCE = {"latency_seconds": 0, "seconds_per_minute": 0}
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


def make_cluster(aws: AwsServer, network: Network, role: str, name: str, mode: str = "API") -> str:
    aws.client("eks").create_cluster(
        name=name,
        roleArn=role,
        version="1.35",
        resourcesVpcConfig={"subnetIds": list(network.subnets)},
        accessConfig={"authenticationMode": mode},
    )
    return name


@pytest.fixture
def cluster(aws: AwsServer, network: Network, role: str, name: str) -> str:
    return make_cluster(aws, network, role, name)


def status(aws: AwsServer, cluster: str, addon: str = "vpc-cni") -> str:
    return str(aws.client("eks").describe_addon(clusterName=cluster, addonName=addon)["addon"]["status"])


def test_an_addon_is_creating_then_active(aws: AwsServer, cluster: str) -> None:
    aws.client("eks").describe_cluster(name=cluster)
    aws.control("PUT", "settings", SLOW)
    addon = aws.client("eks").create_addon(clusterName=cluster, addonName="vpc-cni")["addon"]
    states = [addon["status"], status(aws, cluster)]
    aws.control("PUT", "settings", AT_ONCE)
    assert [*states, status(aws, cluster)] == ["CREATING", "CREATING", "ACTIVE"]


def test_an_update_of_an_addon_can_be_described(aws: AwsServer, cluster: str) -> None:
    eks = aws.client("eks")
    eks.create_addon(clusterName=cluster, addonName="vpc-cni", addonVersion="v1.20.3-eksbuild.1")
    status(aws, cluster)
    aws.control("PUT", "settings", SLOW)
    update = eks.update_addon(clusterName=cluster, addonName="vpc-cni", addonVersion="v1.20.4-eksbuild.1")["update"]
    assert (update["type"], update["status"], status(aws, cluster)) == ("AddonUpdate", "InProgress", "UPDATING")
    with pytest.raises(ClientError, match="ResourceInUseException"):
        eks.update_addon(clusterName=cluster, addonName="vpc-cni", configurationValues="{}")
    aws.control("PUT", "settings", AT_ONCE)
    found = eks.describe_update(name=cluster, addonName="vpc-cni", updateId=update["id"])["update"]
    assert (found["status"], status(aws, cluster)) == ("Successful", "ACTIVE")


def test_a_deleted_addon_is_gone(aws: AwsServer, cluster: str) -> None:
    eks = aws.client("eks")
    eks.create_addon(clusterName=cluster, addonName="vpc-cni")
    assert eks.list_addons(clusterName=cluster)["addons"] == ["vpc-cni"]
    assert eks.delete_addon(clusterName=cluster, addonName="vpc-cni")["addon"]["status"] == "DELETING"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        status(aws, cluster)
    assert eks.list_addons(clusterName=cluster)["addons"] == []


def test_only_offered_versions_of_addons_are_installed(aws: AwsServer, cluster: str) -> None:
    eks = aws.client("eks")
    offered = eks.describe_addon_versions(addonName="kube-proxy", kubernetesVersion="1.35")["addons"][0]
    versions = [each["addonVersion"] for each in offered["addonVersions"]]
    assert all(version.startswith("v1.35.") for version in versions)
    default = [each["compatibilities"][0]["defaultVersion"] for each in offered["addonVersions"]]
    assert default.count(True) == 1
    with pytest.raises(ClientError, match="InvalidParameterException"):
        eks.create_addon(clusterName=cluster, addonName="kube-proxy", addonVersion="v0.0.0-eksbuild.1")
    made = eks.create_addon(clusterName=cluster, addonName="kube-proxy")["addon"]
    assert made["addonVersion"] == versions[default.index(True)]


def test_pod_identities_of_an_addon_come_and_go_with_it(aws: AwsServer, cluster: str, role: str) -> None:
    eks = aws.client("eks")
    owned = [{"serviceAccount": "aws-node", "roleArn": role}]
    addon = eks.create_addon(clusterName=cluster, addonName="vpc-cni", podIdentityAssociations=owned)["addon"]
    found = eks.list_pod_identity_associations(clusterName=cluster)["associations"]
    assert [(each["serviceAccount"], each["ownerArn"]) for each in found] == [("aws-node", addon["addonArn"])]
    assert addon["podIdentityAssociations"] == [found[0]["associationArn"]]
    with pytest.raises(ClientError, match="InvalidRequestException"):
        eks.delete_pod_identity_association(clusterName=cluster, associationId=found[0]["associationId"])
    eks.delete_addon(clusterName=cluster, addonName="vpc-cni")
    assert eks.list_pod_identity_associations(clusterName=cluster)["associations"] == []


def test_a_service_account_has_one_pod_identity(aws: AwsServer, cluster: str, role: str) -> None:
    place = {"clusterName": cluster, "namespace": "ils", "serviceAccount": "app"}
    made = aws.client("eks").create_pod_identity_association(**place, roleArn=role)["association"]
    with pytest.raises(ClientError, match=f"already exists: {made['associationId']}"):
        aws.client("eks").create_pod_identity_association(**place, roleArn=role)


def test_an_access_entry_has_the_policies_associated_with_it(aws: AwsServer, cluster: str, role: str) -> None:
    eks = aws.client("eks")
    entry = eks.create_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]
    assert (entry["type"], entry["username"].endswith("/{{SessionName}}")) == ("STANDARD", True)
    place = {"clusterName": cluster, "principalArn": role}
    scope = {"type": "namespace", "namespaces": ["ils"]}
    eks.associate_access_policy(**place, policyArn=VIEW, accessScope=scope)
    found = eks.list_associated_access_policies(**place)["associatedAccessPolicies"]
    assert [(each["policyArn"], each["accessScope"]) for each in found] == [(VIEW, scope)]
    assert eks.list_access_entries(clusterName=cluster, associatedPolicyArn=VIEW)["accessEntries"] == [role]
    eks.disassociate_access_policy(**place, policyArn=VIEW)
    assert eks.list_associated_access_policies(**place)["associatedAccessPolicies"] == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"principalArn": "arn:aws:iam::123456789012:role/absent"}, "does not exist"),
        ({"kubernetesGroups": ["system:masters"]}, "must not start with system:"),
    ],
)
def test_a_wrong_access_entry_is_refused(
    aws: AwsServer, cluster: str, role: str, wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason):
        aws.client("eks").create_access_entry(**{"clusterName": cluster, "principalArn": role, **wrong})


def test_a_cluster_without_the_api_mode_has_no_access_entries(
    aws: AwsServer, network: Network, role: str, name: str
) -> None:
    old = make_cluster(aws, network, role, name, mode="CONFIG_MAP")
    with pytest.raises(ClientError, match="authentication mode must be set"):
        aws.client("eks").create_access_entry(clusterName=old, principalArn=role)


def test_what_belongs_to_a_cluster_goes_with_it(aws: AwsServer, network: Network, role: str, cluster: str) -> None:
    eks = aws.client("eks")
    eks.create_addon(clusterName=cluster, addonName="vpc-cni")
    eks.create_access_entry(clusterName=cluster, principalArn=role)
    eks.create_pod_identity_association(clusterName=cluster, namespace="ils", serviceAccount="app", roleArn=role)
    eks.delete_cluster(name=cluster)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        eks.describe_cluster(name=cluster)
    make_cluster(aws, network, role, cluster)
    assert eks.list_addons(clusterName=cluster)["addons"] == []
    assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == []
    assert eks.list_pod_identity_associations(clusterName=cluster)["associations"] == []


def test_tags_of_what_belongs_to_a_cluster_change(aws: AwsServer, cluster: str, role: str) -> None:
    eks = aws.client("eks")
    arn = eks.create_access_entry(clusterName=cluster, principalArn=role, tags={"a": "b"})["accessEntry"][
        "accessEntryArn"
    ]
    eks.tag_resource(resourceArn=arn, tags={"c": "d"})
    eks.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"}
