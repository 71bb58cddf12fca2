"""EKS and the Kubernetes stand-in together: what EKS describes is where Kubernetes answers."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest


def _client(sandbox: Any, service: str, region: str = "eu-central-1") -> Any:
    return boto3.client(
        service,
        endpoint_url=sandbox.state.aws.endpoint,
        region_name=region,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )


@pytest.fixture
def cluster(sandbox: Any) -> dict[str, Any]:
    """A whole sandbox with an active cluster of two nodes, as EKS describes it, and where its nodes are."""
    assert sandbox.run("start").code == 0
    ec2, iam, eks = (_client(sandbox, service) for service in ("ec2", "iam", "eks"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate("ab")
    ]
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    eks.create_cluster(name="c", version="1.34", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
    eks.describe_cluster(name="c")
    eks.create_nodegroup(clusterName="c", nodegroupName="n", subnets=subnets, nodeRole=role, labels={"pool": "x"})
    eks.describe_nodegroup(clusterName="c", nodegroupName="n")
    described: dict[str, Any] = eks.describe_cluster(name="c")["cluster"]
    return described


def _get(sandbox: Any, cluster: dict[str, Any], path: str) -> tuple[int, Any]:
    return _ask(sandbox, cluster, "GET", path)


def _ask(sandbox: Any, cluster: dict[str, Any], method: str, path: str, body: Any = None) -> tuple[int, Any]:
    address = urlsplit(cluster["endpoint"])
    authority = base64.b64decode(cluster["certificateAuthority"]["data"]).decode()
    connection = http.client.HTTPSConnection(
        address.hostname or "", address.port, context=ssl.create_default_context(cadata=authority)
    )
    token = (sandbox.files.kubernetes / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(method, address.path + path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if content else None


def test_the_described_endpoint_answers_with_the_described_authority(sandbox: Any, cluster: dict[str, Any]) -> None:
    status, version = _get(sandbox, cluster, "/version")
    assert status == 200
    assert version["minor"].startswith("34")


def test_nodes_follow_the_node_group(sandbox: Any, cluster: dict[str, Any]) -> None:
    def nodes() -> list[Any]:
        found: list[Any] = _get(sandbox, cluster, "/api/v1/nodes")[1]["items"]
        return found

    assert [node["metadata"]["labels"]["pool"] for node in nodes()] == ["x", "x"]
    eks = _client(sandbox, "eks")
    eks.update_nodegroup_config(
        clusterName="c", nodegroupName="n", scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 3}
    )
    eks.describe_nodegroup(clusterName="c", nodegroupName="n")
    assert len(nodes()) == 3
    eks.delete_nodegroup(clusterName="c", nodegroupName="n")
    assert nodes() == []


def test_the_cluster_is_still_there_after_a_restart(sandbox: Any, cluster: dict[str, Any]) -> None:
    sandbox.run("stop")
    assert sandbox.run("start").code == 0
    described = _client(sandbox, "eks").describe_cluster(name="c")["cluster"]
    assert described["status"] == "ACTIVE"
    assert len(_get(sandbox, described, "/api/v1/nodes")[1]["items"]) == 2


def test_a_deleted_cluster_has_no_api(sandbox: Any, cluster: dict[str, Any]) -> None:
    eks = _client(sandbox, "eks")
    eks.delete_nodegroup(clusterName="c", nodegroupName="n")
    eks.delete_cluster(name="c")
    assert _get(sandbox, cluster, "/version")[0] == 404


def test_a_cluster_of_the_same_name_in_another_region_has_objects_of_its_own(
    sandbox: Any, cluster: dict[str, Any]
) -> None:
    ec2, eks = _client(sandbox, "ec2", "eu-west-1"), _client(sandbox, "eks", "eu-west-1")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate("ab")
    ]
    eks.create_cluster(name="c", version="1.35", roleArn=cluster["roleArn"], resourcesVpcConfig={"subnetIds": subnets})
    other = eks.describe_cluster(name="c")["cluster"]
    assert other["endpoint"] != cluster["endpoint"]
    body = {"metadata": {"name": "only-here"}}
    assert _ask(sandbox, other, "POST", "/api/v1/namespaces", body)[0] == 201

    sandbox.run("stop")
    assert sandbox.run("start").code == 0
    here = _client(sandbox, "eks").describe_cluster(name="c")["cluster"]
    there = _client(sandbox, "eks", "eu-west-1").describe_cluster(name="c")["cluster"]
    assert _get(sandbox, there, "/api/v1/namespaces/only-here")[0] == 200
    assert _get(sandbox, here, "/api/v1/namespaces/only-here")[0] == 404
    _client(sandbox, "eks", "eu-west-1").delete_cluster(name="c")
    assert _get(sandbox, there, "/version")[0] == 404
    assert len(_get(sandbox, here, "/api/v1/nodes")[1]["items"]) == 2
