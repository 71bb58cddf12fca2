"""The real AWS server of the sandbox, one process for each worker, and clients for it."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.aws_server import REGION, AwsServer

QUIET = {
    "latency_seconds": 0,
    "seconds_per_minute": 0,
    "copy_seconds": 0,
    "token_seconds": 0,
    "withdrawn": [],
    "minutes_ahead": 0,
}


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    server = AwsServer(tmp_path_factory.mktemp("aws")).start()
    yield server
    server.end()


@pytest.fixture
def aws(shared_server: AwsServer) -> Iterator[AwsServer]:
    """The server that the tests of one worker share: no faults, no latency, an empty recording."""
    shared_server.control("DELETE", "faults")
    shared_server.control("PUT", "settings", QUIET)
    shared_server.control("DELETE", "requests")
    yield shared_server
    shared_server.control("DELETE", "faults")
    shared_server.control("PUT", "settings", QUIET)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[AwsServer]:
    """A server of its own, not started yet."""
    server = AwsServer(tmp_path / "aws")
    yield server
    server.end(signal.SIGKILL)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"t-{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class Network:
    vpc: str
    subnets: tuple[str, str]
    group: str


NetworkFactory = Callable[[AwsServer], Network]


@pytest.fixture
def make_network(name: str) -> NetworkFactory:
    def make(server: AwsServer) -> Network:
        ec2 = server.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{11 + index}.0/24", AvailabilityZone=f"{REGION}{zone}")[
                "Subnet"
            ]["SubnetId"]
            for index, zone in enumerate("ab")
        ]
        group = ec2.create_security_group(GroupName=name, Description="nodes", VpcId=vpc)["GroupId"]
        return Network(vpc, (subnets[0], subnets[1]), group)

    return make


@pytest.fixture
def network(aws: AwsServer, make_network: NetworkFactory) -> Network:
    """A VPC with subnets in two zones and a security group."""
    return make_network(aws)


RoleFactory = Callable[[AwsServer], str]


@pytest.fixture
def make_role(name: str) -> RoleFactory:
    def make(server: AwsServer) -> str:
        document = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = server.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
        return str(role["Role"]["Arn"])

    return make


@pytest.fixture
def role(aws: AwsServer, make_role: RoleFactory) -> str:
    return make_role(aws)
