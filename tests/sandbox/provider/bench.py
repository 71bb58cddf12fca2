"""A workbench for resource types: drives a provider as an engine would, and reaches around it with boto3."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckFailure,
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    ReadRequest,
    UpdateRequest,
)

from ils_sandbox.provider.aws import AwsProvider
from ils_sandbox.provider.values import plain, property_value

REGION = "us-east-1"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


class Surroundings:
    """What resources refer to, made on first use by plain boto3 and kept for all tests of the session."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._clients: dict[tuple[str, str], Any] = {}
        self._blocks = itertools.count()

    def free_block(self, network: str) -> str:
        """A range of 16 addresses in `network`/17 that no other test has."""
        index = next(self._blocks)
        return f"{network}.{index // 16}.{index % 16 * 16}/28"

    def client(self, service: str, region: str = REGION) -> Any:
        if (service, region) not in self._clients:
            self._clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id="sandbox",
                aws_secret_access_key="sandbox",
            )
        return self._clients[service, region]

    @cached_property
    def provider(self) -> AwsProvider:
        return AwsProvider(self.endpoint, REGION)

    def sandbox(self, path: str, method: str = "GET", body: object = None) -> Any:
        """A call of the sandbox's control API."""
        request = urllib.request.Request(
            f"{self.endpoint}/_sandbox/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    @cached_property
    def vpc(self) -> str:
        return str(self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])

    @cached_property
    def other_vpc(self) -> str:
        return str(self.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])

    @cached_property
    def subnets(self) -> list[str]:
        """Three subnets in three zones."""
        return [
            self.client("ec2").create_subnet(
                VpcId=self.vpc, CidrBlock=f"10.0.{200 + index}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )["Subnet"]["SubnetId"]
            for index, zone in enumerate("abc")
        ]

    @cached_property
    def gateway(self) -> str:
        ec2 = self.client("ec2")
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        return str(gateway)

    def address(self) -> str:
        return str(self.client("ec2").allocate_address(Domain="vpc")["AllocationId"])

    @cached_property
    def nat_gateway(self) -> str:
        answer = self.client("ec2").create_nat_gateway(SubnetId=self.subnets[0], AllocationId=self.address())
        return str(answer["NatGateway"]["NatGatewayId"])

    def route_table(self) -> str:
        return str(self.client("ec2").create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"])

    def security_group(self) -> str:
        answer = self.client("ec2").create_security_group(
            GroupName=f"group-{uuid.uuid4().hex[:8]}", Description="made by a test", VpcId=self.vpc
        )
        return str(answer["GroupId"])

    @cached_property
    def key(self) -> str:
        return str(self.client("kms").create_key()["KeyMetadata"]["Arn"])

    @cached_property
    def other_key(self) -> str:
        return str(self.client("kms").create_key()["KeyMetadata"]["Arn"])

    def role(self) -> tuple[str, str]:
        """Name and ARN of a new role."""
        name = f"role-{uuid.uuid4().hex[:8]}"
        answer = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        return name, str(answer["Role"]["Arn"])

    @cached_property
    def role_arn(self) -> str:
        return self.role()[1]

    @cached_property
    def policy_arns(self) -> list[str]:
        return [self._policy() for _ in range(2)]

    def _policy(self) -> str:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}]}
        answer = self.client("iam").create_policy(
            PolicyName=f"policy-{uuid.uuid4().hex[:8]}", PolicyDocument=json.dumps(document)
        )
        return str(answer["Policy"]["Arn"])

    def log_group_arn(self) -> str:
        name = f"group-{uuid.uuid4().hex[:8]}"
        self.client("logs").create_log_group(logGroupName=name)
        return f"arn:aws:logs:{REGION}:123456789012:log-group:{name}"

    def another_cluster(self) -> str:
        name = f"cluster-{uuid.uuid4().hex[:8]}"
        self.client("eks").create_cluster(
            name=name,
            roleArn=self.role_arn,
            resourcesVpcConfig={"subnetIds": self.subnets[:2]},
            accessConfig={"authenticationMode": "API"},
            version="1.34",
        )
        self.client("eks").get_waiter("cluster_active").wait(name=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        return name

    @cached_property
    def cluster(self) -> str:
        return self.another_cluster()

    def access_entry(self) -> str:
        """The principal of a new entry of the cluster."""
        principal = self.role()[1]
        self.client("eks").create_access_entry(clusterName=self.cluster, principalArn=principal)
        return principal

    @cached_property
    def database_subnet_group(self) -> str:
        name = f"subnets-{uuid.uuid4().hex[:8]}"
        self.client("rds").create_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription="made by a test", SubnetIds=self.subnets[:2]
        )
        return name

    @cached_property
    def database(self) -> str:
        name = f"database-{uuid.uuid4().hex[:8]}"
        self.client("rds").create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            MasterUsername="ils",
            ManageMasterUserPassword=True,
            DBSubnetGroupName=self.database_subnet_group,
        )
        return name

    @cached_property
    def cache_subnet_group(self) -> str:
        name = f"subnets-{uuid.uuid4().hex[:8]}"
        self.client("elasticache").create_cache_subnet_group(
            CacheSubnetGroupName=name, CacheSubnetGroupDescription="made by a test", SubnetIds=self.subnets[:2]
        )
        return name

    def bucket(self) -> str:
        bucket = f"bucket-{uuid.uuid4().hex[:12]}"
        self.client("s3").create_bucket(Bucket=bucket)
        return bucket

    def versioned_bucket(self) -> str:
        bucket = self.bucket()
        self.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return bucket

    def locked_bucket(self) -> str:
        bucket = f"bucket-{uuid.uuid4().hex[:12]}"
        self.client("s3").create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        return bucket

    def log_bucket(self) -> str:
        """A bucket that load balancers may write to."""
        bucket = self.bucket()
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
        return bucket

    def load_balancer(self) -> str:
        answer = self.client("elbv2").create_load_balancer(
            Name=f"balancer-{uuid.uuid4().hex[:8]}", Subnets=self.subnets[:2], SecurityGroups=[self.security_group()]
        )
        return str(answer["LoadBalancers"][0]["LoadBalancerArn"])

    def target_group(self) -> str:
        answer = self.client("elbv2").create_target_group(
            Name=f"targets-{uuid.uuid4().hex[:8]}", Protocol="HTTP", Port=5000, VpcId=self.vpc, TargetType="ip"
        )
        return str(answer["TargetGroups"][0]["TargetGroupArn"])

    @cached_property
    def zone(self) -> str:
        """The id of the hosted zone `example.org`."""
        answer = self.client("route53").create_hosted_zone(Name="example.org", CallerReference=uuid.uuid4().hex)
        return str(answer["HostedZone"]["Id"].rpartition("/")[2])

    @cached_property
    def other_zone(self) -> str:
        answer = self.client("route53").create_hosted_zone(Name="example.org", CallerReference=uuid.uuid4().hex)
        return str(answer["HostedZone"]["Id"].rpartition("/")[2])

    def web_acl(self) -> str:
        answer = self.client("wafv2").create_web_acl(
            Name=f"acl-{uuid.uuid4().hex[:8]}",
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            VisibilityConfig={"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "acl"},
        )
        return str(answer["Summary"]["ARN"])

    def certificate(self) -> str:
        answer = self.client("acm").request_certificate(DomainName="ils.example.com", ValidationMethod="DNS")
        return str(answer["CertificateArn"])

    def key_of_another_region(self) -> str:
        """The ARN of a multi-Region key that has no replica yet."""
        return str(self.client("kms", "eu-west-1").create_key(MultiRegion=True)["KeyMetadata"]["Arn"])

    @cached_property
    def vault(self) -> str:
        name = f"vault-{uuid.uuid4().hex[:8]}"
        self.client("backup").create_backup_vault(BackupVaultName=name)
        return name

    def backup_plan(self) -> str:
        rule = {"RuleName": "nightly", "TargetBackupVaultName": self.vault}
        plan = {"BackupPlanName": f"plan-{uuid.uuid4().hex[:8]}", "Rules": [rule]}
        return str(self.client("backup").create_backup_plan(BackupPlan=plan)["BackupPlanId"])

    def topic(self) -> str:
        return str(self.client("sns").create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"])

    def secret(self) -> str:
        return str(self.client("secretsmanager").create_secret(Name=f"secret-{uuid.uuid4().hex[:8]}")["ARN"])


class Refused(Exception):
    """Check found problems."""

    def __init__(self, failures: list[CheckFailure]) -> None:
        self.problems = {failure.property: failure.reason for failure in failures}
        super().__init__(str(self.problems))


@dataclass
class Made:
    """A resource as an engine has it in its checkpoint."""

    urn: str
    id: str
    inputs: dict[str, PropertyValue]
    outputs: dict[str, PropertyValue]

    @property
    def plain(self) -> dict[str, Any]:
        return plain(self.outputs)


@dataclass
class Bench:
    """Does to one resource after the other what an engine would."""

    around: Surroundings
    test: str
    _count: int = field(default=0, init=False)

    @property
    def provider(self) -> AwsProvider:
        return self.around.provider

    def urn(self, token: str) -> str:
        """A URN that no other test uses."""
        self._count += 1
        unique = hashlib.sha256(f"{self.test}{self._count}{uuid.uuid4()}".encode()).hexdigest()[:8]
        return f"urn:pulumi:test::ils-test::{token}::thing-{unique}"

    def check(
        self, urn: str, inputs: Mapping[str, Any], old: Mapping[str, PropertyValue] | None = None
    ) -> dict[str, PropertyValue]:
        """Checked inputs. Raises `Refused`."""
        news = {
            name: value if isinstance(value, PropertyValue) else property_value(value) for name, value in inputs.items()
        }
        seed = hashlib.sha256(urn.encode()).digest()
        response = asyncio.run(self.provider.check(CheckRequest(urn, dict(old or {}), news, seed)))
        if response.failures:
            raise Refused(response.failures)
        assert response.inputs is not None
        return response.inputs

    def create(self, token: str, inputs: Mapping[str, Any], urn: str = "") -> Made:
        urn = urn or self.urn(token)
        checked = self.check(urn, inputs)
        response = asyncio.run(self.provider.create(CreateRequest(urn, checked, 60, preview=False)))
        assert response.resource_id
        return Made(urn, response.resource_id, checked, response.properties)

    def diff(self, made: Made, inputs: Mapping[str, Any], ignore: list[str] | None = None) -> DiffResponse:
        checked = self.check(made.urn, inputs, made.inputs)
        request = DiffRequest(made.urn, made.id, made.outputs, checked, ignore or [])
        return asyncio.run(self.provider.diff(request))

    def read(self, made: Made) -> Made | None:
        request = ReadRequest(made.urn, made.id, made.outputs, made.inputs)
        response = asyncio.run(self.provider.read(request))
        if not response.resource_id:
            return None
        return Made(made.urn, response.resource_id, response.inputs, response.properties)

    def update(self, made: Made, inputs: Mapping[str, Any]) -> Made:
        checked = self.check(made.urn, inputs, made.inputs)
        request = UpdateRequest(made.urn, made.id, made.outputs, checked, 60, [], preview=False)
        response = asyncio.run(self.provider.update(request))
        return Made(made.urn, made.id, checked, response.properties)

    def delete(self, made: Made) -> None:
        asyncio.run(self.provider.delete(DeleteRequest(made.urn, made.id, made.outputs, 60)))

    def find(self, made: Made, known: frozenset[str] = frozenset()) -> str | None:
        return asyncio.run(self.provider.find(made.urn, made.inputs, known))
