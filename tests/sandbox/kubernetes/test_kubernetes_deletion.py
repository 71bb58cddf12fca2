"""Deleting: preconditions, what goes along, what stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.kubernetes.client import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS, TestCluster
from tests.support.kubernetes_api import config_map, deployment

WEB = f"{DEPLOYMENTS}/web"
MERGE = "application/merge-patch+json"


@pytest.fixture
def web(cluster: TestCluster) -> TestCluster:
    cluster.ok("POST", DEPLOYMENTS, deployment(replicas=2))
    cluster.eventually(lambda: cluster.ok("GET", WEB).get("status", {}).get("availableReplicas") == 2, "two pods")
    return cluster


def gone(cluster: TestCluster, path: str) -> bool:
    return cluster.call("GET", path).code == 404


def names(cluster: TestCluster, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in cluster.ok("GET", path)["items"]]


def test_a_deletion_answers_with_what_was_deleted(cluster: TestCluster) -> None:
    created = cluster.ok("POST", CONFIG_MAPS, config_map())

    answer = cluster.ok("DELETE", f"{CONFIG_MAPS}/settings")

    assert answer["status"] == "Success"
    assert answer["details"] == {"name": "settings", "kind": "configmaps", "uid": created["metadata"]["uid"]}


@pytest.mark.parametrize("precondition", ["uid", "resourceVersion"])
def test_a_deletion_of_another_state_is_refused(cluster: TestCluster, precondition: str) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map())

    answer = cluster.call("DELETE", f"{CONFIG_MAPS}/settings", {"preconditions": {precondition: "other"}})

    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    assert not gone(cluster, f"{CONFIG_MAPS}/settings")


def test_in_the_background_the_owner_goes_first_and_its_dependents_follow(web: TestCluster) -> None:
    web.ok("DELETE", WEB, {"propagationPolicy": "Background"})

    assert gone(web, WEB)
    web.eventually(lambda: not names(web, REPLICA_SETS) and not names(web, PODS), "no dependents")


def test_in_the_foreground_the_owner_waits_for_its_dependents(web: TestCluster) -> None:
    deleted = web.ok("DELETE", WEB, {"propagationPolicy": "Foreground"})

    assert deleted["metadata"]["finalizers"] == ["foregroundDeletion"]
    web.eventually(lambda: gone(web, WEB), "the owner gone")
    assert names(web, REPLICA_SETS) == names(web, PODS) == []


def test_orphaned_dependents_stay_without_their_owner(web: TestCluster) -> None:
    web.ok("DELETE", WEB, {"propagationPolicy": "Orphan"})

    web.eventually(lambda: gone(web, WEB), "the owner gone")
    (replica_set,) = web.ok("GET", REPLICA_SETS)["items"]
    assert "ownerReferences" not in replica_set["metadata"]
    assert len(names(web, PODS)) == 2


def test_an_object_whose_owner_never_existed_is_collected(cluster: TestCluster) -> None:
    body = config_map()
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ghost", "uid": "no-such-uid"}
    body["metadata"]["ownerReferences"] = [owner]

    cluster.ok("POST", CONFIG_MAPS, body)

    cluster.eventually(lambda: gone(cluster, f"{CONFIG_MAPS}/settings"), "the orphan collected")


def test_what_an_object_of_a_custom_kind_owns_goes_with_it(cluster: TestCluster) -> None:
    names = {"kind": "Lens", "plural": "lenses"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    cluster.ok("POST", definitions, {"metadata": {"name": "lenses.example.com"}, "spec": spec})
    lenses = "/apis/example.com/v1/namespaces/default/lenses"
    owner = cluster.ok("POST", lenses, {"metadata": {"name": "one"}})
    body = config_map()
    body["metadata"]["ownerReferences"] = [
        {"apiVersion": "example.com/v1", "kind": "Lens", "name": "one", "uid": owner["metadata"]["uid"]}
    ]
    cluster.ok("POST", CONFIG_MAPS, body)

    cluster.ok("DELETE", f"{lenses}/one")

    cluster.eventually(lambda: gone(cluster, f"{CONFIG_MAPS}/settings"), "the owned one collected")


def test_a_finalizer_holds_an_object_until_it_is_taken_off(cluster: TestCluster) -> None:
    body = config_map()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.ok("POST", CONFIG_MAPS, body)

    assert "deletionTimestamp" in cluster.ok("DELETE", f"{CONFIG_MAPS}/settings")["metadata"]
    assert not gone(cluster, f"{CONFIG_MAPS}/settings")
    cluster.ok("PATCH", f"{CONFIG_MAPS}/settings", {"metadata": {"finalizers": None}}, MERGE)

    assert gone(cluster, f"{CONFIG_MAPS}/settings")


def test_a_namespace_goes_with_everything_in_it(cluster: TestCluster) -> None:
    cluster.ok("POST", NAMESPACES, {"metadata": {"name": "n"}})
    for plural, body in (("configmaps", config_map()), ("secrets", {"metadata": {"name": "s"}})):
        cluster.ok("POST", f"{NAMESPACES}/n/{plural}", body)
    cluster.ok("POST", "/apis/apps/v1/namespaces/n/deployments", deployment())
    cluster.eventually(lambda: len(names(cluster, f"{NAMESPACES}/n/pods")) == 3, "three pods")

    deleted = cluster.ok("DELETE", f"{NAMESPACES}/n")

    assert deleted["status"]["phase"] == "Terminating"
    cluster.eventually(lambda: gone(cluster, f"{NAMESPACES}/n"), "the namespace gone")
    for plural in ("configmaps", "secrets", "pods", "serviceaccounts", "events"):
        assert names(cluster, f"{NAMESPACES}/n/{plural}") == []


def test_nothing_can_be_made_in_a_namespace_that_is_going(cluster: TestCluster) -> None:
    cluster.ok("POST", NAMESPACES, {"metadata": {"name": "n"}})
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.ok("POST", f"{NAMESPACES}/n/configmaps", held)
    cluster.ok("DELETE", f"{NAMESPACES}/n")

    answer = cluster.call("POST", f"{NAMESPACES}/n/configmaps", config_map())

    assert answer.code == 403
    assert "because it is being terminated" in answer.message


def test_the_systems_namespaces_cannot_be_deleted(cluster: TestCluster) -> None:
    answer = cluster.call("DELETE", f"{NAMESPACES}/kube-system")

    assert (answer.code, answer.message) == (
        403,
        'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    )


def test_a_pod_stops_gracefully(web: TestCluster) -> None:
    name = names(web, PODS)[0]

    deleted: dict[str, Any] = web.ok("DELETE", f"{PODS}/{name}")

    assert deleted["metadata"]["deletionGracePeriodSeconds"] == 30
    web.eventually(lambda: gone(web, f"{PODS}/{name}"), "the pod gone")


def test_a_collection_is_deleted_by_its_selector(cluster: TestCluster) -> None:
    for name, color in (("a", "red"), ("b", "red"), ("c", "blue")):
        body = config_map(name)
        body["metadata"]["labels"] = {"color": color}
        cluster.ok("POST", CONFIG_MAPS, body)

    cluster.ok("DELETE", CONFIG_MAPS, labelSelector="color=red")

    assert names(cluster, CONFIG_MAPS) == ["c", "kube-root-ca.crt"]
