"""What a namespace allows: quotas, limit ranges, and disruption budgets when pods are evicted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import Answer, deployment

QUOTAS = "resourcequotas"


def pod(name: str = "p", *, resources: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "web", "image": "app:1", "resources": resources or {}}
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": [container], **spec}}


def quota(place: Place, **hard: str) -> None:
    """Returns once the quota knows what is used of it."""
    names = {name.replace("__", "/").replace("_", "."): amount for name, amount in hard.items()}
    place.ok("POST", place.path(QUOTAS), {"metadata": {"name": "q"}, "spec": {"hard": names}})
    used(place, names)


def used(place: Place, names: Any) -> dict[str, str]:
    def status() -> dict[str, str]:
        found: dict[str, str] = place.ok("GET", place.path(QUOTAS, "q")).get("status", {}).get("used", {})
        return found if set(found) >= set(names) else {}

    told: dict[str, str] = place.eventually(status, "a quota that tells what is used")
    return told


def settled(place: Place, name: str, value: str) -> None:
    place.eventually(lambda: used(place, [name])[name] == value, f"{value} {name} used")


# -- quotas -----------------------------------------------------------------------------------------------------------


def test_an_object_beyond_the_quota_is_forbidden_with_what_is_used(place: Place) -> None:
    quota(place, configmaps="2")
    settled(place, "configmaps", "1")  # that of the certificate authority
    place.ok("POST", place.path("configmaps"), {"metadata": {"name": "a"}})

    def refused() -> Answer | None:
        answer = place.call("POST", place.path("configmaps"), {"metadata": {"name": "b"}})
        return answer if answer.code != 201 else None

    answer = place.eventually(refused, "a refusal")

    assert (answer.code, answer.body["reason"]) == (403, "Forbidden")
    assert answer.message == (
        'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2'
    )


def test_pods_count_for_what_they_ask(place: Place) -> None:
    quota(place, pods="5", requests_cpu="1", limits_memory="1Gi")
    asked = {"requests": {"cpu": "600m", "memory": "64Mi"}, "limits": {"cpu": "800m", "memory": "512Mi"}}
    place.ok("POST", place.path("pods"), pod("a", resources=asked))
    settled(place, "requests.cpu", "600m")

    answer = place.call("POST", place.path("pods"), pod("b", resources=asked))

    assert answer.code == 403
    assert answer.message == (
        'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, '
        "limited: requests.cpu=1"
    )
    assert used(place, ["pods"]) == {"pods": "1", "requests.cpu": "600m", "limits.memory": "512Mi"}


def test_a_quota_of_a_resource_makes_every_container_name_it(place: Place) -> None:
    quota(place, limits_cpu="1", requests_memory="1Gi")

    answer = place.call("POST", place.path("pods"), pod())

    assert answer.code == 403
    assert answer.message == (
        'pods "p" is forbidden: failed quota: q: must specify limits.cpu for: web; requests.memory for: web'
    )


def test_any_kind_can_be_counted(place: Place) -> None:
    quota(place, count__deployments_apps="1")
    place.ok("POST", place.deployment(""), deployment("a", replicas=0))
    settled(place, "count/deployments.apps", "1")

    answer = place.call("POST", place.deployment(""), deployment("b", replicas=0))

    assert answer.code == 403
    assert "exceeded quota: q, requested: count/deployments.apps=1" in answer.message


def test_a_deployment_beyond_the_quota_says_so_in_its_conditions(place: Place) -> None:
    quota(place, pods="1")
    place.ok("POST", place.deployment(""), deployment(replicas=2))

    def failure() -> str:
        status = place.ok("GET", place.deployment()).get("status", {})
        return next((c["message"] for c in status.get("conditions", ()) if c["type"] == "ReplicaFailure"), "")

    assert "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1" in place.eventually(
        failure, "a reason"
    )


def test_what_is_deleted_does_not_count_any_more(place: Place) -> None:
    quota(place, configmaps="2")
    place.ok("POST", place.path("configmaps"), {"metadata": {"name": "a"}})
    settled(place, "configmaps", "2")
    place.ok("DELETE", place.path("configmaps", "a"))
    settled(place, "configmaps", "1")


# -- limit ranges -----------------------------------------------------------------------------------------------------


def limit_range(place: Place, **item: Any) -> dict[str, Any]:
    body = {"metadata": {"name": "limits"}, "spec": {"limits": [{"type": "Container", **item}]}}
    created: dict[str, Any] = place.ok("POST", place.path("limitranges"), body)
    return created


def created_pod(place: Place, body: dict[str, Any]) -> Answer:
    return place.call("POST", place.path("pods"), body, dryRun="All")


def test_a_container_gets_the_namespaces_defaults(place: Place) -> None:
    limit_range(place, default={"cpu": "500m"}, defaultRequest={"cpu": "100m", "memory": "64Mi"})

    def given() -> Any:
        created = created_pod(place, pod()).body
        return created if created["spec"]["containers"][0]["resources"] else None

    created = place.eventually(given, "defaults")

    assert created["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m"},
        "requests": {"cpu": "100m", "memory": "64Mi"},
    }
    assert created["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu, memory request for container web; "
        "cpu limit for container web"
    }


def test_a_limit_range_completes_its_own_defaults(place: Place) -> None:
    created = limit_range(place, max={"cpu": "2"}, min={"memory": "32Mi"}, default={"memory": "64Mi"})

    assert created["spec"]["limits"] == [
        {
            "type": "Container",
            "max": {"cpu": "2"},
            "min": {"memory": "32Mi"},
            "default": {"cpu": "2", "memory": "64Mi"},
            "defaultRequest": {"cpu": "2", "memory": "64Mi"},
        }
    ]


@pytest.mark.parametrize(
    ("item", "resources", "why"),
    [
        ({"max": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, "maximum cpu usage per Container is 1, but limit is 2"),
        (
            {"min": {"memory": "64Mi"}},
            {"requests": {"memory": "32Mi"}},
            "minimum memory usage per Container is 64Mi, but request is 32Mi",
        ),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            {"limits": {"cpu": "1"}, "requests": {"cpu": "100m"}},
            "cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000",
        ),
    ],
)
def test_a_container_outside_its_bounds_is_forbidden(
    place: Place, item: dict[str, Any], resources: dict[str, Any], why: str
) -> None:
    limit_range(place, **item)

    def refused() -> Answer | None:
        answer = created_pod(place, pod(resources=resources))
        return answer if answer.code == 403 else None

    assert place.eventually(refused, "a refusal").message == f'pods "p" is forbidden: {why}'


# -- disruption budgets -----------------------------------------------------------------------------------------------


def guarded(place: Place, *, replicas: int = 2, **budget: Any) -> list[str]:
    """A deployment behind a budget that knows its pods. Returns their names."""
    place.ok("POST", place.deployment(""), deployment(replicas=replicas))
    spec = {"selector": {"matchLabels": {"app": "web"}}, **budget}
    budgets = place.path("poddisruptionbudgets", group_version="policy/v1")
    place.ok("POST", budgets, {"metadata": {"name": "web"}, "spec": spec})
    place.eventually(lambda: status_of(place).get("currentHealthy") == replicas, "a budget that knows its pods")
    return [item["metadata"]["name"] for item in place.ok("GET", place.path("pods"))["items"]]


def status_of(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = place.ok("GET", place.path("poddisruptionbudgets", "web", "policy/v1")).get("status", {})
    return found


def evict(place: Place, name: str, **query: str) -> Answer:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": place.namespace}}
    return place.call("POST", f"{place.path('pods', name)}/eviction", body, **query)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({"minAvailable": 1}, (4, 1, 3)),
        ({"minAvailable": "60%"}, (4, 3, 1)),
        ({"maxUnavailable": 1}, (4, 3, 1)),
        ({"maxUnavailable": "30%"}, (4, 2, 2)),
        ({"minAvailable": 4}, (4, 4, 0)),
    ],
)
def test_a_budget_tells_how_many_pods_may_go(
    place: Place, budget: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    guarded(place, replicas=4, **budget)

    status = status_of(place)

    assert (status["expectedPods"], status["desiredHealthy"], status["disruptionsAllowed"]) == expected
    (condition,) = status["conditions"]
    assert condition["type"] == "DisruptionAllowed"
    assert condition["reason"] == ("SufficientPods" if expected[2] else "InsufficientPods")


def test_an_eviction_beyond_the_budget_is_refused_for_now(place: Place) -> None:
    first, _ = guarded(place, minAvailable=2)

    refused = evict(place, first)

    assert (refused.code, refused.body["reason"]) == (429, "TooManyRequests")
    assert refused.message == "Cannot evict pod as it would violate the pod's disruption budget."
    assert refused.body["details"]["causes"] == [
        {"reason": "DisruptionBudget", "message": "The disruption budget web needs 2 healthy pods and has 2 currently"}
    ]


def test_an_eviction_within_the_budget_deletes_the_pod_and_counts_at_once(place: Place) -> None:
    """Of pods that nobody replaces: a replacement could be ready before the second eviction is asked for."""
    template = deployment()["spec"]["template"]
    names = ["first", "second"]
    for name in names:
        place.ok("POST", place.path("pods"), {**template, "metadata": {**template["metadata"], "name": name}})
    spec = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 1}
    place.ok(
        "POST",
        place.path("poddisruptionbudgets", group_version="policy/v1"),
        {"metadata": {"name": "web"}, "spec": spec},
    )
    place.eventually(lambda: status_of(place).get("disruptionsAllowed") == 1, "a budget that knows its pods")

    allowed, refused = (evict(place, name) for name in names)

    assert (allowed.code, allowed.body["status"]) == (201, "Success")
    assert refused.code == 429
    place.eventually(lambda: place.call("GET", place.path("pods", "first")).code == 404, "the pod gone")
    place.eventually(lambda: status_of(place)["currentHealthy"] == 1, "a budget that knows it")
    assert place.call("GET", place.path("pods", "second")).code == 200


def test_a_dry_run_of_an_eviction_takes_nothing(place: Place) -> None:
    first, _ = guarded(place, maxUnavailable=1)

    assert evict(place, first, dryRun="All").code == 201

    assert "deletionTimestamp" not in place.ok("GET", place.path("pods", first))["metadata"]
    assert status_of(place)["disruptionsAllowed"] == 1


def test_a_pod_with_two_budgets_cannot_be_evicted(place: Place) -> None:
    first, _ = guarded(place, maxUnavailable=1)
    spec = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 1}
    place.ok("POST", place.path("poddisruptionbudgets", "", "policy/v1"), {"metadata": {"name": "other"}, "spec": spec})

    refused = place.eventually(lambda: (a := evict(place, first, dryRun="All")).code == 500 and a, "a refusal")

    assert "more than one PodDisruptionBudget" in refused.message


def test_an_eviction_of_another_name_makes_no_sense(place: Place) -> None:
    first, second = guarded(place, maxUnavailable=1)
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": second}}

    answer = place.call("POST", f"{place.path('pods', first)}/eviction", body)

    assert answer.code == 400
