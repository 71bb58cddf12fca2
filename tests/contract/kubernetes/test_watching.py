"""Watches: what happened since a resource version, as the watcher's selectors see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import MERGE, config_map

Events = Iterator[tuple[str, Any]]


OURS = "made-by=test"
"""Controllers put a ConfigMap of their own into a new namespace, when they like."""


def labelled(name: str) -> dict[str, Any]:
    body = config_map(name)
    body["metadata"]["labels"] = {"made-by": "test"}
    return body


def take(events: Events, count: int) -> list[tuple[str, str]]:
    """The next events but bookmarks, which come when the server likes."""
    found: list[tuple[str, str]] = []
    while len(found) < count:
        kind, obj = next(events)
        if kind != "BOOKMARK":
            found.append((kind, obj["metadata"]["name"]))
    return found


def version(place: Place) -> str:
    return str(place.ok("GET", place.path("configmaps"))["metadata"]["resourceVersion"])


def test_from_a_version_on_it_tells_what_happened_and_what_happens(place: Place) -> None:
    path, start = place.path("configmaps"), version(place)
    place.ok("POST", path, config_map("before"))

    with place.watch(path, resourceVersion=start, fieldSelector="metadata.name=before") as events:
        assert take(events, 1) == [("ADDED", "before")]
        place.ok("PATCH", f"{path}/before", {"data": {"a": "1"}}, MERGE)
        place.ok("DELETE", f"{path}/before")
        assert take(events, 2) == [("MODIFIED", "before"), ("DELETED", "before")]


def test_events_carry_rising_versions_to_go_on_from(place: Place) -> None:
    path, start = place.path("configmaps"), version(place)
    for name in ("a", "b", "c"):
        place.ok("POST", path, labelled(name))

    with place.watch(path, resourceVersion=start, labelSelector=OURS) as events:
        seen = [next(events)[1]["metadata"] for _ in range(2)]
    with place.watch(path, resourceVersion=seen[-1]["resourceVersion"], labelSelector=OURS) as events:
        assert take(events, 1) == [("ADDED", "c")]

    assert int(start) < int(seen[0]["resourceVersion"]) < int(seen[1]["resourceVersion"])


def test_without_a_version_it_begins_with_what_is_there(place: Place) -> None:
    place.ok("POST", place.path("configmaps"), config_map("one"))

    with place.watch(place.path("configmaps"), fieldSelector="metadata.name=one") as events:
        assert take(events, 1) == [("ADDED", "one")]


def test_initial_events_end_with_a_bookmark_that_says_so(place: Place) -> None:
    place.ok("POST", place.path("configmaps"), config_map("one"))
    query = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}

    with place.watch(place.path("configmaps"), fieldSelector="metadata.name=one", **query) as events:
        (added, _), (bookmark, last) = next(events), next(events)

    assert (added, bookmark) == ("ADDED", "BOOKMARK")
    assert last["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(last["metadata"]["resourceVersion"]) > 0


def test_what_stops_matching_is_deleted_for_the_watcher(place: Place) -> None:
    path, start = place.path("configmaps"), version(place)
    body = config_map("one")
    body["metadata"]["labels"] = {"color": "red"}

    with place.watch(path, resourceVersion=start, labelSelector="color=red") as events:
        place.ok("POST", path, body)
        place.ok("PATCH", f"{path}/one", {"metadata": {"labels": {"color": "blue"}}}, MERGE)
        place.ok("PATCH", f"{path}/one", {"metadata": {"labels": {"color": "red"}}}, MERGE)
        assert take(events, 3) == [("ADDED", "one"), ("DELETED", "one"), ("ADDED", "one")]


def test_it_ends_after_its_time(place: Place) -> None:
    path = place.path("configmaps")
    with place.watch(path, seconds=1, resourceVersion=version(place), labelSelector=OURS) as events:
        assert [kind for kind, _ in events if kind != "BOOKMARK"] == []
