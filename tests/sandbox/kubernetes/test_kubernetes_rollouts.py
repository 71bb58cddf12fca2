"""Deployments, replica sets and pods: rolling updates, failures on purpose, scheduling."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.kubernetes.client import DEPLOYMENTS, PODS, REPLICA_SETS, TestCluster
from tests.support.kubernetes_api import deployment

WEB = f"{DEPLOYMENTS}/web"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def image(name: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": name}]}}}}


def complete(cluster: TestCluster) -> dict[str, Any] | None:
    found: dict[str, Any] = cluster.ok("GET", WEB)
    status, spec = found.get("status", {}), found["spec"]
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")}
    current = status.get("observedGeneration") == found["metadata"]["generation"]
    return found if current and counts == {spec["replicas"]} else None


def rolled_out(cluster: TestCluster) -> dict[str, Any]:
    done: dict[str, Any] = cluster.eventually(lambda: complete(cluster), "a complete rollout")
    return done


def condition(obj: dict[str, Any], name: str) -> dict[str, Any]:
    found = [found for found in obj.get("status", {}).get("conditions", []) if found["type"] == name]
    return found[0] if found else {"status": "Unknown", "reason": ""}


def waiting_reason(cluster: TestCluster) -> str:
    for pod in cluster.ok("GET", PODS)["items"]:
        for status in pod["status"].get("containerStatuses", []):
            if "waiting" in status["state"]:
                return str(status["state"]["waiting"]["reason"])
    return ""


def test_a_deployment_becomes_available_through_a_replica_set_and_its_pods(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=3))

    done = rolled_out(cluster)

    assert condition(done, "Available")["status"] == "True"
    assert condition(done, "Progressing")["reason"] == "NewReplicaSetAvailable"
    (replica_set,) = cluster.ok("GET", REPLICA_SETS)["items"]
    assert replica_set["metadata"]["ownerReferences"][0]["name"] == "web"
    pods = cluster.ok("GET", PODS)["items"]
    assert {pod["metadata"]["ownerReferences"][0]["name"] for pod in pods} == {replica_set["metadata"]["name"]}
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert len({pod["status"]["podIP"] for pod in pods}) == 3
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2


def test_a_new_template_makes_a_new_replica_set_and_keeps_the_old_one_empty(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment())
    rolled_out(cluster)

    cluster.ok("PATCH", WEB, image("app:2"), STRATEGIC)

    assert rolled_out(cluster)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    cluster.eventually(
        lambda: sorted(found["spec"]["replicas"] for found in cluster.ok("GET", REPLICA_SETS)["items"]) == [0, 3],
        "an empty old replica set",
    )


def test_going_back_to_an_old_template_takes_its_replica_set_again(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment())
    rolled_out(cluster)
    cluster.ok("PATCH", WEB, image("app:2"), STRATEGIC)
    rolled_out(cluster)

    cluster.ok("PATCH", WEB, image("app:1"), STRATEGIC)

    assert rolled_out(cluster)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert len(cluster.ok("GET", REPLICA_SETS)["items"]) == 2


def test_replica_sets_beyond_the_history_limit_go(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=1, revisionHistoryLimit=1))
    for version in range(2, 5):
        rolled_out(cluster)
        cluster.ok("PATCH", WEB, image(f"app:{version}"), STRATEGIC)
    rolled_out(cluster)

    cluster.eventually(lambda: len(cluster.ok("GET", REPLICA_SETS)["items"]) == 2, "one old replica set")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    replicas=st.integers(1, 6),
    bounds=st.sampled_from([(1, 0), (0, 1), (2, 1), ("25%", "25%"), ("100%", 0), ("50%", "50%")]),
)
def test_a_rolling_update_keeps_within_its_bounds_at_every_moment(
    cluster: TestCluster, replicas: int, bounds: tuple[int | str, int | str]
) -> None:
    surge, unavailable = bounds

    def number(value: int | str, *, up: bool) -> int:
        if isinstance(value, int):
            return value
        exact = int(value.rstrip("%")) * replicas
        return -(-exact // 100) if up else exact // 100

    most, least = replicas + number(surge, up=True), replicas - number(unavailable, up=False)
    if most == least == replicas:
        least -= 1  # the server lets one be missing when neither is possible
    rolling = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=replicas, strategy=rolling))
    rolled_out(cluster)
    version = cluster.ok("GET", PODS)["metadata"]["resourceVersion"]
    serving = {pod["metadata"]["name"] for pod in cluster.ok("GET", PODS)["items"]}
    present = set(serving)
    cluster.ok("PATCH", WEB, image("app:2"), STRATEGIC)
    rolled_out(cluster)
    cluster.eventually(lambda: len(cluster.ok("GET", PODS)["items"]) == replicas, "no old pod")
    marker = {"metadata": {"name": "marker"}, "spec": {"containers": [{"name": "m", "image": "m:1"}]}}
    cluster.ok("POST", PODS, marker)

    fewest_serving, most_present = len(serving), len(present)
    with cluster.watch(PODS, resourceVersion=version) as events:  # everything that happened, in its order
        for kind, pod in events:
            name = pod["metadata"]["name"]
            if name == "marker":
                break
            going = kind == "DELETED" or "deletionTimestamp" in pod["metadata"]
            ready = not going and condition(pod, "Ready")["status"] == "True"
            (present.discard if going else present.add)(name)
            (serving.add if ready else serving.discard)(name)
            fewest_serving, most_present = min(fewest_serving, len(serving)), max(most_present, len(present))

    for path in (f"{PODS}/marker", WEB):
        cluster.ok("DELETE", path, {"propagationPolicy": "Foreground"})
        cluster.eventually(lambda path=path: cluster.call("GET", path).code == 404, f"{path} gone")
    assert fewest_serving >= least
    assert most_present <= most
    assert len(serving) == len(present) == replicas


def test_recreate_stops_the_old_pods_before_it_starts_new_ones(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(strategy={"type": "Recreate"}))
    rolled_out(cluster)

    cluster.ok("PATCH", WEB, image("app:2"), STRATEGIC)

    rolled_out(cluster)
    assert {pod["spec"]["containers"][0]["image"] for pod in cluster.ok("GET", PODS)["items"]} == {"app:2"}


def test_scaling_adds_and_removes_pods(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=1))
    rolled_out(cluster)
    for replicas in (4, 2, 0):
        cluster.ok("PATCH", f"{WEB}/scale", {"spec": {"replicas": replicas}}, MERGE)
        rolled_out(cluster)
        cluster.eventually(lambda n=replicas: len(cluster.ok("GET", PODS)["items"]) == n, f"{replicas} pods")


def test_a_deleted_pod_is_replaced(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=1))
    rolled_out(cluster)
    (pod,) = cluster.ok("GET", PODS)["items"]

    cluster.ok("DELETE", f"{PODS}/{pod['metadata']['name']}")

    cluster.eventually(lambda: cluster.call("GET", f"{PODS}/{pod['metadata']['name']}").code == 404, "the pod gone")
    assert rolled_out(cluster)["status"]["availableReplicas"] == 1


# -- failures on purpose ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tag", "reason"), [("does-not-exist", "ImagePullBackOff"), ("crash", "CrashLoopBackOff")])
def test_an_images_tag_makes_its_pods_fail(cluster: TestCluster, tag: str, reason: str) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(image=f"app:{tag}"))

    cluster.eventually(lambda: waiting_reason(cluster) == reason, reason)

    assert condition(cluster.ok("GET", WEB), "Available")["status"] == "False"


def test_a_rollout_without_progress_exceeds_its_deadline(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(image="app:never-ready", progressDeadlineSeconds=1))

    cluster.eventually(
        lambda: condition(cluster.ok("GET", WEB), "Progressing")["reason"] == "ProgressDeadlineExceeded",
        "the deadline exceeded",
    )


def test_a_pod_whose_config_map_is_missing_starts_once_it_is_there(cluster: TestCluster) -> None:
    body = deployment(replicas=1)
    body["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "late"}}]
    cluster.ok("POST", DEPLOYMENTS, body)
    cluster.eventually(lambda: waiting_reason(cluster) == "CreateContainerConfigError", "a missing config map")

    cluster.ok("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "late"}})

    rolled_out(cluster)


def test_a_deployment_that_may_not_create_pods_says_why(cluster: TestCluster) -> None:
    body = deployment()
    body["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
    cluster.ok("POST", DEPLOYMENTS, body)

    found = cluster.eventually(
        lambda: (c := condition(cluster.ok("GET", WEB), "ReplicaFailure"))["status"] == "True" and c, "a failure"
    )

    assert 'serviceaccount "nobody" not found' in found["message"]


# -- nodes ------------------------------------------------------------------------------------------------------------


def test_pods_wait_for_room_and_run_when_nodes_come(cluster: TestCluster) -> None:
    cluster.server.control("DELETE", f"clusters/{cluster.name}/nodegroups/general")
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=1))

    def unschedulable() -> str:
        pods = cluster.ok("GET", PODS)["items"]
        return str(condition(pods[0], "PodScheduled").get("message", "")) if pods else ""

    assert (
        cluster.eventually(unschedulable, "an unschedulable pod") == "0/0 nodes are available: no nodes are registered."
    )

    cluster.server.control("PUT", f"clusters/{cluster.name}/nodegroups/general", {"nodes": 1})

    rolled_out(cluster)


def test_pods_of_a_node_that_goes_move_to_another(cluster: TestCluster) -> None:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=4))
    rolled_out(cluster)

    cluster.server.control("PUT", f"clusters/{cluster.name}/nodegroups/general", {"nodes": 1})

    def on_one_node() -> bool:
        pods = cluster.ok("GET", PODS)["items"]
        return len(pods) == 4 and len({pod["spec"].get("nodeName", "") for pod in pods}) == 1

    cluster.eventually(on_one_node, "all pods on the node that is left")
    rolled_out(cluster)


def test_a_node_that_is_cordoned_gets_no_pods(cluster: TestCluster) -> None:
    cordoned, other = (node["metadata"]["name"] for node in cluster.ok("GET", "/api/v1/nodes")["items"])
    cluster.ok("PATCH", f"/api/v1/nodes/{cordoned}", {"spec": {"unschedulable": True}}, MERGE)

    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=3))

    rolled_out(cluster)
    assert {pod["spec"]["nodeName"] for pod in cluster.ok("GET", PODS)["items"]} == {other}


def test_a_node_group_of_another_type_replaces_its_nodes(cluster: TestCluster) -> None:
    before = {node["metadata"]["uid"] for node in cluster.ok("GET", "/api/v1/nodes")["items"]}

    cluster.server.control(
        "PUT",
        f"clusters/{cluster.name}/nodegroups/general",
        {"nodes": 3, "instance_type": "m5.xlarge", "labels": {"pool": "big"}},
    )

    nodes = cluster.ok("GET", "/api/v1/nodes", labelSelector="pool=big")["items"]
    assert len(nodes) == 3
    assert not before & {node["metadata"]["uid"] for node in nodes}
    assert {node["status"]["capacity"]["cpu"] for node in nodes} == {"4"}
