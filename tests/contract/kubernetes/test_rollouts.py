"""Deployments: their pods, their revisions, and what is said of a rollout that does not get on."""

from __future__ import annotations

from typing import Any

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import MERGE, STRATEGIC, deployment

REVISION = "deployment.kubernetes.io/revision"
SETS = ("replicasets", "", "apps/v1")


def status(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = place.ok("GET", place.deployment()).get("status", {})
    return found


def complete(place: Place, pods: int) -> bool:
    found = place.ok("GET", place.deployment())
    now = found.get("status", {})
    seen = now.get("observedGeneration") == found["metadata"]["generation"]
    counts = [now.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return seen and counts == [pods] * 3


def rolled_out(place: Place, pods: int = 3, **more: Any) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=pods, **more))
    place.eventually(lambda: complete(place, pods), f"{pods} pods")


def image(place: Place, image: str) -> None:
    containers = [{"name": "web", "image": image}]
    place.ok("PATCH", place.deployment(), {"spec": {"template": {"spec": {"containers": containers}}}}, STRATEGIC)


def sizes(place: Place) -> dict[str, tuple[str, int]]:
    """Of the replica sets: revision and pods asked for, by image."""
    found = {}
    for each in place.ok("GET", place.path(*SETS))["items"]:
        name = each["spec"]["template"]["spec"]["containers"][0]["image"]
        found[name] = (each["metadata"]["annotations"][REVISION], each["spec"]["replicas"])
    return found


def condition(place: Place, kind: str) -> dict[str, Any]:
    return next((each for each in status(place).get("conditions", ()) if each["type"] == kind), {})


def test_pods_belong_to_a_set_that_belongs_to_the_deployment(place: Place) -> None:
    rolled_out(place, 2)

    (replica_set,) = place.ok("GET", place.path(*SETS))["items"]
    pods = place.ok("GET", place.path("pods"))["items"]
    label = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{label}"
    assert {pod["metadata"]["ownerReferences"][0]["name"] for pod in pods} == {f"web-{label}"}
    assert {pod["metadata"]["labels"]["pod-template-hash"] for pod in pods} == {label}
    assert condition(place, "Available")["status"] == "True"
    assert condition(place, "Progressing")["reason"] == "NewReplicaSetAvailable"


def test_another_template_is_another_revision_and_the_old_set_stays_empty(place: Place) -> None:
    rolled_out(place, 2)

    image(place, "app:2")
    place.eventually(lambda: complete(place, 2), "the new pods")

    assert sizes(place) == {"app:1": ("1", 0), "app:2": ("2", 2)}
    assert place.ok("GET", place.deployment())["metadata"]["annotations"][REVISION] == "2"


def test_a_template_that_was_there_is_taken_up_again(place: Place) -> None:
    rolled_out(place, 1)
    for tag in ("app:2", "app:1"):
        image(place, tag)
        place.eventually(lambda: complete(place, 1), "the new pod")

    assert sizes(place) == {"app:1": ("3", 1), "app:2": ("2", 0)}


def test_pods_that_never_serve_take_the_place_of_none_that_do(place: Place) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    rolled_out(place, 3, strategy=strategy)

    image(place, "app:never-ready")
    place.eventually(lambda: status(place).get("updatedReplicas") == 1, "one new pod")

    assert sizes(place) == {"app:1": ("1", 3), "app:never-ready": ("2", 1)}
    counts = ("replicas", "availableReplicas", "unavailableReplicas")
    place.eventually(lambda: [status(place).get(name) for name in counts] == [4, 3, 1], "one pod that does not serve")


def test_a_rollout_that_does_not_get_on_says_so_after_its_deadline(place: Place) -> None:
    rolled_out(place, 1, progressDeadlineSeconds=1)

    image(place, "app:does-not-exist")
    place.eventually(lambda: condition(place, "Progressing").get("status") == "False", "the deadline exceeded")

    assert condition(place, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    assert condition(place, "Available")["status"] == "True"


def test_a_paused_deployment_rolls_nothing_out_until_it_goes_on(place: Place) -> None:
    rolled_out(place, 1)
    place.ok("PATCH", place.deployment(), {"spec": {"paused": True}}, MERGE)
    image(place, "app:2")
    place.eventually(
        lambda: status(place)["observedGeneration"] == place.ok("GET", place.deployment())["metadata"]["generation"],
        "the pause noticed",
    )
    assert set(sizes(place)) == {"app:1"}

    place.ok("PATCH", place.deployment(), {"spec": {"paused": None}}, MERGE)
    place.eventually(lambda: complete(place, 1), "the new pod")

    assert sizes(place)["app:2"] == ("2", 1)


def test_only_so_many_old_sets_are_kept(place: Place) -> None:
    rolled_out(place, 1, revisionHistoryLimit=1)
    for tag in ("app:2", "app:3"):
        image(place, tag)
        place.eventually(lambda: complete(place, 1), "the new pod")

    place.eventually(lambda: set(sizes(place)) == {"app:2", "app:3"}, "the oldest set gone")


def test_recreating_starts_no_new_pod_beside_an_old_one(place: Place) -> None:
    rolled_out(place, 2, strategy={"type": "Recreate"})
    before = {pod["metadata"]["uid"] for pod in place.ok("GET", place.path("pods"))["items"]}
    start = place.ok("GET", place.path("pods"))["metadata"]["resourceVersion"]
    image(place, "app:2")
    place.eventually(lambda: complete(place, 2), "the new pods")

    alive = set(before)
    with place.watch(place.path("pods"), seconds=2, resourceVersion=start) as events:
        for kind, pod in events:
            uid = pod["metadata"]["uid"]
            if kind == "DELETED":
                alive.discard(uid)
            elif kind == "ADDED":
                assert not alive, "a new pod beside an old one"
                break
