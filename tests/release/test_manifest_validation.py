"""What is wrong with objects is found before any of them is applied, with the place, what was expected and what was found."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from ils_pipelines.release import validation
from ils_pipelines.release.errors import ManifestsInvalid
from ils_pipelines.release.objects import Manifest
from ils_pipelines.settings.environment import Environment
from tests.release.site import SECRETS, Site
from tests.release.test_manifests import objects

Change = Callable[[dict[str, Any]], None]

AUTOSCALED = Environment.model_validate({"name": "dev", "app": {"autoscaling": {"enabled": True}}})


def container(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["spec"]["template"]["spec"]["containers"][0]
    return found


def at(*path: str | int, value: Any) -> Change:
    def change(body: dict[str, Any]) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def without(*path: str | int) -> Change:
    def change(body: dict[str, Any]) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def mistakes(kind: str, change: Change, environment: Environment = AUTOSCALED) -> tuple[str, ...]:
    """What is said when an object of that kind was changed."""
    changed = []
    for manifest in objects(environment):
        body = deepcopy(dict(manifest.body))
        if manifest.kind.kind == kind and manifest.ref.name != "ils-default-deny":
            change(body)
        changed.append(Manifest(manifest.kind, body))
    with pytest.raises(ManifestsInvalid) as refused:
        validation.check("dev", changed, "1.35")
    return refused.value.mistakes


POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)

CASES: list[tuple[str, Change, str]] = [
    ("Deployment", at(*POD, "hostIpc", value=True), "hostIpc as well"),
    ("Deployment", at("spec", "replicas", value="3"), "spec.replicas: expected type"),
    ("Deployment", without("spec", "selector"), "expected required"),
    ("Service", at("spec", "ports", 0, "port", value="http"), "spec.ports.0.port"),
    (
        "Deployment",
        at("spec", "selector", "matchLabels", value={"app": "x"}),
        "labels that spec.selector asks for, app=x",
    ),
    ("Deployment", at("spec", "replicas", value=-1), "expected 0 or more, found -1"),
    ("Deployment", at("spec", "replicas", value=3), "HorizontalPodAutoscaler ils-dev/ils says how many pods there are"),
    ("Deployment", at("spec", "strategy", "type", value="Rolling"), "RollingUpdate or Recreate, found 'Rolling'"),
    (
        "Deployment",
        at("spec", "strategy", "rollingUpdate", value={"maxSurge": 0, "maxUnavailable": "0%"}),
        "both 0: no pod could go",
    ),
    ("Deployment", at(*CONTAINER, "imagePullPolicy", value="Sometimes"), "IfNotPresent or Never, found 'Sometimes'"),
    ("Deployment", at(*POD, "dnsPolicy", value="Cluster"), "dnsPolicy: expected ClusterFirst"),
    (
        "Deployment",
        at(*CONTAINER, "resources", "requests", "cpu", value="2"),
        "expected at most the limit, 500m, found 2",
    ),
    ("Deployment", at(*CONTAINER, "resources", "requests", "memory", value="1Gi"), "at most the limit, 512Mi"),
    ("Deployment", at(*CONTAINER, "volumeMounts", 0, "name", value="data"), "a volume of the pod: tmp, found 'data'"),
    ("Deployment", at(*CONTAINER, "readinessProbe", "httpGet", "port", value="web"), "a port of the container: http"),
    (
        "Deployment",
        without(*CONTAINER, "livenessProbe", "httpGet"),
        "one of exec, grpc, httpGet, tcpSocket, found none",
    ),
    ("Deployment", at("metadata", "name", value="Ils"), "metadata.name: expected lower-case letters"),
    ("Deployment", at("metadata", "labels", "team", value="a b"), "metadata.labels.team: expected at most 63"),
    ("ConfigMap", at("apiVersion", value="v9"), "apiVersion: expected an API of Kubernetes 1.35"),
    ("ConfigMap", without("metadata", "namespace"), "metadata.namespace: expected a namespace, found none"),
    ("Service", at("metadata", "name", value="ils.web"), "metadata.name: expected lower-case letters"),
    ("Service", at("spec", "type", value="Cluster"), "expected ClusterIP or ExternalName"),
    ("Service", at("spec", "selector", value={"app": "x"}), "the labels of a deployment's pods, found app=x"),
    ("Service", at("spec", "ports", 0, "targetPort", value="web"), "a port of the pods: 5000, http, found 'web'"),
    ("PodDisruptionBudget", at("spec", "minAvailable", value=3), "less than the 3 pods there may be"),
    ("PodDisruptionBudget", at("spec", "minAvailable", value="100%"), "no node could ever be drained, found 100%"),
    ("PodDisruptionBudget", at("spec", "selector", "matchLabels", value={"a": "b"}), "labels of a deployment's pods"),
    ("HorizontalPodAutoscaler", at("spec", "minReplicas", value=11), "expected 1 to maxReplicas (10), found 11"),
    (
        "HorizontalPodAutoscaler",
        at("spec", "scaleTargetRef", "name", value="web"),
        "a deployment of the release, found web",
    ),
    ("NetworkPolicy", at("spec", "policyTypes", value=["Inbound"]), "expected Ingress or Egress, found 'Inbound'"),
    ("NetworkPolicy", at("spec", "podSelector", "matchLabels", value={"a": "b"}), "the labels of a deployment's pods"),
    ("RoleBinding", at("roleRef", "name", value="admin"), "a role of the release, found admin"),
    ("RoleBinding", at("subjects", 0, "name", value="default"), "a service account of the release, found default"),
]


@pytest.mark.parametrize(("kind", "change", "said"), CASES, ids=[f"{kind}-{said[:40]}" for kind, _, said in CASES])
def test_a_mistake_is_found_and_said(kind: str, change: Change, said: str) -> None:
    found = mistakes(kind, change)

    assert any(said in mistake and kind in mistake for mistake in found), found


def test_a_budget_that_lets_no_pod_go_is_found() -> None:
    def change(body: dict[str, Any]) -> None:
        del body["spec"]["minAvailable"]
        body["spec"]["maxUnavailable"] = 0

    assert any(
        "1 or more: else no node could ever be drained" in each for each in mistakes("PodDisruptionBudget", change)
    )


def test_an_autoscaler_of_pods_that_request_nothing_is_found() -> None:
    said = mistakes("Deployment", lambda body: container(body)["resources"].pop("requests"))

    assert any("containers that request cpu" in mistake for mistake in said)


def test_every_mistake_is_said_at_once() -> None:
    def change(body: dict[str, Any]) -> None:
        container(body)["imagePullPolicy"] = "Sometimes"
        container(body)["volumeMounts"][0]["name"] = "data"

    assert len(mistakes("Deployment", change)) == 2


def test_what_a_secret_holds_is_shown_in_no_mistake() -> None:
    (mistake,) = mistakes("Secret", at("data", "NUMBER", value=[SECRETS["REDIS_AUTH_TOKEN"]]))

    assert "a value that is not shown" in mistake
    assert SECRETS["REDIS_AUTH_TOKEN"] not in mistake


def test_nothing_is_applied_of_a_release_with_a_mistake(site: Site) -> None:
    release = site.release({"extra_env": {"A" * 300: "a name that no ConfigMap can hold"}})

    def up() -> None:
        with pytest.raises(ManifestsInvalid, match="nothing was applied"):
            release.up()

    assert site.mutating(up) == []
