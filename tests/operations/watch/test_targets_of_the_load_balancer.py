"""The ready pods of the application, and no others, are the targets of the load balancer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ils_pipelines.settings.layers import Layer
from tests.operations.watch.site import Site, until

pytestmark = pytest.mark.timeout(600)

NAMESPACE = "ils-dev"


def targets(site: Site) -> dict[tuple[str, int], str]:
    """Health by address and port."""
    group = site.output(Layer.LOAD_BALANCER, "target_group_arn")
    described = site.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {(each["Target"]["Id"], each["Target"]["Port"]): each["TargetHealth"]["State"] for each in described}


def pods(site: Site) -> set[tuple[str, int]]:
    from kubernetes import client

    found = client.CoreV1Api(site.kubernetes()).list_namespaced_pod(NAMESPACE).items
    return {(pod.status.pod_ip, 5000) for pod in found if pod.metadata.deletion_timestamp is None}


def scale(site: Site, replicas: int) -> None:
    from kubernetes import client

    apps = client.AppsV1Api(site.kubernetes())
    apps.patch_namespaced_deployment_scale("ils", NAMESPACE, {"spec": {"replicas": replicas}})


@pytest.fixture
def scaled(site: Site) -> Iterator[Site]:
    scale(site, 5)
    yield site
    scale(site, 3)
    until(lambda: len(targets(site)) == 3, "the pods that went to be deregistered")


def test_every_pod_is_a_healthy_target_at_its_own_address(site: Site) -> None:
    assert targets(site) == dict.fromkeys(pods(site), "healthy")
    assert len(targets(site)) == 3


def test_targets_follow_the_number_of_pods(scaled: Site) -> None:
    until(lambda: len(targets(scaled)) == 5, "five targets")
    assert set(targets(scaled)) == pods(scaled)


def test_scaling_a_deployment_and_back_is_no_drift(site: Site) -> None:
    scale(site, 2)
    scaled_down = site.layer_drift(Layer.APP_RELEASE).findings
    scale(site, 3)
    until(lambda: len(targets(site)) == 3, "the pods to be registered again")

    assert [(finding.path, finding.expected, finding.found) for finding in scaled_down] == [("spec.replicas", 3, 2)]
    assert site.layer_drift(Layer.APP_RELEASE).findings == ()
