"""Horizontal pod autoscalers where nothing is measured: their defaults, their bounds, what they say."""

from __future__ import annotations

from typing import Any

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import deployment

AUTOSCALERS = ("horizontalpodautoscalers", "", "autoscaling/v2")


def autoscaler(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec}}


def conditions(place: Place) -> dict[str, tuple[str, str]]:
    status = place.ok("GET", place.path("horizontalpodautoscalers", "web", "autoscaling/v2")).get("status", {})
    return {found["type"]: (found["status"], found["reason"]) for found in status.get("conditions", ())}


def test_an_autoscaler_goes_by_cpu_unless_told_otherwise(place: Place) -> None:
    created = place.ok("POST", place.path(*AUTOSCALERS), autoscaler(behavior={"scaleUp": {"selectPolicy": "Min"}}))

    assert created["spec"]["minReplicas"] == 1
    target = {"type": "Utilization", "averageUtilization": 80}
    assert created["spec"]["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    pods = {"type": "Pods", "value": 4, "periodSeconds": 15}
    percent = {"type": "Percent", "value": 100, "periodSeconds": 15}
    assert created["spec"]["behavior"] == {
        "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Min", "policies": [pods, percent]},
        "scaleDown": {"selectPolicy": "Max", "policies": [percent]},
    }


def test_replicas_are_brought_within_the_bounds(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=1))
    place.ok("POST", place.path(*AUTOSCALERS), autoscaler(minReplicas=3))

    place.eventually(lambda: place.ok("GET", place.deployment())["spec"]["replicas"] == 3, "three replicas")


def test_without_metrics_it_says_so_and_leaves_the_replicas_alone(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=2))
    place.ok("POST", place.path(*AUTOSCALERS), autoscaler())

    place.eventually(
        lambda: conditions(place).get("ScalingActive") == ("False", "FailedGetResourceMetric"), "a missing metric"
    )
    assert conditions(place)["AbleToScale"] == ("True", "SucceededGetScale")
    assert place.ok("GET", place.deployment())["spec"]["replicas"] == 2


def test_a_target_that_is_not_there_cannot_be_scaled(place: Place) -> None:
    place.ok("POST", place.path(*AUTOSCALERS), autoscaler())

    place.eventually(lambda: conditions(place).get("AbleToScale") == ("False", "FailedGetScale"), "a missing target")


def test_a_target_without_replicas_is_left_alone(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=0))
    place.ok("POST", place.path(*AUTOSCALERS), autoscaler())

    place.eventually(lambda: conditions(place).get("ScalingActive") == ("False", "ScalingDisabled"), "scaling disabled")
    assert place.ok("GET", place.deployment())["spec"]["replicas"] == 0
