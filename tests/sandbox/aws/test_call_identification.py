"""Every AWS protocol says in its own way which operation is called."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

CALLS: list[tuple[str, str, dict[str, Any], str, bool]] = [
    ("ec2", "describe_vpcs", {}, "DescribeVpcs", False),
    ("iam", "create_user", {"UserName": "u"}, "CreateUser", True),
    ("sts", "get_caller_identity", {}, "GetCallerIdentity", False),
    ("kms", "list_keys", {}, "ListKeys", False),
    ("kms", "generate_data_key", {"KeyId": "alias/aws/s3", "KeySpec": "AES_256"}, "GenerateDataKey", False),
    ("dynamodb", "list_tables", {}, "ListTables", False),
    ("secretsmanager", "get_random_password", {}, "GetRandomPassword", False),
    ("logs", "create_log_group", {"logGroupName": "g"}, "CreateLogGroup", True),
    ("eks", "describe_cluster", {"name": "c"}, "DescribeCluster", False),
    ("eks", "update_cluster_config", {"name": "c"}, "UpdateClusterConfig", True),
    ("eks", "delete_nodegroup", {"clusterName": "c", "nodegroupName": "n"}, "DeleteNodegroup", True),
    ("s3", "list_buckets", {}, "ListBuckets", False),
    ("s3", "head_object", {"Bucket": "b", "Key": "k/l"}, "HeadObject", False),
    ("s3", "put_bucket_versioning", {"Bucket": "b", "VersioningConfiguration": {}}, "PutBucketVersioning", True),
    ("elbv2", "describe_load_balancers", {}, "DescribeLoadBalancers", False),
    ("elb", "describe_load_balancers", {}, "DescribeLoadBalancers", False),
    ("cloudwatch", "describe_alarms", {}, "DescribeAlarms", False),
    ("elasticache", "test_failover", {"ReplicationGroupId": "r", "NodeGroupId": "0001"}, "TestFailover", True),
    ("rds", "describe_db_clusters", {}, "DescribeDBClusters", False),
    ("sesv2", "list_email_identities", {}, "ListEmailIdentities", False),
    ("stepfunctions", "list_state_machines", {}, "ListStateMachines", False),
    ("service-quotas", "list_services", {}, "ListServices", False),
    ("resourcegroupstaggingapi", "get_resources", {}, "GetResources", False),
    ("backup", "list_backup_vaults", {}, "ListBackupVaults", False),
    ("route53", "list_hosted_zones", {}, "ListHostedZones", False),
    ("ce", "get_cost_forecast", {"TimePeriod": {"Start": "a", "End": "b"}, "Metric": "BLENDED_COST",
                                 "Granularity": "MONTHLY"}, "GetCostForecast", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "method", "params", "operation", "mutating"), CALLS, ids=[f"{call[0]}-{call[3]}" for call in CALLS]
)
def test_service_and_operation_are_named_and_classed(
    aws: Any, service: str, method: str, params: dict[str, Any], operation: str, mutating: bool
) -> None:
    call: Callable[..., Any] = getattr(aws.client(service), method)
    with contextlib.suppress(ClientError):
        call(**params)
    (request,) = aws.control("GET", "requests")
    assert (request["service"], request["operation"], request["mutating"]) == (service, operation, mutating)


def test_a_presigned_request_is_named_too(aws: Any) -> None:
    url = urlsplit(aws.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET"))
    connection = http.client.HTTPConnection(url.hostname or "", url.port)
    connection.request("GET", f"{url.path}?{url.query}")
    assert connection.getresponse().status == 200
    connection.close()
    assert aws.recorded() == [("sts", "GetCallerIdentity")]


def test_a_request_of_no_service_is_recorded_as_unknown(aws: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", aws.port)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()
    assert aws.recorded() == [("unknown", "GET /")]


def test_what_is_not_emulated_is_a_client_error_that_is_not_repeated(aws: Any) -> None:
    with pytest.raises(ClientError) as caught:
        aws.client("eks").list_insights(clusterName="c")
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert "eks:ListInsights" in caught.value.response["Error"]["Message"]
    assert aws.recorded() == [("eks", "ListInsights")]


def test_a_service_that_is_not_emulated_at_all_is_a_client_error(aws: Any) -> None:
    with pytest.raises(ClientError, match="unsupported in the sandbox"):
        aws.client("devops-guru").describe_account_health()


def test_a_call_that_is_unsupported_says_so_and_where_it_is_listed(aws: Any) -> None:
    job = {"BackupVaultName": "v", "ResourceArn": "arn:aws:s3:::b", "IamRoleArn": "arn:aws:iam::123456789012:role/r"}
    with pytest.raises(ClientError, match=r"unsupported in the sandbox: backup:StartBackupJob.*ils sandbox limits"):
        aws.client("backup").start_backup_job(**job)
