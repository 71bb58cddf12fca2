"""Check: what is filled in, and what is refused before any call is made."""

from __future__ import annotations

import asyncio
import re

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import CheckRequest

from ils_sandbox.provider.aws import AwsProvider
from ils_sandbox.provider.errors import NotLoopback, UnknownType
from ils_sandbox.provider.values import UNKNOWN, plain, property_value

ENDPOINT = "http://127.0.0.1:9"
"""Nothing listens there: check must not need it."""

SUBNET = "aws:ec2/subnet:Subnet"
VPC = "aws:ec2/vpc:Vpc"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
REPLICATION_GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"


def urn(token: str, name: str = "thing") -> str:
    return f"urn:pulumi:dev::ils-vpc::ils:vpc:Network${token}::{name}"


def check(
    token: str,
    inputs: dict[str, object],
    old: dict[str, PropertyValue] | None = None,
    seed: bytes = b"seed",
) -> tuple[dict[str, PropertyValue], dict[str, str]]:
    """The completed inputs, and the problems."""
    news = {k: v if isinstance(v, PropertyValue) else property_value(v) for k, v in inputs.items()}
    provider = AwsProvider(ENDPOINT, "us-east-1")
    response = asyncio.run(provider.check(CheckRequest(urn(token.rsplit("$", maxsplit=1)[-1]), old or {}, news, seed)))
    return response.inputs or {}, {failure.property: failure.reason for failure in response.failures or ()}


@pytest.mark.parametrize(
    "endpoint",
    ["https://ec2.us-east-1.amazonaws.com", "http://10.0.0.1:4566", "http://127.0.0.1.example.com", "127.0.0.1:1", ""],
)
def test_an_endpoint_elsewhere_is_refused(endpoint: str) -> None:
    with pytest.raises(NotLoopback, match="only talks to this machine"):
        AwsProvider(endpoint, "us-east-1")


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:1", "http://127.8.0.1:1", "http://[::1]:1", "http://localhost:1"]
)
def test_every_name_of_this_machine_is_taken(endpoint: str) -> None:
    AwsProvider(endpoint, "us-east-1")


def test_a_type_without_an_entry_is_named() -> None:
    with pytest.raises(UnknownType, match=r"aws:sqs/queue:Queue is unsupported in the sandbox\. Supported: .*kms"):
        check("aws:sqs/queue:Queue", {})


def test_defaults_are_filled_in_and_recorded_as_the_real_provider_records_them() -> None:
    inputs, _ = check(VPC, {"cidrBlock": "10.0.0.0/16"})
    assert plain(inputs) == {"cidrBlock": "10.0.0.0/16", "instanceTenancy": "default", "enableDnsSupport": True}
    assert inputs["__defaults"] == property_value(["enableDnsSupport", "instanceTenancy"])


def test_a_name_is_made_of_the_resource_s_and_seven_digits() -> None:
    inputs, _ = check(LOG_GROUP, {})
    assert re.fullmatch(r"thing-[0-9a-f]{7}", plain(inputs)["name"])


def test_the_same_seed_gives_the_same_name_and_another_another() -> None:
    first, again, other = (plain(check(LOG_GROUP, {}, seed=seed)[0])["name"] for seed in (b"a", b"a", b"b"))
    assert first == again != other


def test_a_name_once_made_up_stays() -> None:
    before, _ = check(LOG_GROUP, {}, seed=b"a")
    after, _ = check(LOG_GROUP, {"retentionInDays": 7}, old=before, seed=b"b")
    assert after["name"] == before["name"]


def test_a_name_that_was_given_and_is_no_more_is_made_up_anew() -> None:
    before, _ = check(LOG_GROUP, {"name": "given"})
    after, _ = check(LOG_GROUP, {}, old=before)
    assert plain(after)["name"] != "given"


def test_a_prefix_starts_the_name() -> None:
    inputs, _ = check(LOG_GROUP, {"namePrefix": "/ils/"})
    assert plain(inputs)["name"].startswith("/ils/")


def test_names_that_aws_lower_cases_are_made_in_lower_case() -> None:
    news = {"description": property_value("d"), "nodeType": property_value("cache.t4g.micro")}
    provider = AwsProvider(ENDPOINT, "us-east-1")
    request = CheckRequest(urn(REPLICATION_GROUP, "Sessions"), {}, news, b"seed")
    response = asyncio.run(provider.check(request))
    assert response.inputs is not None
    assert plain(response.inputs)["replicationGroupId"].startswith("sessions-")


def test_all_problems_are_told_at_once_with_their_paths() -> None:
    _, problems = check(
        NODE_GROUP,
        {
            "clusterName": "c",
            "nodeRoleArn": "r",
            "subnetIds": "subnet-1",
            "scalingConfig": {"desiredSize": "two", "maxSize": 3},
            "capacityType": "CHEAP",
            "labels": ["a"],
            "taints": [{"key": "k", "effect": "NO"}],
            "desiredSize": 2,
        },
    )
    assert problems.keys() == {
        "subnetIds",
        "scalingConfig.desiredSize",
        "scalingConfig.minSize",
        "capacityType",
        "labels",
        "taints[0].effect",
        "desiredSize",
    }
    assert problems["scalingConfig.minSize"] == "missing required property"
    assert problems["subnetIds"] == "expected a list, found a string"
    assert problems["capacityType"] == "expected one of ON_DEMAND, SPOT, CAPACITY_BLOCK, found 'CHEAP'"
    assert problems["desiredSize"].startswith("unknown property; there are: amiType,")


@pytest.mark.parametrize(
    ("token", "inputs", "property_"),
    [
        ("aws:ec2/route:Route", {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"}, "gatewayId"),
        ("aws:ec2/natGateway:NatGateway", {"subnetId": "subnet-1"}, "allocationId"),
        ("aws:kms/alias:Alias", {"name": "database", "targetKeyId": "k"}, "name"),
        ("aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 3}, "recoveryWindowInDays"),
        ("aws:secretsmanager/secretVersion:SecretVersion", {"secretId": "s"}, "secretString"),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"securityGroupId": "sg-1", "ipProtocol": "tcp", "cidrIpv4": "10.0.0.0/8", "prefixListId": "pl-1"},
            "cidrIpv4",
        ),
        (
            "aws:rds/cluster:Cluster",
            {"engine": "aurora-postgresql", "masterPassword": "x", "manageMasterUserPassword": True},
            "masterPassword",
        ),
        (LOG_GROUP, {"retentionInDays": 8}, "retentionInDays"),
    ],
)
def test_what_aws_would_refuse_is_refused_first(token: str, inputs: dict[str, object], property_: str) -> None:
    assert property_ in check(token, inputs)[1]


def test_unknown_values_pass() -> None:
    inputs, problems = check(SUBNET, {"vpcId": UNKNOWN, "tags": {"Name": UNKNOWN}})
    assert problems == {}
    assert plain(inputs)["vpcId"] is UNKNOWN
    assert plain(inputs)["tags"]["Name"] is UNKNOWN


def test_numbers_and_flags_may_be_strings_as_configuration_gives_them() -> None:
    assert check(LOG_GROUP, {"retentionInDays": 7, "skipDestroy": "true"})[1] == {}


def test_what_is_secret_stays_secret() -> None:
    secret = property_value("10.0.0.0/16", secret=True)
    inputs, _ = check(VPC, {"cidrBlock": secret})
    assert inputs["cidrBlock"].is_secret


def test_what_holds_a_password_becomes_secret() -> None:
    inputs, _ = check(REPLICATION_GROUP, {"description": "d", "authToken": "a-token-of-sixteen"})
    assert inputs["authToken"].is_secret


def test_no_problem_repeats_a_secret() -> None:
    secret = property_value("hunter2hunter2", secret=True)
    _, problems = check(NODE_GROUP, {"capacityType": secret, "subnetIds": secret})
    assert "capacityType" in problems
    assert "hunter2" not in str(problems)
