"""What single resource types and the provider as a whole do beyond the common contract."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pulumi.provider.experimental.provider import CreateRequest, InvokeRequest, UpdateRequest

from ils_sandbox.provider.aws import AwsProvider
from ils_sandbox.provider.clients import shared_clients
from ils_sandbox.provider.errors import (
    AwsError,
    CreatedButFailed,
    NotReady,
    ProviderError,
    UnknownType,
    Unreachable,
    Unsupported,
)
from ils_sandbox.provider.marks import MARK, mark_of
from ils_sandbox.provider.values import UNKNOWN, plain, property_value
from tests.sandbox.provider.bench import REGION, Bench, Made
from tests.sandbox.provider.cases import CASES

BY_TOKEN = {case.token: case for case in CASES}
VPC = "aws:ec2/vpc:Vpc"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
KEY = "aws:kms/key:Key"
SECRET = "aws:secretsmanager/secret:Secret"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
DATABASE = "aws:rds/cluster:Cluster"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
CLUSTER = "aws:eks/cluster:Cluster"


def inputs_of(bench: Bench, token: str, **more: Any) -> dict[str, Any]:
    return {**BY_TOKEN[token].inputs(bench.around), **more}


def made(bench: Bench, token: str, **more: Any) -> Made:
    return bench.create(token, inputs_of(bench, token, **more))


def requests_of(bench: Bench, work: Any) -> list[dict[str, Any]]:
    """The AWS calls that `work` makes."""
    bench.around.sandbox("requests", "DELETE")
    work()
    return list(bench.around.sandbox("requests"))


@pytest.fixture
def faults(bench: Bench) -> Iterator[Any]:
    """Lets the sandbox fail calls."""
    yield lambda **fault: bench.around.sandbox("faults", "POST", {"status": 400, "times": 1, "after": 0, **fault})
    bench.around.sandbox("faults", "DELETE")


@pytest.fixture
def slowly(bench: Bench) -> Iterator[Any]:
    """Lets creations take time."""
    yield lambda seconds: bench.around.sandbox(
        "settings", "PUT", {"latency_seconds": 0.0, "seconds_per_minute": seconds}
    )
    bench.around.sandbox("settings", "PUT", {"latency_seconds": 0.0, "seconds_per_minute": 0.0})


def test_the_mark_is_written_by_the_creating_call(bench: Bench) -> None:
    vpc = made(bench, VPC)
    tags = bench.around.client("ec2").describe_vpcs(VpcIds=[vpc.id])["Vpcs"][0]["Tags"]
    assert {"Key": MARK, "Value": mark_of(vpc.urn)} in tags


def test_changing_tags_leaves_the_mark(bench: Bench) -> None:
    vpc = made(bench, VPC, tags={"a": "1", "b": "2"})
    bench.update(vpc, {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": True, "tags": {"b": "3"}})
    tags = bench.around.client("ec2").describe_vpcs(VpcIds=[vpc.id])["Vpcs"][0]["Tags"]
    assert sorted(tags, key=lambda tag: str(tag["Key"])) == [
        {"Key": "b", "Value": "3"},
        {"Key": MARK, "Value": mark_of(vpc.urn)},
    ]


def test_a_vpc_knows_what_aws_made_with_it(bench: Bench) -> None:
    outputs = made(bench, VPC).plain
    assert outputs["arn"] == f"arn:aws:ec2:{REGION}:{outputs['ownerId']}:vpc/{outputs['arn'].rpartition('/')[2]}"
    assert outputs["defaultSecurityGroupId"].startswith("sg-")
    assert outputs["mainRouteTableId"].startswith("rtb-")
    assert outputs["defaultNetworkAclId"].startswith("acl-")
    assert outputs["tagsAll"] == {"Name": "vpc"}
    assert outputs["region"] == REGION


def test_a_new_security_group_lets_nothing_out(bench: Bench) -> None:
    group = made(bench, SECURITY_GROUP)
    described = bench.around.client("ec2").describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
    assert described["IpPermissionsEgress"] == []


def test_rules_of_their_own_are_no_drift_of_their_group(bench: Bench) -> None:
    inputs = {"description": "rules are elsewhere", "vpcId": bench.around.vpc}
    group = bench.create(SECURITY_GROUP, inputs)
    bench.create(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"securityGroupId": group.id, "ipProtocol": "tcp", "fromPort": 80, "toPort": 80, "cidrIpv4": "0.0.0.0/0"},
    )
    found = bench.read(group)
    assert found is not None
    assert bench.diff(found, inputs).detailed_diff == {}
    assert "ingress" not in found.plain


def test_the_default_security_group_is_emptied_when_it_is_taken_over(bench: Bench) -> None:
    group = made(bench, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    described = bench.around.client("ec2").describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
    assert described["GroupName"] == "default"
    assert described["IpPermissions"] == described["IpPermissionsEgress"] == []


def test_a_rule_for_all_protocols_has_no_ports(bench: Bench) -> None:
    inputs = {"securityGroupId": bench.around.security_group(), "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8"}
    rule = bench.create("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", inputs)
    found = bench.read(rule)
    assert found is not None
    assert bench.diff(found, inputs).detailed_diff == {}


def test_a_rule_may_refer_to_another_group(bench: Bench) -> None:
    other = bench.around.security_group()
    inputs = {
        "securityGroupId": bench.around.security_group(),
        "ipProtocol": "tcp",
        "fromPort": 5432,
        "toPort": 5432,
        "referencedSecurityGroupId": other,
    }
    rule = bench.create("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", inputs)
    found = bench.read(rule)
    assert found is not None
    assert found.plain["referencedSecurityGroupId"] == other


def test_a_subnet_s_route_table_is_not_taken_over(bench: Bench) -> None:
    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    inputs = inputs_of(bench, token)
    bench.create(token, inputs)
    for table in (inputs["routeTableId"], bench.around.route_table()):
        with pytest.raises(AwsError, match="already has the route table"):
            bench.create(token, {**inputs, "routeTableId": table})


def test_a_key_s_deletion_is_scheduled(bench: Bench) -> None:
    key = made(bench, KEY)
    bench.delete(key)
    described = bench.around.client("kms").describe_key(KeyId=key.id)["KeyMetadata"]
    assert described["KeyState"] == "PendingDeletion"


def test_a_secret_is_deleted_at_once_or_after_its_recovery_window(bench: Bench) -> None:
    client = bench.around.client("secretsmanager")
    at_once, later = made(bench, SECRET, recoveryWindowInDays=0), made(bench, SECRET, recoveryWindowInDays=7)
    for secret in (at_once, later):
        bench.delete(secret)
        assert bench.read(secret) is None
    assert client.describe_secret(SecretId=later.id)["DeletedDate"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_secret(SecretId=at_once.id)


def test_a_secret_s_value_is_secret_in_every_answer(bench: Bench) -> None:
    version = made(bench, SECRET_VERSION)
    found = bench.read(version)
    assert found is not None
    for properties in (version.inputs, version.outputs, found.inputs, found.outputs):
        assert properties["secretString"].is_secret


def test_a_cache_s_token_is_kept_from_the_state_since_aws_never_tells_it(bench: Bench) -> None:
    cache = made(bench, CACHE)
    found = bench.read(cache)
    assert found is not None
    assert found.plain["authToken"] == cache.plain["authToken"]
    assert found.outputs["authToken"].is_secret
    assert cache.plain["primaryEndpointAddress"]
    assert len(cache.plain["memberClusters"]) == 2


def test_a_database_without_a_final_snapshot_s_name_is_not_deleted(bench: Bench) -> None:
    database = made(bench, DATABASE, skipFinalSnapshot=False)
    with pytest.raises(ProviderError, match="finalSnapshotIdentifier is not set"):
        bench.delete(database)
    assert bench.read(database) is not None


def test_a_database_s_final_snapshot_is_made(bench: Bench) -> None:
    snapshot = f"final-{uuid.uuid4().hex[:8]}"
    database = made(bench, DATABASE, skipFinalSnapshot=False, finalSnapshotIdentifier=snapshot)
    bench.delete(database)
    found = bench.around.client("rds").describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=snapshot)
    assert found["DBClusterSnapshots"][0]["DBClusterIdentifier"] == database.id


def test_a_protected_database_is_not_deleted(bench: Bench) -> None:
    database = made(bench, DATABASE, deletionProtection=True)
    with pytest.raises(AwsError, match=r"rds\.delete_db_cluster: .*[Pp]rotect"):
        bench.delete(database)
    assert bench.read(database) is not None


def test_a_database_s_master_secret_is_told(bench: Bench) -> None:
    (secret,) = made(bench, DATABASE).plain["masterUserSecrets"]
    assert secret["secretArn"].startswith("arn:aws:secretsmanager:")


def test_a_major_version_is_content_with_its_minors(bench: Bench) -> None:
    inputs = inputs_of(bench, DATABASE, engineVersion="15")
    database = bench.create(DATABASE, inputs)
    found = bench.read(database)
    assert found is not None
    assert found.plain["engineVersionActual"].startswith("15.")
    assert bench.diff(found, inputs).detailed_diff == {}


def test_a_cluster_tells_how_to_reach_and_trust_it(bench: Bench) -> None:
    outputs = made(bench, CLUSTER).plain
    assert outputs["endpoint"].startswith("https://")
    assert "data" in outputs["certificateAuthority"]  # empty here: no Kubernetes stand-in runs beside this server
    assert outputs["identities"][0]["oidcs"][0]["issuer"].startswith("https://oidc.eks.")
    assert outputs["vpcConfig"]["vpcId"] == bench.around.vpc
    assert outputs["status"] == "ACTIVE"


def test_creating_waits_until_it_is_usable(bench: Bench, slowly: Any) -> None:
    slowly(0.2)
    gateway = made(bench, "aws:ec2/natGateway:NatGateway")
    state = bench.around.client("ec2").describe_nat_gateways(NatGatewayIds=[gateway.id])["NatGateways"][0]["State"]
    assert state == "available"


def test_a_tables_recovery_waits_until_dynamodb_takes_it(bench: Bench, slowly: Any) -> None:
    slowly(0.5)
    table = made(bench, "aws:dynamodb/table:Table", pointInTimeRecovery={"enabled": True})
    found = bench.around.client("dynamodb").describe_continuous_backups(TableName=table.id)
    recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_deleting_waits_until_it_is_gone(bench: Bench, slowly: Any) -> None:
    gateway = made(bench, "aws:ec2/natGateway:NatGateway")
    slowly(0.2)
    bench.delete(gateway)
    assert bench.read(gateway) is None
    state = bench.around.client("ec2").describe_nat_gateways(NatGatewayIds=[gateway.id])["NatGateways"][0]["State"]
    assert state == "deleted"


def test_updating_waits_until_it_is_in_force(bench: Bench, slowly: Any) -> None:
    inputs = inputs_of(bench, CLUSTER)
    cluster = bench.create(CLUSTER, inputs)
    slowly(0.05)
    updated = bench.update(cluster, {**inputs, "version": "1.35"})
    described = bench.around.client("eks").describe_cluster(name=cluster.id)["cluster"]
    assert (described["status"], described["version"]) == ("ACTIVE", "1.35")
    assert updated.plain["version"] == "1.35"


def test_a_creation_that_takes_longer_than_asked_says_what_exists(bench: Bench, slowly: Any) -> None:
    slowly(60.0)
    inputs = bench.check(bench.urn("aws:ec2/natGateway:NatGateway"), inputs_of(bench, "aws:ec2/natGateway:NatGateway"))
    request = CreateRequest(bench.urn("aws:ec2/natGateway:NatGateway"), inputs, 0.3, preview=False)
    with pytest.raises(CreatedButFailed, match=r"nat-.* was made, but is not usable: gave up waiting") as failure:
        asyncio.run(bench.provider.create(request))
    assert isinstance(failure.value.reason, NotReady)
    assert plain(failure.value.properties)["subnetId"] == plain(inputs)["subnetId"]
    assert asyncio.run(bench.provider.find(request.urn, inputs, frozenset())) == failure.value.resource_id


def test_a_create_that_fails_halfway_is_found_afterwards(bench: Bench, faults: Any) -> None:
    faults(service="ec2", operation="ModifyVpcAttribute", error_code="UnauthorizedOperation")
    urn = bench.urn(VPC)
    inputs = inputs_of(bench, VPC)
    with pytest.raises(CreatedButFailed, match="UnauthorizedOperation"):
        bench.create(VPC, inputs, urn)
    found = bench.find(Made(urn, "", bench.check(urn, inputs), {}))
    assert found is not None
    assert found.startswith("vpc-")


def test_what_aws_refuses_is_told_with_service_operation_and_code(bench: Bench) -> None:
    with pytest.raises(AwsError, match=r"^ec2\.create_subnet: InvalidVpcID\.NotFound: .+"):
        bench.create("aws:ec2/subnet:Subnet", {"vpcId": "vpc-nowhere", "cidrBlock": "10.0.0.0/24"})


def test_no_error_repeats_a_secret(bench: Bench, faults: Any) -> None:
    with pytest.raises(ProviderError) as refused:
        made(bench, SECRET_VERSION, secretId="hunter2-is-no-arn", secretString="hunter2-is-no-arn")
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ProviderError) as wrong:
        made(bench, CACHE, authToken="hunter2", description=property_value("hunter2", secret=True), port=-1)
    assert "hunter2" not in str(wrong.value)


def test_a_parameter_that_boto3_refuses_is_named_without_its_value(bench: Bench) -> None:
    with pytest.raises(ProviderError, match=r"^ec2\.create_vpc: Invalid type for parameter CidrBlock$"):
        shared_clients(bench.around.endpoint, "a", "b").call("ec2", REGION, "create_vpc", {"CidrBlock": ["hunter2"]})


def test_a_call_that_nobody_answers_says_what_to_do(bench: Bench) -> None:
    provider = AwsProvider("http://127.0.0.1:9", REGION)
    urn = bench.urn(VPC)
    inputs = bench.check(urn, {"cidrBlock": "10.0.0.0/16"})
    with pytest.raises(Unreachable, match=r"does not answer at http://127\.0\.0\.1:9 .*ils sandbox start"):
        asyncio.run(provider.create(CreateRequest(urn, inputs, 5, preview=False)))


def test_a_call_that_the_server_does_not_know_is_named(bench: Bench) -> None:
    class NotFound(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b"<!doctype html><html><title>404 Not Found</title></html>"
            self.send_response(404)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), NotFound)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        provider = AwsProvider(f"http://127.0.0.1:{server.server_port}", REGION)
        for token in (VPC, KEY, LOG_GROUP, SECRET):
            inputs = bench.check(bench.urn(token), inputs_of(bench, token))
            with pytest.raises(Unsupported, match=r"^unsupported in the sandbox: \w+\.create_\w+$"):
                asyncio.run(provider.create(CreateRequest(bench.urn(token), inputs, 5, preview=False)))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_only_what_changed_is_called_for(bench: Bench) -> None:
    group = made(bench, LOG_GROUP)
    edited = {**plain(group.inputs), "retentionInDays": 30}
    calls = requests_of(bench, lambda: bench.update(group, edited))
    assert [call["operation"] for call in calls if call["mutating"]] == ["PutRetentionPolicy"]


def test_ignored_properties_are_not_changed(bench: Bench) -> None:
    group = made(bench, LOG_GROUP)
    edited = bench.check(group.urn, {**plain(group.inputs), "retentionInDays": 30}, group.inputs)
    request = UpdateRequest(group.urn, group.id, group.outputs, edited, 60, ["retentionInDays"], preview=False)
    calls = requests_of(bench, lambda: asyncio.run(bench.provider.update(request)))
    assert [call["operation"] for call in calls if call["mutating"]] == []


@pytest.mark.parametrize("token", sorted(BY_TOKEN), ids=lambda token: token.partition("/")[2])
def test_check_diff_read_find_and_previews_change_nothing(bench: Bench, token: str) -> None:
    case = BY_TOKEN[token]
    inputs = case.inputs(bench.around)
    resource = bench.create(token, inputs)

    def look() -> None:
        bench.diff(resource, inputs)
        bench.read(resource)
        bench.find(resource)
        preview = CreateRequest(resource.urn, resource.inputs, 60, preview=True)
        asyncio.run(bench.provider.create(preview))
        update = UpdateRequest(resource.urn, resource.id, resource.outputs, resource.inputs, 60, [], preview=True)
        asyncio.run(bench.provider.update(update))

    assert [call["operation"] for call in requests_of(bench, look) if call["mutating"]] == []


def test_a_region_of_its_own_is_where_a_resource_is_made(bench: Bench) -> None:
    group = made(bench, LOG_GROUP, region="eu-west-1", kmsKeyId=None)
    assert group.plain["region"] == "eu-west-1"
    assert group.plain["arn"].startswith("arn:aws:logs:eu-west-1:")
    assert bench.read(group) is not None
    found = bench.around.client("logs").describe_log_groups(logGroupNamePrefix=group.id)["logGroups"]
    assert found == []


def test_many_resources_are_made_at_once(bench: Bench) -> None:
    """With latency on every call, thirty creations take about as long as a few."""
    bench.around.sandbox("settings", "PUT", {"latency_seconds": 0.2, "seconds_per_minute": 0.0})
    try:
        requests = []
        for _ in range(30):
            urn = bench.urn("aws:ec2/eip:Eip")
            requests.append(CreateRequest(urn, bench.check(urn, {"domain": "vpc"}), 60, preview=False))

        async def create_all() -> None:
            await asyncio.gather(*(bench.provider.create(request) for request in requests))

        started = time.monotonic()
        asyncio.run(create_all())
        assert time.monotonic() - started < 30 * 0.2 / 2
    finally:
        bench.around.sandbox("settings", "PUT", {"latency_seconds": 0.0, "seconds_per_minute": 0.0})


def invoke(bench: Bench, token: str, **arguments: Any) -> dict[str, Any]:
    request = InvokeRequest(token, {name: property_value(value) for name, value in arguments.items()})
    response = asyncio.run(bench.provider.invoke(request))
    assert response.return_value is not None
    return plain(response.return_value)


def test_availability_zones_are_told_in_order(bench: Bench) -> None:
    zones = invoke(bench, "aws:index/getAvailabilityZones:getAvailabilityZones", state="available")
    assert zones["names"][:3] == [f"{REGION}a", f"{REGION}b", f"{REGION}c"]
    assert len(zones["zoneIds"]) == len(zones["names"])
    fewer = invoke(bench, "aws:index/getAvailabilityZones:getAvailabilityZones", excludeNames=[f"{REGION}a"])
    assert fewer["names"] == zones["names"][1:]


def test_the_caller_s_account_is_told(bench: Bench) -> None:
    identity = invoke(bench, "aws:index/getCallerIdentity:getCallerIdentity")
    assert identity["accountId"] == identity["id"] == "123456789012"
    assert identity["arn"].startswith("arn:aws:sts::123456789012:")


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [(REGION, "aws", "amazonaws.com"), ("cn-north-1", "aws-cn", "amazonaws.com.cn")],
)
def test_region_and_partition_are_told(bench: Bench, region: str, partition: str, suffix: str) -> None:
    assert invoke(bench, "aws:index/getRegion:getRegion", region=region)["name"] == region
    found = invoke(bench, "aws:index/getPartition:getPartition", region=region)
    assert (found["partition"], found["dnsSuffix"]) == (partition, suffix)


def test_a_function_of_something_unknown_is_unknown(bench: Bench) -> None:
    answer = invoke(bench, "aws:route53/getZone:getZone", name=UNKNOWN)
    assert answer["zoneId"] is UNKNOWN


def test_a_function_without_an_entry_is_named(bench: Bench) -> None:
    with pytest.raises(UnknownType, match="aws:s3/getBucket:getBucket is unsupported in the sandbox"):
        invoke(bench, "aws:s3/getBucket:getBucket")


def test_a_policy_in_another_spelling_is_no_drift(bench: Bench) -> None:
    role = bench.around.role()[0]
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:Put*", "s3:Get*"], "Resource": "*"}}
    )
    inputs = {"role": role, "name": "inline", "policy": policy}
    resource = bench.create("aws:iam/rolePolicy:RolePolicy", inputs)
    respelled = {"Statement": [{"Action": ["s3:Get*", "s3:Put*"], "Resource": ["*"], "Effect": "Allow"}]}
    bench.around.client("iam").put_role_policy(
        RoleName=role, PolicyName="inline", PolicyDocument=json.dumps({"Version": "2012-10-17", **respelled})
    )
    found = bench.read(resource)
    assert found is not None
    assert found.plain["policy"] == policy
