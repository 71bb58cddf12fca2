"""`/_sandbox/`: what was called, how fast the sandbox is, and what shall fail."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_health_says_that_the_server_is_well(aws: Any) -> None:
    health = aws.control("GET", "health")
    assert health == {"status": "ok", "pid": aws.process.pid}


def test_each_call_is_recorded_with_what_it_did_and_when(aws: Any, name: str) -> None:
    before = time.time()
    aws.client("ssm", user_agent_extra=name).put_parameter(Name=f"/{name}", Value="v", Type="String")
    after = time.time()

    (request,) = aws.control("GET", "requests")
    assert {key: request[key] for key in ("service", "operation", "mutating", "status")} == {
        "service": "ssm",
        "operation": "PutParameter",
        "mutating": True,
        "status": 200,
    }
    assert before <= request["started"] <= request["finished"] <= after
    assert name in request["client"]


def test_clearing_the_recording_starts_it_anew(aws: Any) -> None:
    aws.client("ec2").describe_vpcs()
    aws.control("DELETE", "requests")
    aws.client("sts").get_caller_identity()
    assert aws.recorded() == [("sts", "GetCallerIdentity")]


def test_the_control_api_is_not_recorded(aws: Any) -> None:
    aws.control("GET", "health")
    aws.control("GET", "settings")
    assert aws.recorded() == []


def test_a_setting_can_be_changed_alone(aws: Any) -> None:
    aws.control("PUT", "settings", {"latency_seconds": 0.01})
    before = aws.control("GET", "settings")
    assert aws.control("PUT", "settings", {"seconds_per_minute": 2}) == {**before, "seconds_per_minute": 2.0}
    assert before["latency_seconds"] == 0.01


@pytest.mark.parametrize("settings", [{"latency_seconds": -1}, {"latencies": 1}, [1], "text"])
def test_bad_settings_are_refused_and_change_nothing(aws: Any, settings: Any) -> None:
    before = aws.control("GET", "settings")
    answer = aws.control("PUT", "settings", settings, expect=400)
    assert answer["error"]
    assert aws.control("GET", "settings") == before


def test_latency_is_added_to_every_call(aws: Any) -> None:
    client = aws.client("sts")
    client.get_caller_identity()
    aws.control("PUT", "settings", {"latency_seconds": 0.2})
    started = time.monotonic()
    client.get_caller_identity()
    assert time.monotonic() - started >= 0.2


def test_latencies_of_calls_made_at_once_overlap(aws: Any) -> None:
    client = aws.client("sts")
    client.get_caller_identity()
    aws.control("PUT", "settings", {"latency_seconds": 0.5})
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.get_caller_identity(), range(8)))
    assert time.monotonic() - started < 8 * 0.5 / 2


def test_latency_does_not_delay_the_control_api(aws: Any) -> None:
    aws.control("PUT", "settings", {"latency_seconds": 5})
    started = time.monotonic()
    aws.control("GET", "health")
    assert time.monotonic() - started < 2


def test_a_fault_fails_the_next_call_of_its_operation_once(aws: Any) -> None:
    ec2 = aws.client("ec2")
    fault = {"service": "ec2", "operation": "DescribeVpcs", "error_code": "RequestLimitExceeded", "status": 503}
    aws.control("POST", "faults", fault)

    ec2.describe_subnets()
    with pytest.raises(ClientError) as caught:
        ec2.describe_vpcs()
    assert caught.value.response["Error"]["Code"] == "RequestLimitExceeded"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    ec2.describe_vpcs()


def test_a_fault_can_wait_and_repeat(aws: Any) -> None:
    fault = {"service": "sts", "operation": "GetCallerIdentity", "error_code": "X", "times": 2, "after": 1}
    aws.control("POST", "faults", fault)
    sts, outcomes = aws.client("sts"), []
    for _ in range(4):
        try:
            sts.get_caller_identity()
            outcomes.append("ok")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["ok", "X", "X", "ok"]


def test_a_call_that_meets_a_fault_changes_nothing(aws: Any, name: str) -> None:
    aws.control("POST", "faults", {"service": "ssm", "operation": "PutParameter", "status": 400, "error_code": "X"})
    ssm = aws.client("ssm")
    with pytest.raises(ClientError, match="X"):
        ssm.put_parameter(Name=f"/{name}", Value="v", Type="String")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=f"/{name}")


def test_faults_are_raised_as_the_services_own_exceptions(aws: Any) -> None:
    aws.control("POST", "faults", {"service": "eks", "operation": "ListClusters", "error_code": "ServerException"})
    eks = aws.client("eks")
    with pytest.raises(eks.exceptions.ServerException):
        eks.list_clusters()


def test_faults_can_be_taken_back(aws: Any) -> None:
    aws.control("POST", "faults", {"service": "sts", "times": 100})
    aws.control("DELETE", "faults")
    aws.client("sts").get_caller_identity()


def test_an_incomplete_fault_is_refused(aws: Any) -> None:
    answer = aws.control("POST", "faults", {"operation": "DescribeVpcs"}, expect=400)
    assert "service" in answer["error"]


def test_an_unknown_path_names_those_that_exist(aws: Any) -> None:
    assert "GET /_sandbox/requests" in aws.control("GET", "request", expect=404)["error"]
