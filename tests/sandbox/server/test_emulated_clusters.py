"""EKS and the Kubernetes stand-in together: what EKS describes is where Kubernetes answers."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import uuid
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


@pytest.fixture(scope="module")
def sandbox(shared: Any) -> Any:
    """A whole sandbox, up."""
    assert shared.run("start").code == 0
    return shared


def _make(sandbox: Any, name: str, region: str = "eu-central-1") -> dict[str, Any]:
    """An active cluster of two nodes, as EKS describes it."""
    ec2, iam, eks = (_client(sandbox, service, region) for service in ("ec2", "iam", "eks"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=region + zone)["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate("ab")
    ]
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName=f"{name}-{region}", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    eks.create_cluster(name=name, version="1.34", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
    eks.describe_cluster(name=name)
    eks.create_nodegroup(clusterName=name, nodegroupName="n", subnets=subnets, nodeRole=role, labels={"pool": "x"})
    eks.describe_nodegroup(clusterName=name, nodegroupName="n")
    described: dict[str, Any] = eks.describe_cluster(name=name)["cluster"]
    return described


@pytest.fixture
def cluster(sandbox: Any) -> dict[str, Any]:
    """One of the test's own."""
    return _make(sandbox, f"c-{uuid.uuid4().hex[:8]}")


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
    eks, group = _client(sandbox, "eks"), {"clusterName": cluster["name"], "nodegroupName": "n"}
    eks.update_nodegroup_config(**group, scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 3})
    eks.describe_nodegroup(**group)
    assert len(nodes()) == 3
    eks.delete_nodegroup(**group)
    assert nodes() == []


def test_a_deleted_cluster_has_no_api(sandbox: Any, cluster: dict[str, Any]) -> None:
    eks = _client(sandbox, "eks")
    eks.delete_nodegroup(clusterName=cluster["name"], nodegroupName="n")
    eks.delete_cluster(name=cluster["name"])
    assert _get(sandbox, cluster, "/version")[0] == 404


def test_clusters_of_one_name_in_two_regions_have_objects_of_their_own_and_are_still_there_after_a_restart(
    sandbox: Any, cluster: dict[str, Any]
) -> None:
    name, elsewhere = cluster["name"], "eu-west-1"
    other = _make(sandbox, name, elsewhere)
    assert other["endpoint"] != cluster["endpoint"]
    body = {"metadata": {"name": "only-there"}}
    assert _ask(sandbox, other, "POST", "/api/v1/namespaces", body)[0] == 201

    sandbox.run("stop")
    assert sandbox.run("start").code == 0
    here = _client(sandbox, "eks").describe_cluster(name=name)["cluster"]
    there = _client(sandbox, "eks", elsewhere).describe_cluster(name=name)["cluster"]
    assert (here["status"], there["status"]) == ("ACTIVE", "ACTIVE")
    assert _get(sandbox, there, "/api/v1/namespaces/only-there")[0] == 200
    assert _get(sandbox, here, "/api/v1/namespaces/only-there")[0] == 404
    elsewhere_eks = _client(sandbox, "eks", elsewhere)
    elsewhere_eks.delete_nodegroup(clusterName=name, nodegroupName="n")
    elsewhere_eks.delete_cluster(name=name)
    assert _get(sandbox, there, "/version")[0] == 404
    assert len(_get(sandbox, here, "/api/v1/nodes")[1]["items"]) == 2
