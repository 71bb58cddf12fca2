"""Each component is broken in a live environment and seen, and well again once it is put back."""

from __future__ import annotations

import re

import pytest

from ils_pipelines.operations.health.catalog import PROBED, PROBES
from ils_pipelines.operations.health.models import HealthStatus
from ils_pipelines.operations.probing import LayerCondition
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.monitoring import Subscription
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.health_cases import CASES, REFUSED, Case
from tests.operations.watch.site import Site

# The first test of a process waits for the sandbox and for dev.
pytestmark = pytest.mark.timeout(600)


def test_everything_in_a_new_environment_is_healthy(site: Site) -> None:
    report = site.health()

    assert report.problems == ()
    assert report.sound
    names = [finding.component for finding in report.findings]
    for component in (
        "NAT gateway nat-",
        "EKS cluster ils-dev",
        "nodes of group general",
        "database writer of ils-dev",
    ):
        assert any(name.startswith(component) for name in names), component


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_component_that_is_unwell_is_named_with_a_remedy(site: Site, case: Case) -> None:
    with case.breaks(site):
        broken = site.health(case.layer)
    mended = site.health(case.layer)

    named = [finding for finding in broken.problems if finding.component.startswith(case.component)]
    assert [finding.status for finding in named] == [case.status], broken.findings
    assert case.found in named[0].found
    assert named[0].expected
    assert named[0].remedy
    assert not broken.sound
    assert mended.problems == ()


@pytest.mark.parametrize(("server", "service", "operation", "components"), REFUSED, ids=lambda value: value)
def test_what_does_not_answer_is_unknown_and_not_healthy(
    site: Site, server: str, service: str, operation: str, components: str
) -> None:
    fault = {"service": service, "operation": operation, "error_code": "AccessDenied", "status": 403}
    site.sandbox.control("faults", {**fault, "times": 20, "after": 0}, method="POST", server=server)
    try:
        report = site.health()
    finally:
        site.sandbox.control("faults", method="DELETE", server=server)

    unknown = {finding.component: finding for finding in report.findings if finding.status is HealthStatus.UNKNOWN}
    assert components in unknown, report.problems
    assert re.search("AccessDenied|asked for", unknown[components].found)
    assert not report.sound


def test_every_probe_is_tried_with_an_api_that_refuses() -> None:
    assert {components for *_, components in REFUSED} == {probe.components for probe in PROBES}


def test_an_environment_that_was_never_provisioned_is_not_healthy(site: Site) -> None:
    report = site.sibling(Environment(name="never")).health()

    assert {layer.condition for layer in report.layers} == {LayerCondition.NOT_PROVISIONED}
    assert not report.sound
    assert {layer.layer for layer in report.layers} == set(PROBED)


def test_fewer_cache_nodes_than_the_file_says_are_degraded(site: Site) -> None:
    environment = site.target.environment
    larger = environment.model_copy(update={"cache": environment.cache.model_copy(update={"nodes": 2})})

    [problem] = site.sibling(larger).health(Layer.CACHE).problems

    assert (problem.status, problem.found) == (HealthStatus.DEGRADED, "1 of 2 nodes available")


def test_somebody_who_did_not_confirm_yet_is_told_nothing(site: Site) -> None:
    environment = site.target.environment
    told = (*environment.monitoring.subscriptions, Subscription(endpoint="on-holiday@example.com"))
    monitoring = environment.monitoring.model_copy(update={"subscriptions": told})
    larger = environment.model_copy(update={"monitoring": monitoring})

    [problem] = site.sibling(larger).health(Layer.MONITORING).problems

    assert (problem.status, problem.found) == (HealthStatus.DEGRADED, "1 of 2 subscriptions confirmed")


def test_a_look_changes_nothing_and_asks_nothing_twice(site: Site, sandbox: LocalSandbox) -> None:
    sandbox.forget_requests()

    report = site.health()

    requests = sandbox.requests()
    assert [request for request in requests if request["mutating"]] == []
    # Connecting to the cluster asks EKS for its endpoint once more.
    assert len(requests) <= len(report.findings) + 5


def test_the_command_shows_every_component_within_100_columns(site: Site, sandbox: LocalSandbox) -> None:
    shown = sandbox.ils("health", "dev").stdout

    assert "database writer of ils-dev" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_the_command_fails_and_says_what_to_do(site: Site, sandbox: LocalSandbox) -> None:
    case = next(case for case in CASES if case.component == "KMS key database")
    with case.breaks(site):
        shown = sandbox.ils("health", "dev", code=1).stdout
        document = sandbox.ils_json("health", "dev", code=1)

    assert "expected Enabled, found Disabled" in shown
    assert "-> Enable the key" in shown
    layers = {layer["layer"]: layer for layer in document["layers"]}
    assert layers["encryption"]["status"] == "unhealthy"
    assert layers["database"]["status"] == "healthy"
    assert document["success"] is False
