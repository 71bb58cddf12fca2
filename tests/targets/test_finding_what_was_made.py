"""Finding by its tags what a create made, in the sandbox's account."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.models import Stack
from ils_pipelines.settings.access import Access, AccessPolicy, Grant
from ils_pipelines.settings.layers import DEPENDS_ON, Layer
from ils_pipelines.settings.loading import read_environment
from ils_pipelines.settings.monitoring import Prometheus
from ils_pipelines.stacks.catalog import PROGRAMS
from ils_pipelines.stacks.upstream import Upstream
from ils_pipelines.targets.finding import KINDS, AwsFinder, id_of
from ils_pipelines.targets.found_by_name import BY_NAME
from ils_sandbox.engine import EmbeddedEngine
from ils_sandbox.provider.aws import AwsProvider
from tests.support.aws_server import AwsServer

REGION = "us-east-1"
NOT_LISTED_IN_THE_SANDBOX = {
    "aws:amp/workspace:Workspace",
    "aws:backup/plan:Plan",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:lb/listener:Listener",
    "aws:rds/clusterParameterGroup:ClusterParameterGroup",
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:sns/topic:Topic",
}
"""AWS's tagging API has these, the sandbox's does not."""
NEVER_MADE = {"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"}
"""AWS makes it with the VPC."""
NOT_LOOKED_FOR = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": "made again under its name, which AWS takes as done",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "AWS makes it with the VPC",
    "aws:sns/topic:Topic": "made again under its name, which AWS takes as done",
}
DEV = Path(__file__).resolve().parents[2] / "environments" / "dev.yaml"


def _deleted_key(server: AwsServer, inputs: dict[str, Any]) -> str:
    kms = server.client("kms", REGION)
    tags = [{"TagKey": key, "TagValue": value} for key, value in inputs["tags"].items()]
    key = str(kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"])
    kms.schedule_key_deletion(KeyId=key)
    return key


def _deleted_secret(server: AwsServer, inputs: dict[str, Any]) -> str:
    client = server.client("secretsmanager", REGION)
    tags = [{"Key": key, "Value": value} for key, value in inputs["tags"].items()]
    secret = client.create_secret(Name=f"{inputs['name']}-before", SecretString="s", Tags=tags)["ARN"]
    client.delete_secret(SecretId=secret)
    return str(secret)


def _deleted_gateway(server: AwsServer, inputs: dict[str, Any]) -> str:
    ec2 = server.client("ec2", REGION)
    tags = [{"Key": key, "Value": value} for key, value in inputs["tags"].items()]
    tagged = [{"ResourceType": "natgateway", "Tags": tags}]
    gateway = ec2.create_nat_gateway(SubnetId=inputs["subnetId"], ConnectivityType="private", TagSpecifications=tagged)[
        "NatGateway"
    ]["NatGatewayId"]
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    return str(gateway)


DELETED = {
    "key": ("aws:kms/key:Key", _deleted_key),
    "secret": ("aws:secretsmanager/secret:Secret", _deleted_secret),
    "gateway": ("aws:ec2/natGateway:NatGateway", _deleted_gateway),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    server = AwsServer(tmp_path_factory.mktemp("aws")).start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def finder(server: AwsServer) -> AwsFinder:
    def client(service: str, *, region: str | None = None) -> Any:
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
        return boto3.client(service, region_name=region or REGION, endpoint_url=server.endpoint, **keys)

    return AwsFinder(client)


@pytest.fixture(scope="module")
def made(server: AwsServer, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every resource of `dev` that has a name among its tags or is found by its name, with its provider's configuration.

    With people in the cluster and a workspace of Prometheus.
    """
    shipped = read_environment(DEV).environment
    assert shipped is not None
    monitoring = shipped.monitoring.model_copy(update={"prometheus": Prometheus.MANAGED})
    iam, trust = server.client("iam", REGION), '{"Version": "2012-10-17", "Statement": []}'
    role = iam.create_role(RoleName="engineers", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    access = (Access(name="engineers", principal_arn=role, grants=(Grant(policy=AccessPolicy.VIEW),)),)
    cluster = shipped.cluster.model_copy(update={"access": access})
    environment = shipped.model_copy(update={"monitoring": monitoring, "cluster": cluster})
    engine = EmbeddedEngine(
        tmp_path_factory.mktemp("stacks"),
        providers={"aws": lambda config: AwsProvider(server.endpoint, config["region"])},
        config={"aws:region": REGION},
    )
    outputs: dict[Layer, Any] = {}
    found = []
    for layer in PROGRAMS:
        upstream = Upstream({below: outputs[below] for below in DEPENDS_ON[layer]})
        stack = Stack(f"ils-{layer}", "dev", PROGRAMS[layer](environment, upstream))
        outputs[layer] = engine.up(stack).outputs
        resources = engine.export_state(stack)["deployment"]["resources"]
        providers = {f"{each['urn']}::{each.get('id')}": each.get("inputs") or {} for each in resources}
        found += [
            {**each, "configuration": providers[each["provider"]]}
            for each in resources
            if "Name" in (each.get("inputs", {}).get("tags") or {}) or each["type"] in BY_NAME
        ]
    return found


def test_whatever_has_a_name_among_its_tags_is_found_by_it(finder: AwsFinder, made: list[dict[str, Any]]) -> None:
    assert len(made) > 50
    wrong = {
        resource["type"]: (id_, resource["id"])
        for resource in made
        if (id_ := finder.find(resource["urn"], resource["inputs"], frozenset(), resource["configuration"]))
        != resource["id"]
        and resource["type"] not in NOT_LISTED_IN_THE_SANDBOX | NEVER_MADE
    }
    assert not wrong, "\n".join(f"{kind}: found {found}, is {is_}" for kind, (found, is_) in sorted(wrong.items()))


@pytest.mark.parametrize(
    ("kind", "arn", "id_"),
    [
        ("aws:amp/workspace:Workspace", "arn:aws:aps:eu-west-1:123456789012:workspace/ws-1-2", "ws-1-2"),
        ("aws:backup/plan:Plan", "arn:aws:backup:eu-west-1:123456789012:backup-plan:3af3f783-fd74", "3af3f783-fd74"),
        (
            "aws:lb/listener:Listener",
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/ils-dev/50dc6c495c0c9188/f2f7dc8efc522ab2",
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/ils-dev/50dc6c495c0c9188/f2f7dc8efc522ab2",
        ),
        (
            "aws:rds/clusterParameterGroup:ClusterParameterGroup",
            "arn:aws:rds:eu-west-1:123456789012:cluster-pg:ils-dev-aurora-postgresql15",
            "ils-dev-aurora-postgresql15",
        ),
        ("aws:rds/subnetGroup:SubnetGroup", "arn:aws:rds:eu-west-1:123456789012:subgrp:ils-dev", "ils-dev"),
        ("aws:rds/cluster:Cluster", "arn:aws:rds:eu-west-1:123456789012:cluster-pg:ils-dev", None),
        ("aws:eks/cluster:Cluster", "arn:aws:ecs:eu-west-1:123456789012:cluster/ils-dev", None),
    ],
)
def test_an_arn_gives_the_id_of_its_own_kind_only(kind: str, arn: str, id_: str | None) -> None:
    assert id_of(kind, arn) == id_


def test_every_kind_that_has_a_name_among_its_tags_is_looked_for(made: list[dict[str, Any]]) -> None:
    assert {resource["type"] for resource in made} == {*KINDS, *BY_NAME, *NOT_LOOKED_FOR}


def test_what_is_known_already_is_not_found(finder: AwsFinder, made: list[dict[str, Any]]) -> None:
    vpc = next(resource for resource in made if resource["type"] == "aws:ec2/vpc:Vpc")

    assert finder.find(vpc["urn"], vpc["inputs"], frozenset({vpc["id"]}), {}) is None


@pytest.mark.parametrize("kind", ["key", "secret", "gateway"])
def test_what_was_deleted_and_is_still_listed_is_not_found(
    finder: AwsFinder, made: list[dict[str, Any]], server: AwsServer, kind: str
) -> None:
    """As after `ils down`: a key stays for up to thirty days, with its tags."""
    type_, make_and_delete = DELETED[kind]
    resource = next(resource for resource in made if resource["type"] == type_)

    deleted = make_and_delete(server, resource["inputs"])

    assert finder.find(resource["urn"], resource["inputs"], frozenset(), {}) == resource["id"]
    assert finder.find(resource["urn"], resource["inputs"], frozenset({resource["id"]}), {}) is None
    assert deleted != resource["id"]


def test_an_alias_of_another_key_is_not_taken_for_ours(finder: AwsFinder, made: list[dict[str, Any]]) -> None:
    aliases = [resource for resource in made if resource["type"] == "aws:kms/alias:Alias"]
    inputs = {**aliases[0]["inputs"], "targetKeyId": aliases[1]["inputs"]["targetKeyId"]}

    assert finder.find(aliases[0]["urn"], inputs, frozenset(), aliases[0]["configuration"]) is None


def test_two_resources_with_the_same_tags_are_named(
    finder: AwsFinder, made: list[dict[str, Any]], server: AwsServer
) -> None:
    vpc = next(resource for resource in made if resource["type"] == "aws:ec2/vpc:Vpc")
    ec2 = server.client("ec2", REGION)
    tags = [{"Key": key, "Value": value} for key, value in vpc["inputs"]["tags"].items()]
    second = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])["Vpc"][
        "VpcId"
    ]
    try:
        with pytest.raises(EngineError, match=f"2 resources have its tags.*{second}"):
            finder.find(vpc["urn"], vpc["inputs"], frozenset(), {})
    finally:
        ec2.delete_vpc(VpcId=second)


def test_what_cannot_become_usable_is_named(finder: AwsFinder, made: list[dict[str, Any]]) -> None:
    instance = next(resource for resource in made if resource["type"] == "aws:rds/clusterInstance:ClusterInstance")

    with pytest.raises(EngineError, match=r"does not become usable: .*ils-dev-none"):
        finder.resume(instance["urn"], "ils-dev-none", instance["inputs"], instance["configuration"], threading.Event())


def test_what_is_found_is_waited_for(finder: AwsFinder, made: list[dict[str, Any]]) -> None:
    for resource in made:
        finder.resume(resource["urn"], resource["id"], resource["inputs"], resource["configuration"], threading.Event())
