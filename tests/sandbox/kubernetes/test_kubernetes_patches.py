"""JSON patch, merge patch and strategic merge patch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.kubernetes.client import CONFIG_MAPS, DEPLOYMENTS, TestCluster
from tests.support.kubernetes_api import config_map, deployment

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
MAP = f"{CONFIG_MAPS}/settings"
WEB = f"{DEPLOYMENTS}/web"


def patched(cluster: TestCluster, patch: dict[str, Any], kind: str = STRATEGIC) -> dict[str, Any]:
    pod: dict[str, Any] = cluster.ok("PATCH", WEB, {"spec": {"template": {"spec": patch}}}, kind)["spec"]["template"][
        "spec"
    ]
    return pod


@pytest.fixture
def web(cluster: TestCluster) -> TestCluster:
    body = deployment(replicas=0)
    pod = body["spec"]["template"]["spec"]
    pod["containers"][0]["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    pod["containers"].append({"name": "sidecar", "image": "side:1"})
    pod["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    cluster.ok("POST", DEPLOYMENTS, body)
    return cluster


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def test_a_merge_patch_sets_and_a_null_removes(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map(a="1", b="2"))

    assert cluster.ok("PATCH", MAP, {"data": {"a": None, "c": "3"}}, MERGE)["data"] == {"b": "2", "c": "3"}


def test_a_merge_patch_replaces_lists(web: TestCluster) -> None:
    assert names(patched(web, {"containers": [{"name": "new", "image": "n:1"}]}, MERGE)["containers"]) == ["new"]


def test_a_json_patch_works_on_paths(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))
    patch = [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "replace", "path": "/data/a", "value": "2"}]

    assert cluster.ok("PATCH", MAP, patch, JSON)["data"] == {"a": "2"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/data/a", "value": "other"},
        {"op": "remove", "path": "/data/nothing"},
        {"op": "replace", "path": "nonsense", "value": 1},
    ],
    ids=["test fails", "no such path", "no pointer"],
)
def test_a_json_patch_that_does_not_apply_is_refused(cluster: TestCluster, operation: dict[str, Any]) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))

    assert cluster.call("PATCH", MAP, [operation], JSON).code == 422
    assert cluster.ok("GET", MAP)["data"] == {"a": "1"}


def test_a_strategic_patch_merges_lists_by_their_key(web: TestCluster) -> None:
    container = {"name": "web", "image": "app:2", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]}

    pod = patched(web, {"containers": [container]})

    assert names(pod["containers"]) == ["web", "sidecar"]
    assert pod["containers"][0]["image"] == "app:2"
    assert pod["containers"][0]["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "3"},
        {"name": "C", "value": "4"},
    ]


def test_a_strategic_patch_deletes_an_item_by_its_key(web: TestCluster) -> None:
    assert names(patched(web, {"containers": [{"name": "sidecar", "$patch": "delete"}]})["containers"]) == ["web"]


def test_a_strategic_patch_replaces_a_list_when_told_so(web: TestCluster) -> None:
    patch = {"containers": [{"$patch": "replace"}, {"name": "only", "image": "o:1"}]}

    assert names(patched(web, patch)["containers"]) == ["only"]


def test_a_strategic_patch_orders_a_list_when_told_so(web: TestCluster) -> None:
    patch = {"$setElementOrder/containers": [{"name": "sidecar"}, {"name": "web"}]}

    assert names(patched(web, patch)["containers"]) == ["sidecar", "web"]


def test_a_strategic_patch_keeps_only_the_named_keys_when_told_so(web: TestCluster) -> None:
    volume = {"name": "tmp", "configMap": {"name": "settings"}, "$retainKeys": ["name", "configMap"]}

    assert "emptyDir" not in patched(web, {"volumes": [volume]})["volumes"][0]


def test_a_strategic_patch_removes_values_from_a_list_of_values(web: TestCluster) -> None:
    web.ok("PATCH", WEB, {"metadata": {"finalizers": ["x/a", "x/b"]}}, MERGE)

    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/a"]}}
    assert web.ok("PATCH", WEB, patch, STRATEGIC)["metadata"]["finalizers"] == ["x/b"]
    web.ok("PATCH", WEB, {"metadata": {"finalizers": None}}, MERGE)


def test_an_item_without_its_merge_key_is_refused(web: TestCluster) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}

    answer = web.call("PATCH", WEB, patch, STRATEGIC)

    assert answer.code == 400
    assert "does not contain declared merge key: name" in answer.message


def test_a_patch_made_from_an_old_state_is_refused(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))

    assert cluster.call("PATCH", MAP, {"metadata": {"resourceVersion": "1"}, "data": {"a": "2"}}, MERGE).code == 409


def test_a_patch_of_an_unknown_type_is_refused(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))

    answer = cluster.call("PATCH", MAP, {"data": {}}, "application/json")

    assert (answer.code, answer.body["reason"]) == (415, "UnsupportedMediaType")
