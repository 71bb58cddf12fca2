"""Watches: every change after a resource version, as the watcher's selector sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubernetes.client import CoreV1Api
from kubernetes.watch import Watch

from tests.sandbox.kubernetes.client import CONFIG_MAPS, NAMESPACES, TestCluster
from tests.support.kubernetes_api import config_map

MERGE = "application/merge-patch+json"


def take(events: Iterator[tuple[str, Any]], count: int) -> list[tuple[str, str]]:
    return [(kind, obj["metadata"]["name"]) for kind, obj in (next(events) for _ in range(count))]


def version(cluster: TestCluster) -> str:
    return str(cluster.ok("GET", CONFIG_MAPS)["metadata"]["resourceVersion"])


def test_a_watch_from_a_list_sees_what_happened_since_and_what_happens(cluster: TestCluster) -> None:
    start = version(cluster)
    cluster.ok("POST", CONFIG_MAPS, config_map("before"))

    with cluster.watch(CONFIG_MAPS, resourceVersion=start) as events:
        assert take(events, 1) == [("ADDED", "before")]
        cluster.ok("PATCH", f"{CONFIG_MAPS}/before", {"data": {"a": "1"}}, MERGE)
        cluster.ok("DELETE", f"{CONFIG_MAPS}/before")
        assert take(events, 2) == [("MODIFIED", "before"), ("DELETED", "before")]


def test_a_watch_without_a_version_begins_with_what_is_there(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map("one"))

    with cluster.watch(CONFIG_MAPS, fieldSelector="metadata.name=one") as events:
        assert take(events, 1) == [("ADDED", "one")]


def test_initial_events_end_with_a_bookmark_that_says_so(cluster: TestCluster) -> None:
    with cluster.watch(
        CONFIG_MAPS,
        labelSelector="none=such",
        sendInitialEvents="true",
        allowWatchBookmarks="true",
        resourceVersionMatch="NotOlderThan",
    ) as events:
        kind, bookmark = next(events)

    assert kind == "BOOKMARK"
    assert bookmark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_an_object_that_stops_matching_is_deleted_for_the_watcher(cluster: TestCluster) -> None:
    start = version(cluster)
    body = config_map("one")
    body["metadata"]["labels"] = {"color": "red"}

    with cluster.watch(CONFIG_MAPS, resourceVersion=start, labelSelector="color=red") as events:
        cluster.ok("POST", CONFIG_MAPS, body)
        cluster.ok("PATCH", f"{CONFIG_MAPS}/one", {"metadata": {"labels": {"color": "blue"}}}, MERGE)
        cluster.ok("PATCH", f"{CONFIG_MAPS}/one", {"metadata": {"labels": {"color": "red"}}}, MERGE)
        assert take(events, 3) == [("ADDED", "one"), ("DELETED", "one"), ("ADDED", "one")]


def test_a_watch_of_one_namespace_does_not_see_another(cluster: TestCluster) -> None:
    start = version(cluster)
    cluster.ok("POST", NAMESPACES, {"metadata": {"name": "other"}})
    cluster.ok("POST", "/api/v1/namespaces/other/configmaps", config_map("theirs"))
    cluster.ok("POST", CONFIG_MAPS, config_map("ours"))

    with cluster.watch(CONFIG_MAPS, resourceVersion=start) as events:
        assert take(events, 1) == [("ADDED", "ours")]


def test_a_watch_ends_after_its_timeout(cluster: TestCluster) -> None:
    with cluster.watch(CONFIG_MAPS, resourceVersion=version(cluster), timeoutSeconds="1") as events:
        assert list(events) == []


def test_the_python_clients_watch_works(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map("one"))
    watch = Watch()

    for event in watch.stream(
        CoreV1Api(cluster.api_client).list_namespaced_config_map,
        "default",
        field_selector="metadata.name=one",
        timeout_seconds=10,
    ):
        assert (event["type"], event["object"].metadata.name) == ("ADDED", "one")
        watch.stop()
