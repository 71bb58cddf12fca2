"""A release is tried on pods to which the load balancer sends a part of the requests, and judged by what it measured."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.engine.models import EngineEvent
from ils_pipelines.release.app import AppRelease
from ils_pipelines.release.canary.checks import Check, WithinMeasures
from ils_pipelines.release.canary.traffic import Traffic
from ils_pipelines.release.errors import ReleaseFailed
from ils_pipelines.release.settings import TargetGroup
from ils_pipelines.settings.canary import CloudWatchCheck
from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.release.site import Site
from tests.support.aws_server import AwsServer

CANARY = {"canary": {"enabled": True, "weigher": "load_balancer", "steps": [10, 50], "pause_seconds": 0}}
OLD, NEW = {**CANARY, "image": "ils/app:1.0.0"}, {**CANARY, "image": "ils/app:1.1.0"}
BALANCER = "app/ils-dev/0123456789abcdef"
GROUPS = {"old": "targetgroup/ils-dev-app/0123456789abcdef", "new": "targetgroup/ils-dev-canary/0123456789abcdef"}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Balanced:
    """A cluster whose pods are targets of a load balancer with two target groups."""

    site: Site
    elb: Any
    listener: str
    stable: TargetGroup
    canary: TargetGroup

    def release(self, app: Mapping[str, Any], *checks: Check) -> AppRelease:
        traffic = Traffic(self.elb, self.listener, self.stable.arn, self.canary.arn, sticky_seconds=0)
        groups = {"target_group": self.stable, "canary_group": self.canary}
        return self.site.release(app, checks=checks, traffic=traffic, **groups)

    def weights(self) -> dict[str, int]:
        """Of the requests that no cookie binds, by group; a group that gets none ever is not there."""
        (action,) = self.elb.describe_listeners(ListenerArns=[self.listener])["Listeners"][0]["DefaultActions"]
        groups = action.get("ForwardConfig", {}).get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
        names = {self.stable.arn: "old", self.canary.arn: "new"}
        return {names[each["TargetGroupArn"]]: each.get("Weight", 100) for each in groups}

    def targets(self, group: TargetGroup) -> int:
        return len(self.elb.describe_target_health(TargetGroupArn=group.arn)["TargetHealthDescriptions"])


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    server = AwsServer(tmp_path_factory.mktemp("aws")).start()
    server.control("PUT", "settings", {"latency_seconds": 0, "seconds_per_minute": 0})
    yield server
    server.end()


@pytest.fixture(scope="module")
def server(aws: AwsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneServer]:
    started = StandaloneServer.start(tmp_path_factory.mktemp("kubernetes"), aws_endpoint=aws.endpoint)
    started.control("PUT", "settings", {"pod_ready_seconds": 0.05, "pod_stop_seconds": 0.02})
    yield started
    assert started.end()


@pytest.fixture
def balanced(site: Site, aws: AwsServer) -> Iterator[Balanced]:
    ec2, elb = aws.client("ec2"), aws.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    balancer = elb.create_load_balancer(Name=site.cluster, Subnets=[each["SubnetId"] for each in subnets])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    groups = []
    for name in ("app", "canary"):
        made = elb.create_target_group(
            Name=f"{site.cluster}-{name}", Port=5000, Protocol="HTTP", VpcId=vpc, TargetType="ip"
        )
        groups.append(TargetGroup(made["TargetGroups"][0]["TargetGroupArn"], vpc))
        sticky = {"stickiness.enabled": "true", "stickiness.type": "lb_cookie"}
        pairs = [{"Key": key, "Value": value} for key, value in sticky.items()]
        elb.modify_target_group_attributes(TargetGroupArn=groups[-1].arn, Attributes=pairs)
    forward = {"Type": "forward", "TargetGroupArn": groups[0].arn}
    listener = elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[forward])
    found = Balanced(site, elb, listener["Listeners"][0]["ListenerArn"], groups[0], groups[1])
    found.release(OLD).up()
    yield found
    found.release(OLD).destroy()


@dataclass
class Looks:
    """A check that notes what it sees, and finds something wrong when the new pods get so much."""

    balanced: Balanced
    seen: list[tuple[dict[str, int], int, int]]
    wrong_at: int = 100

    def problem(self) -> str:
        found = self.balanced
        weights = found.weights()
        self.seen.append((weights, found.targets(found.stable), found.targets(found.canary)))
        return "too many errors" if weights.get("new", 0) >= self.wrong_at else ""


def test_new_pods_get_a_growing_share_of_the_requests_and_at_the_end_all_are_alike(balanced: Balanced) -> None:
    looks = Looks(balanced, [])

    balanced.release(NEW, looks).up()

    assert looks.seen == [({"old": 90, "new": 10}, 3, 1), ({"old": 50, "new": 50}, 3, 3)]
    assert balanced.weights() == {"old": 100}
    assert (balanced.targets(balanced.stable), balanced.targets(balanced.canary)) == (3, 0)
    assert "canary" not in balanced.site.kubectl("-n", "ils-dev", "get", "deploy,svc,targetgroupbindings", "-o", "name")


def test_a_check_that_fails_sends_nobody_to_the_new_pods_any_more(balanced: Balanced) -> None:
    with pytest.raises(ReleaseFailed, match="too many errors"):
        balanced.release(NEW, Looks(balanced, [], wrong_at=50)).up()

    assert balanced.weights() == {"old": 100}
    assert balanced.targets(balanced.canary) == 0
    assert balanced.release(OLD).preview().empty


def test_an_interruption_sends_nobody_there_either(balanced: Balanced) -> None:
    cancel = threading.Event()

    def stop(event: EngineEvent) -> None:
        if event.message.startswith("canary at 50"):
            cancel.set()

    with pytest.raises(OperationCancelled):
        balanced.release(NEW).up(on_event=stop, cancel=cancel)

    assert balanced.weights() == {"old": 100}


def test_shares_that_a_killed_release_left_are_taken_back_by_the_next(balanced: Balanced) -> None:
    class Killed(BaseException):
        """What ends a process without its leave to tidy up."""

    traffic = Traffic(balanced.elb, balanced.listener, balanced.stable.arn, balanced.canary.arn, 0)
    looks = Looks(balanced, [])
    with suppress(Killed):
        traffic.shift(50)

    balanced.release(OLD, looks).up()

    assert (balanced.weights(), looks.seen) == ({"old": 100}, [])


def test_a_release_that_is_there_already_asks_the_load_balancer_and_changes_nothing(
    balanced: Balanced, aws: AwsServer
) -> None:
    aws.control("DELETE", "requests")

    balanced.release(OLD).up()

    assert {operation for _, operation in aws.recorded()} == {"DescribeListeners"}


# -- what CloudWatch measured -----------------------------------------------------------------------------------------


@pytest.fixture
def measured(aws: AwsServer, request: pytest.FixtureRequest) -> Any:
    """Puts measures of a load balancer that is this test's own; gives the check over them."""
    cloudwatch = aws.client("cloudwatch")
    balancer = f"app/{request.node.name[-40:]}/0123"

    def put(group: str, **values: float) -> None:
        dimensions = [
            {"Name": "TargetGroup", "Value": GROUPS[group]},
            {"Name": "LoadBalancer", "Value": balancer},
        ]
        named = {"requests": "RequestCount", "errors": "HTTPCode_Target_5XX_Count", "seconds": "TargetResponseTime"}
        at = datetime.now(UTC) - timedelta(minutes=1)
        data = [
            {"MetricName": named[name], "Value": value, "Timestamp": at, "Dimensions": given}
            for name, value in values.items()
            for given in (dimensions, dimensions[1:])  # of the group, and of the load balancer
        ]
        cloudwatch.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=data)

    def problem(group: str = "", **settings: float) -> str:
        check = CloudWatchCheck.model_validate({"error_percent": 1, "latency_ms": 500, **settings})
        return WithinMeasures(check, cloudwatch, balancer, GROUPS[group] if group else "").problem()

    return put, problem


def test_measures_within_their_bounds_are_well(measured: Any) -> None:
    put, problem = measured
    put("new", requests=1000, errors=10, seconds=0.5)

    assert problem("new") == ""


def test_errors_and_latency_beyond_their_bounds_are_not(measured: Any) -> None:
    put, problem = measured
    put("new", requests=1000, errors=25, seconds=0.75)

    assert problem("new") == (
        "expected at most 1 % answers of 5xx, found 2.5 % and expected at most 500 ms (95th percentile), found 750 ms"
    )


def test_new_pods_are_judged_by_their_own_answers_alone(measured: Any) -> None:
    put, problem = measured
    put("old", requests=1000, errors=500)
    put("new", requests=100, errors=0, seconds=0.1)

    assert problem("new") == ""
    assert "found 45.5 %" in problem()


def test_too_few_requests_prove_nothing(measured: Any) -> None:
    put, problem = measured
    put("new", requests=9, errors=0)

    assert "found 9 in 5 minutes" in problem("new", least_requests=10)
    assert "found 0 in" in problem("old")
    assert problem("old", least_requests=0) == ""


def test_a_cloudwatch_that_does_not_answer_is_no_pass(aws: AwsServer, measured: Any) -> None:
    _, problem = measured
    fault = {"service": "cloudwatch", "operation": "GetMetricData", "error_code": "InternalFailure", "times": 1}
    aws.control("POST", "faults", {**fault, "status": 500})

    assert "found none" in problem("new")
