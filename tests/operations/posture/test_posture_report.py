"""What a report says of an environment, what it costs to make, and what it does when an answer is missing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ils_pipelines.operations.posture.markdown import findings_table, report_table
from ils_pipelines.operations.posture.models import Report, Verdict
from ils_pipelines.operations.posture.report import posture
from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.posture import PostureWaiver
from ils_pipelines.targets.sessions import AccessKey, Clients
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.posture.cases import network, stores
from tests.operations.posture.cases.application import GOOD
from tests.operations.posture.site import BY_ID, Site

pytestmark = pytest.mark.timeout(600)

NOW = datetime(2026, 12, 1, tzinfo=UTC)
"""A day on which the shipped waivers hold."""
REQUESTS = 80
"""More than enough for an environment of ten layers, which needs 65: most ask once for each key, bucket or secret."""
LISTED = {
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeSecurityGroups",
    "DescribeSecurityGroupRules",
    "DescribeFlowLogs",
    "DescribeVpcEndpoints",
    "DescribeCluster",
    "ListNodegroups",
    "DescribeDBClusters",
    "DescribeDBInstances",
    "DescribeDBClusterSnapshots",
    "DescribeReplicationGroups",
    "DescribeCacheClusters",
    "ListTables",
    "DescribeLoadBalancers",
    "GetResources",
    "ListSecrets",
    "ListAliases",
    "DescribeLogGroups",
    "ListTopics",
    "ListBackupVaults",
}


def _unknown(report: Report) -> set[ControlId]:
    return {result.control.id for result in report.results if result.verdict is Verdict.UNKNOWN}


def test_dev_as_shipped_passes_every_control_or_waives_it(shipped: Site) -> None:
    report = shipped.evaluate(now=NOW)

    assert report.findings == ()
    assert report.counts[Verdict.FAILED] == 0
    assert _unknown(report) == set()
    assert report.counts[Verdict.PASSED] >= 50
    assert report.waiver_problems == ()


@pytest.mark.long
@pytest.mark.parametrize("tier", ["staging", "production"])
def test_the_other_tiers_as_shipped_pass_every_control_or_waive_it(tiers: dict[str, Site], tier: str) -> None:
    report = tiers[tier].evaluate(now=NOW, others=("dev", "staging", "production"))

    assert report.findings == ()
    assert _unknown(report) == set()
    assert report.counts[Verdict.PASSED] >= 50
    assert report.waiver_problems == ()
    named = {resource for result in report.results for resource in result.resources if "ils-" in resource}
    assert {resource for resource in named if f"ils-{tier}" not in resource} == set()


def test_what_is_not_there_is_said_to_be_not_applicable(site: Site) -> None:
    results = site.bare("nothing").evaluate().results

    assert {result.verdict for result in results} == {Verdict.NOT_APPLICABLE}
    assert all(result.reason.startswith("the environment has no ") for result in results)


def test_a_report_only_reads_and_asks_each_question_once(shipped: Site, sandbox: LocalSandbox) -> None:
    sandbox.forget_requests()

    shipped.evaluate()

    requests = sandbox.requests()
    asked = Counter((request["service"], request["operation"]) for request in requests)
    assert not [request for request in requests if request["mutating"]]
    # Finding the way to the cluster asks EKS once more.
    asked["eks", "DescribeCluster"] -= 1
    assert {operation: count for (_, operation), count in asked.items() if operation in LISTED} == dict.fromkeys(
        LISTED, 1
    )
    assert max(count for (service, _), count in asked.items() if service == "kubernetes") == 1
    assert len(requests) <= REQUESTS


def _waiver(resource: str = "*", expires: date = date(2999, 1, 1)) -> PostureWaiver:
    return PostureWaiver(
        control=ControlId.CACHE_FAILOVER,
        resource=resource,
        reason="A reason that an auditor understands.",
        expires=expires,
    )


def test_a_waiver_accepts_a_finding_and_says_why(site: Site) -> None:
    result = site.with_waivers(_waiver()).evaluate(ControlId.CACHE_FAILOVER).results[0]

    assert result.verdict is Verdict.WAIVED
    assert [accepted.finding.resource for accepted in result.waived] == ["cache ils-dev"]
    assert result.waived[0].waiver.reason == "A reason that an auditor understands."


def test_a_waiver_of_one_resource_leaves_the_others(site: Site) -> None:
    another = next(case for case in stores.CASES if case.control is ControlId.CACHE_FAILOVER)
    with another.breaks(site):
        result = site.with_waivers(_waiver("cache ils-dev")).evaluate(ControlId.CACHE_FAILOVER).results[0]

    assert result.verdict is Verdict.FAILED
    assert [finding.resource for finding in result.findings] == ["cache ils-dev-rogue"]
    assert [accepted.finding.resource for accepted in result.waived] == ["cache ils-dev"]


def test_a_waiver_holds_on_its_last_day_and_not_on_the_next(site: Site) -> None:
    waived = site.with_waivers(_waiver(expires=date(2026, 12, 1)))

    last = waived.evaluate(ControlId.CACHE_FAILOVER, now=NOW)
    after = waived.evaluate(ControlId.CACHE_FAILOVER, now=datetime(2026, 12, 2, tzinfo=UTC))

    assert last.results[0].verdict is Verdict.WAIVED
    assert last.waiver_problems == ()
    assert after.results[0].verdict is Verdict.FAILED
    assert [problem.reason.split(":")[0] for problem in after.waiver_problems] == ["expired on 2026-12-01"]


def test_a_waiver_that_covers_nothing_is_reported(site: Site) -> None:
    report = site.with_waivers(_waiver("cache ils-other")).evaluate(ControlId.CACHE_FAILOVER)

    assert [problem.reason for problem in report.waiver_problems] == ["covers nothing that was found. Remove it"]


@pytest.mark.parametrize(
    ("service", "operation", "control"),
    [
        ("ec2", "DescribeFlowLogs", ControlId.VPC_FLOW_LOGS),
        ("eks", "DescribeCluster", ControlId.CLUSTER_LOGS),
        ("kms", "ListAliases", ControlId.DATABASE_ENCRYPTION),
        ("logs", "DescribeLogGroups", ControlId.LOG_RETENTION),
    ],
)
def test_a_refused_call_makes_the_verdict_unknown_and_never_passed(
    site: Site, sandbox: LocalSandbox, service: str, operation: str, control: ControlId
) -> None:
    fault = {"error_code": "AccessDeniedException", "status": 403, "times": 1, "after": 0}
    sandbox.control("faults", {"service": service, "operation": operation, **fault}, method="POST")
    try:
        result = site.evaluate(control).results[0]
    finally:
        sandbox.control("faults", method="DELETE")

    assert result.verdict is Verdict.UNKNOWN
    assert "AccessDeniedException" in result.reason


def test_a_cluster_that_refuses_makes_the_verdict_unknown(site: Site, sandbox: LocalSandbox) -> None:
    fault = {"operation": "list deployments", "error_code": "Forbidden", "status": 403, "times": 1, "after": 0}
    sandbox.control("faults", {"service": "kubernetes", **fault}, method="POST", server="kubernetes")
    try:
        result = site.evaluate(ControlId.POD_NON_ROOT).results[0]
    finally:
        sandbox.control("faults", method="DELETE", server="kubernetes")

    assert result.verdict is Verdict.UNKNOWN
    assert "list deployments" in result.reason


class _Html(BaseHTTPRequestHandler):
    """Answers every call as moto answers one that it does not know: 404 and a page."""

    def _answer(self) -> None:
        page = b"<!doctype html><title>404 Not Found</title>"
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_GET = do_POST = _answer  # noqa: N815 the names that http.server asks for

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 as above
        """Says nothing."""


class _HtmlTarget:
    """A target whose AWS knows no call at all."""

    name = "html"

    def __init__(self, endpoint: str) -> None:
        self.environment = Environment(name="dev")
        self._clients = Clients(region="us-east-1", endpoint=endpoint, access_key=AccessKey("any", "any"))

    def client(self, service: str, *, region: str | None = None) -> Any:
        return self._clients.client(service, region=region)


@contextmanager
def _html_target() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Html)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield _HtmlTarget(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_answer_that_is_none_makes_every_verdict_unknown() -> None:
    with _html_target() as target:
        report = posture(target)

    assert {result.verdict for result in report.results} == {Verdict.UNKNOWN}
    assert all(result.reason for result in report.results)


def test_an_answer_without_what_is_needed_makes_the_verdict_unknown(site: Site) -> None:
    """An evaluator that trips does not take the report with it."""
    tripping = replace(BY_ID[ControlId.VPC_FLOW_LOGS], evaluator="network.no_such_function")

    results = posture(site.target, controls=(tripping, BY_ID[ControlId.SUBNET_NO_PUBLIC_IP])).results

    assert [result.verdict for result in results] == [Verdict.UNKNOWN, Verdict.PASSED]
    assert "no_such_function" in results[0].reason


def test_pods_of_a_controller_that_is_not_looked_at_are_looked_at_themselves(site: Site) -> None:
    from kubernetes.client import CoreV1Api

    core, namespace = CoreV1Api(site.kubernetes()), site.environment.app.namespace
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "1", "controller": True}
    tagged = {**GOOD, "containers": [{**GOOD["containers"][0], "image": "agent:latest"}]}
    core.create_namespaced_pod(namespace, {"metadata": {"name": "agent-1", "ownerReferences": [owner]}, "spec": tagged})
    try:
        failing = site.failing(ControlId.POD_IMAGE_TAG)
    finally:
        core.delete_namespaced_pod("agent-1", namespace, grace_period_seconds=0)

    assert failing == {f"Pod {namespace}/agent-1 container main"}


def test_the_markdown_names_resource_expected_found_and_remedy(site: Site) -> None:
    case = next(case for case in network.CASES if case.control is ControlId.NO_PUBLIC_SSH)
    with case.breaks(site) as group:
        report = site.evaluate(ControlId.NO_PUBLIC_SSH, ControlId.SUBNET_NO_PUBLIC_IP)

    finding = report.findings[0]
    row = findings_table(report.results).splitlines()[-1]
    assert group in row
    assert finding.expected in row
    assert "tcp 22-22 from 0.0.0.0/0" in row
    assert finding.remedy in row
    assert "2 controls: 1 failed, 1 passed." in report_table(report)
