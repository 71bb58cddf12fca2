"""What the control API decides: metrics that autoscalers follow, nodes that vanish, images that stop working."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.sandbox.kubernetes.client import DEPLOYMENTS, PODS, TestCluster
from tests.support.kubernetes_api import MERGE, deployment

AUTOSCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
EVENTS = "/api/v1/namespaces/default/events"
NODES = "/api/v1/nodes"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
WEB = f"{DEPLOYMENTS}/web"


@pytest.fixture(autouse=True)
def _quickly(server: StandaloneServer) -> Iterator[None]:
    server.control("PUT", "settings", {"autoscaler_seconds": 0.05, "node_eviction_seconds": 0.2})
    yield
    server.control("PUT", "settings", {"autoscaler_seconds": 0.5, "node_eviction_seconds": 2.0})


def influence(cluster: TestCluster, method: str, path: str, body: Any = None) -> None:
    cluster.server.control(method, f"clusters/{cluster.name}/{path}", body)


def available(cluster: TestCluster, count: int) -> None:
    cluster.eventually(
        lambda: cluster.ok("GET", WEB).get("status", {}).get("availableReplicas", 0) == count, f"{count} available"
    )


def scaled(cluster: TestCluster, *, replicas: int = 2, **spec: Any) -> None:
    """A deployment whose pods ask for 100m and an autoscaler that wants them half used."""
    web = deployment(replicas=replicas)
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "100m"}}
    cluster.ok("POST", DEPLOYMENTS, web)
    available(cluster, replicas)
    target = {"type": "Utilization", "averageUtilization": 50}
    body = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 1,
        "maxReplicas": 10,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        **spec,
    }
    cluster.ok("POST", AUTOSCALERS, {"metadata": {"name": "web"}, "spec": body})


def status(cluster: TestCluster) -> dict[str, Any]:
    found: dict[str, Any] = cluster.ok("GET", f"{AUTOSCALERS}/web").get("status", {})
    return found


def reason(cluster: TestCluster, name: str) -> str:
    return next((found["reason"] for found in status(cluster).get("conditions", ()) if found["type"] == name), "")


def utilization(cluster: TestCluster) -> int | None:
    metrics = status(cluster).get("currentMetrics") or [{}]
    return metrics[0].get("resource", {}).get("current", {}).get("averageUtilization")


def test_replicas_follow_the_load_until_the_target_is_met(cluster: TestCluster) -> None:
    scaled(cluster)

    influence(cluster, "PUT", "metrics/default/web", {"total": {"cpu": "300m"}})

    available(cluster, 6)
    cluster.eventually(lambda: reason(cluster, "ScalingLimited") == "DesiredWithinRange", "a range")
    cluster.eventually(lambda: utilization(cluster) == 50, "the metric of six pods")
    assert reason(cluster, "ScalingActive") == "ValidMetricFound"


def test_the_upper_bound_holds_and_is_told(cluster: TestCluster) -> None:
    scaled(cluster, maxReplicas=3)

    influence(cluster, "PUT", "metrics/default/web", {"total": {"cpu": "2"}})

    available(cluster, 3)
    cluster.eventually(lambda: reason(cluster, "ScalingLimited") == "TooManyReplicas", "the bound told")


def test_a_load_near_the_target_changes_nothing(cluster: TestCluster) -> None:
    scaled(cluster)

    influence(cluster, "PUT", "metrics/default/web", {"resources": {"cpu": "54m"}})

    cluster.eventually(lambda: reason(cluster, "ScalingActive") == "ValidMetricFound", "a reading")
    assert cluster.ok("GET", WEB)["spec"]["replicas"] == 2


def test_replicas_go_down_at_once_only_when_no_window_holds_them(cluster: TestCluster) -> None:
    scaled(cluster, replicas=4, behavior={"scaleDown": {"stabilizationWindowSeconds": 0}})

    influence(cluster, "PUT", "metrics/default/web", {"total": {"cpu": "100m"}})

    available(cluster, 2)


def test_a_policy_limits_how_many_pods_come_at_once(cluster: TestCluster) -> None:
    policy = {"type": "Pods", "value": 1, "periodSeconds": 600}
    scaled(cluster, behavior={"scaleUp": {"policies": [policy]}})

    influence(cluster, "PUT", "metrics/default/web", {"total": {"cpu": "1"}})

    available(cluster, 3)
    assert status(cluster)["desiredReplicas"] == 3


def test_a_metric_of_the_pods_is_followed_by_its_name(cluster: TestCluster) -> None:
    target = {"type": "AverageValue", "averageValue": "10"}
    scaled(cluster, metrics=[{"type": "Pods", "pods": {"metric": {"name": "requests"}, "target": target}}])

    influence(cluster, "PUT", "metrics/default/web", {"pods": {"requests": "15"}})

    cluster.eventually(lambda: cluster.ok("GET", WEB)["spec"]["replicas"] == 3, "three replicas")


def test_pods_of_a_silent_node_stop_serving_and_are_replaced_elsewhere(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=2))
    available(cluster, 2)
    lost = cluster.ok("GET", PODS)["items"][0]

    influence(cluster, "PUT", f"nodes/{lost['spec']['nodeName']}", {"answers": False})

    def gone_unready() -> bool:
        conditions = cluster.ok("GET", f"{PODS}/{lost['metadata']['name']}")["status"]["conditions"]
        return any(c["type"] == "Ready" and c.get("reason") == "NodeNotReady" for c in conditions)

    cluster.eventually(gone_unready, "a pod that does not serve")
    assert "NotReady" in cluster.kubectl("get", "nodes")
    available(cluster, 2)
    pods = {pod["metadata"]["name"]: pod for pod in cluster.ok("GET", PODS)["items"]}
    assert len(pods) == 3
    assert "deletionTimestamp" in pods[lost["metadata"]["name"]]["metadata"]

    influence(cluster, "PUT", f"nodes/{lost['spec']['nodeName']}", {"answers": True})

    cluster.eventually(lambda: lost["metadata"]["name"] not in cluster.kubectl("get", "pods"), "the old pod gone")
    assert "NotReady" not in cluster.kubectl("get", "nodes")


def test_an_image_can_be_made_to_fail_and_to_work_again(cluster: TestCluster) -> None:
    image = "registry.example.com/app@sha256:" + "0" * 64
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=2, image=image))
    available(cluster, 2)

    influence(cluster, "PUT", "images", {"image": image, "outcome": "crashes"})
    cluster.eventually(lambda: cluster.kubectl("get", "pods").count("CrashLoopBackOff") == 2, "two crashing pods")
    available(cluster, 0)

    influence(cluster, "PUT", "images", {"image": image, "outcome": None})
    available(cluster, 2)


def test_nodes_of_another_release_go_once_budgets_have_let_their_pods_go(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=2))
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    cluster.ok("POST", BUDGETS, {"metadata": {"name": "web"}, "spec": spec})
    available(cluster, 2)
    cluster.eventually(lambda: cluster.ok("GET", f"{BUDGETS}/web")["status"].get("currentHealthy") == 2, "a budget")
    old = {node["metadata"]["name"] for node in cluster.ok("GET", NODES)["items"]}

    def put() -> dict[str, int]:
        body = {"nodes": 2, "instance_type": "t3.medium", "release": "1.35.4-20261109"}
        found: dict[str, int] = cluster.server.control("PUT", f"clusters/{cluster.name}/nodegroups/general", body)
        return found

    assert put() == {"nodes": 2, "draining": 2}
    with_pods = {pod["spec"]["nodeName"] for pod in cluster.ok("GET", PODS)["items"]}
    cluster.eventually(lambda: put()["draining"] == len(with_pods), "only nodes that the budget keeps are left")

    cluster.ok("PATCH", f"{BUDGETS}/web", {"spec": {"minAvailable": 1}}, MERGE)

    cluster.eventually(lambda: put() == {"nodes": 2, "draining": 0}, "all nodes replaced")
    assert not old & {node["metadata"]["name"] for node in cluster.ok("GET", NODES)["items"]}
    available(cluster, 2)


def probed(image: str) -> dict[str, Any]:
    """A deployment of one pod with both probes."""
    body = deployment(replicas=1, image=image)
    probe = {"httpGet": {"path": "/health", "port": 8080}}
    body["spec"]["template"]["spec"]["containers"][0] |= {"livenessProbe": probe, "readinessProbe": probe}
    return body


def told(cluster: TestCluster, kind: str = "Pod") -> dict[str, set[str]]:
    """Messages of events, by reason."""
    found: dict[str, set[str]] = {}
    for event in cluster.ok("GET", EVENTS, fieldSelector=f"involvedObject.kind={kind}")["items"]:
        found.setdefault(event["reason"], set()).add(event["message"])
    return found


def test_a_container_whose_liveness_probe_fails_is_started_again_until_it_is_given_up(cluster: TestCluster) -> None:
    cluster.server.control("PUT", "settings", {"liveness_seconds": 0.1})
    cluster.ok("POST", DEPLOYMENTS, probed("app:liveness-fails"))

    def container() -> dict[str, Any]:
        pods = cluster.ok("GET", PODS)["items"]
        return next(iter(pods[0]["status"].get("containerStatuses", [{}])), {}) if pods else {}

    cluster.eventually(
        lambda: container().get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff", "given up"
    )
    cluster.server.control("PUT", "settings", {"liveness_seconds": 0.5})

    assert (container()["restartCount"], container()["lastState"]["terminated"]["exitCode"]) == (3, 137)
    assert told(cluster)["Unhealthy"] == {"Liveness probe failed: HTTP probe failed with statuscode: 500"}
    assert told(cluster)["Killing"] == {"Container web failed liveness probe, will be restarted"}


def test_a_container_that_does_not_get_ready_is_told_to_be_unhealthy(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, probed("app:never-ready"))

    unhealthy = cluster.eventually(lambda: told(cluster).get("Unhealthy"), "an event")

    assert unhealthy == {"Readiness probe failed: HTTP probe failed with statuscode: 503"}


def test_a_node_holds_a_lease_until_it_goes(cluster: TestCluster) -> None:
    names = {node["metadata"]["name"] for node in cluster.ok("GET", NODES)["items"]}

    def leases() -> dict[str, Any]:
        return {lease["metadata"]["name"]: lease["spec"] for lease in cluster.ok("GET", LEASES)["items"]}

    cluster.eventually(lambda: leases().keys() == names, "a lease for each node")
    assert all(spec["holderIdentity"] == name and spec["renewTime"] for name, spec in leases().items())

    gone = min(names)
    cluster.ok("DELETE", f"{NODES}/{gone}")

    cluster.eventually(lambda: leases().keys() == names - {gone}, "the lease gone with its node")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("metrics/default/web", {"resources": {"cpu": "much"}}),
        ("images", {"image": "app:1", "outcome": "explodes"}),
        ("nodes/no-such-node", {"answers": False}),
    ],
)
def test_what_makes_no_sense_is_refused(cluster: TestCluster, path: str, body: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match=r"40[04]"):
        influence(cluster, "PUT", path, body)
