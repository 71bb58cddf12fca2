"""Deleting: what goes along, what stays, what waits."""

from __future__ import annotations

import pytest

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import MERGE, config_map, deployment

SETS = ("replicasets", "", "apps/v1")


@pytest.fixture
def web(place: Place) -> Place:
    place.ok("POST", place.deployment(""), deployment(replicas=2))
    place.eventually(lambda: len(names(place, "pods")) == 2, "two pods")
    return place


def gone(place: Place, path: str) -> bool:
    return place.call("GET", path).code == 404


def names(place: Place, *path: str) -> list[str]:
    return [item["metadata"]["name"] for item in place.ok("GET", place.path(*path))["items"]]


def test_it_answers_with_what_was_deleted(place: Place) -> None:
    made = place.ok("POST", place.path("configmaps"), config_map())

    answer = place.ok("DELETE", place.path("configmaps", "settings"))

    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"] == {"name": "settings", "kind": "configmaps", "uid": made["metadata"]["uid"]}


@pytest.mark.parametrize("precondition", ["uid", "resourceVersion"])
def test_another_state_than_expected_is_a_conflict(place: Place, precondition: str) -> None:
    path = place.path("configmaps", "settings")
    place.ok("POST", place.path("configmaps"), config_map())

    answer = place.call("DELETE", path, {"preconditions": {precondition: "12345"}})

    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    assert not gone(place, path)


def test_in_the_background_dependents_follow(web: Place) -> None:
    web.ok("DELETE", web.deployment(), {"propagationPolicy": "Background"})

    assert gone(web, web.deployment())
    web.eventually(lambda: not names(web, *SETS) and not names(web, "pods"), "no dependents")


def test_in_the_foreground_the_owner_waits_for_them(web: Place) -> None:
    deleted = web.ok("DELETE", web.deployment(), {"propagationPolicy": "Foreground"})

    assert deleted["metadata"]["finalizers"] == ["foregroundDeletion"]
    web.eventually(lambda: gone(web, web.deployment()), "the owner gone")
    assert names(web, *SETS) == []


def test_orphans_stay_without_their_owner(web: Place) -> None:
    web.ok("DELETE", web.deployment(), {"propagationPolicy": "Orphan"})

    web.eventually(lambda: gone(web, web.deployment()), "the owner gone")
    (replica_set,) = web.ok("GET", web.path(*SETS))["items"]
    assert "ownerReferences" not in replica_set["metadata"]
    assert len(names(web, "pods")) == 2


def test_a_finalizer_holds_an_object_until_it_is_taken_off(place: Place) -> None:
    path, body = place.path("configmaps", "settings"), config_map()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    place.ok("POST", place.path("configmaps"), body)

    assert "deletionTimestamp" in place.ok("DELETE", path)["metadata"]
    more = place.call("PATCH", path, {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}, MERGE)
    assert more.code == 422
    place.ok("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)

    assert gone(place, path)


def test_what_belongs_to_nobody_that_ever_was_is_collected(place: Place) -> None:
    body = config_map()
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ghost", "uid": "no-such-uid"}
    body["metadata"]["ownerReferences"] = [owner]

    place.ok("POST", place.path("configmaps"), body)

    place.eventually(lambda: gone(place, place.path("configmaps", "settings")), "the object collected")


def test_a_collection_goes_by_its_selector(place: Place) -> None:
    for name, color in (("a", "red"), ("b", "red"), ("c", "blue")):
        body = config_map(name)
        body["metadata"]["labels"] = {"color": color}
        place.ok("POST", place.path("configmaps"), body)

    place.ok("DELETE", place.path("configmaps"), labelSelector="color=red")

    assert [name for name in names(place, "configmaps") if name != "kube-root-ca.crt"] == ["c"]


def test_a_namespace_takes_everything_along_and_lets_nothing_new_in(place: Place) -> None:
    name = f"{place.namespace}-2"
    place.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    path, held = f"/api/v1/namespaces/{name}/configmaps", config_map("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    place.ok("POST", path, held)

    assert place.ok("DELETE", f"/api/v1/namespaces/{name}")["status"]["phase"] == "Terminating"
    refused = place.call("POST", path, config_map("late"))
    place.ok("PATCH", f"{path}/held", {"metadata": {"finalizers": None}}, MERGE)

    assert refused.code == 403
    assert "because it is being terminated" in refused.message
    place.eventually(lambda: gone(place, f"/api/v1/namespaces/{name}"), "the namespace gone")
