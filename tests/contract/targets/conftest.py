"""The targets, each in its own way in front of the same servers.

`aws` takes exactly the way it takes in an account: the standard variables of the AWS SDKs name the endpoint and hold the
credentials. What answers there is the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.settings.tiers import TargetKind
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox

ACCOUNT = "123456789012"
CLUSTER = "ils-dev"
KINDS = (TargetKind.SANDBOX, TargetKind.AWS)


@dataclass(frozen=True)
class Place:
    """A sandbox that is up, with one active cluster in it."""

    sandbox: LocalSandbox
    region: str

    @property
    def endpoint(self) -> str:
        return self.sandbox.endpoints["aws"]

    def variables(self, endpoint: str | None = None) -> dict[str, str]:
        """What a shell has that is logged in to an account."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "an-example",
        }

    def client(self, service: str) -> Any:
        """A client that owes nothing to the code under test."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )


def environment_of(kind: TargetKind) -> Environment:
    dev = load_environment("dev")
    account = dev.aws.model_copy(update={"account_id": ACCOUNT})
    return dev.model_copy(update={"target": kind, "aws": account})


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    sandbox = LocalSandbox(tmp_path_factory.mktemp("targets"))
    sandbox.ils("sandbox", "start")
    sandbox.control("settings", {"host_processes": True}, server="kubernetes")
    made = Place(sandbox, load_environment("dev").aws.region)
    _make_cluster(made)
    yield made
    sandbox.ils("sandbox", "stop")


def _make_cluster(place: Place) -> None:
    ec2, iam, eks = (place.client(service) for service in ("ec2", "iam", "eks"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=place.region + zone)["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate("ab")
    ]
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="control-plane", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    eks.create_cluster(name=CLUSTER, version="1.35", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
    eks.describe_cluster(name=CLUSTER)
    eks.create_nodegroup(clusterName=CLUSTER, nodegroupName="n", subnets=subnets, nodeRole=role)
    eks.describe_nodegroup(clusterName=CLUSTER, nodegroupName="n")


@pytest.fixture
def clean_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Nothing of this machine's own AWS configuration."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def logged_in(clean_variables: None, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ILS_STATE_DIR", str(place.sandbox.directory))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> TargetKind:
    return TargetKind(request.param)


@pytest.fixture
def target(kind: TargetKind, logged_in: None) -> Target:
    return open_target(environment_of(kind))


@pytest.fixture
def unreachable(
    kind: TargetKind, logged_in: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Target:
    """A target behind which nothing answers."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path_factory.mktemp("nothing")))
    return open_target(environment_of(kind))


Opener = Callable[..., Target]


@pytest.fixture
def aws_target(logged_in: None) -> Opener:
    """Opens an AWS target whose file says `account` of the account."""

    def opener(family: JobFamily | None = None, **account: Any) -> Target:
        environment = environment_of(TargetKind.AWS)
        return open_target(environment.model_copy(update={"aws": environment.aws.model_copy(update=account)}), family)

    return opener
