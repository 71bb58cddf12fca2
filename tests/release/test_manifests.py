"""What is released, with the numbers that the environment's file says or that are given without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ils_pipelines.release import validation
from ils_pipelines.release.manifests import manifests
from ils_pipelines.release.objects import Manifest
from ils_pipelines.release.settings import CacheEndpoint, DatabaseEndpoint, release_of
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import load_environment
from tests.release.site import SECRETS

SHIPPED = ("dev", "staging", "production")
COLLECTOR = f"public.ecr.aws/aws-observability/aws-otel-collector:v0.45.0@sha256:{'c' * 64}"


def objects(environment: Environment) -> tuple[Manifest, ...]:
    release = release_of(environment, SECRETS, DatabaseEndpoint("db", 5432, "ilsdb"), CacheEndpoint("cache", 6379))
    return manifests(release)


def of(app: Mapping[str, Any] | None = None, **sections: Any) -> dict[tuple[str, str], Any]:
    """Bodies by kind and name."""
    environment = Environment.model_validate({"name": "dev", "app": dict(app or {}), **sections})
    return {(each.ref.kind, each.ref.name): each.body for each in objects(environment)}


def container(app: Mapping[str, Any] | None = None) -> Any:
    return of(app)["Deployment", "ils"]["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_objects_of_every_shipped_environment_are_valid_for_its_cluster(name: str) -> None:
    environment = load_environment(name)

    validation.check(name, objects(environment), environment.cluster.version)


@pytest.mark.parametrize("version", ["1.33", "1.34", "1.35", "1.36", "1.99"])
def test_the_objects_are_valid_for_every_version_of_kubernetes_that_can_be_created(version: str) -> None:
    validation.check("dev", objects(Environment(name="dev")), version)


def test_the_namespace_enforces_restricted_pod_security_and_bounds_what_is_used() -> None:
    found = of()

    labels = found["Namespace", "ils-dev"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert found["ResourceQuota", "ils"]["spec"]["hard"]["pods"] == "30"
    assert found["LimitRange", "ils"]["spec"]["limits"][0]["default"] == {"cpu": "500m", "memory": "512Mi"}


def test_the_role_may_read_the_applications_own_configuration_and_nothing_else() -> None:
    assert of()["Role", "ils"]["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["ils-config"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["ils-secrets"], "verbs": ["get"]},
    ]


def test_the_deployment_replaces_pods_without_downtime() -> None:
    spec = of()["Deployment", "ils"]["spec"]

    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 40
    assert container()["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}


def test_pods_are_asked_whether_they_live_after_30_s_and_whether_they_are_ready_after_10() -> None:
    found = container()

    assert (found["livenessProbe"]["httpGet"]["path"], found["livenessProbe"]["initialDelaySeconds"]) == ("/health", 30)
    assert (found["readinessProbe"]["httpGet"]["path"], found["readinessProbe"]["initialDelaySeconds"]) == (
        "/ready",
        10,
    )
    assert found["resources"] == {
        "requests": {"cpu": "250m", "memory": "256Mi"},
        "limits": {"cpu": "500m", "memory": "512Mi"},
    }


def test_pods_run_as_a_user_that_may_change_nothing() -> None:
    pod = of()["Deployment", "ils"]["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsUser"] == 1000
    assert pod["automountServiceAccountToken"] is False
    assert container()["securityContext"]["readOnlyRootFilesystem"] is True
    assert container()["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_budget_leaves_one_pod_while_nodes_are_drained() -> None:
    assert of()["PodDisruptionBudget", "ils"]["spec"]["minAvailable"] == 1


def test_a_single_pod_has_no_budget_as_its_node_could_never_be_drained() -> None:
    assert ("PodDisruptionBudget", "ils") not in of({"replicas": 1})


def test_the_autoscaler_keeps_3_to_10_pods_and_lets_them_go_slowly() -> None:
    found = of({"autoscaling": {"enabled": True}})
    spec = found["HorizontalPodAutoscaler", "ils"]["spec"]

    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 10)
    aims = {each["resource"]["name"]: each["resource"]["target"]["averageUtilization"] for each in spec["metrics"]}
    assert aims == {"cpu": 70, "memory": 80}
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert "replicas" not in found["Deployment", "ils"]["spec"]


def test_dev_has_no_autoscaler_and_production_has_one() -> None:
    kinds = {name: {each.ref.kind for each in objects(load_environment(name))} for name in SHIPPED}

    assert "HorizontalPodAutoscaler" not in kinds["dev"]
    assert "HorizontalPodAutoscaler" in kinds["production"]


def test_the_network_policy_lets_in_the_namespace_and_the_load_balancer_on_the_applications_port() -> None:
    (rule,) = of()["NetworkPolicy", "ils"]["spec"]["ingress"]

    assert rule["ports"] == [{"protocol": "TCP", "port": 5000}]
    assert rule["from"] == [
        {"podSelector": {}},
        {"ipBlock": {"cidr": "10.0.1.0/24"}},
        {"ipBlock": {"cidr": "10.0.2.0/24"}},
    ]


def test_the_network_policy_lets_out_to_https_the_data_dns_and_the_agent_that_has_the_credentials() -> None:
    rules = of()["NetworkPolicy", "ils"]["spec"]["egress"]

    ports = [[(port["protocol"], port["port"]) for port in rule["ports"]] for rule in rules]
    assert ports == [[("TCP", 443)], [("TCP", 5432)], [("TCP", 6379)], [("UDP", 53), ("TCP", 53)], [("TCP", 80)]]
    assert rules[-1]["to"] == [{"ipBlock": {"cidr": "169.254.170.23/32"}}]
    assert rules[1]["to"] == [{"ipBlock": {"cidr": "10.0.11.0/24"}}, {"ipBlock": {"cidr": "10.0.12.0/24"}}]


def test_whatever_else_runs_in_the_namespace_may_talk_to_nobody() -> None:
    spec = of()["NetworkPolicy", "ils-default-deny"]["spec"]

    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_port_of_another_database_is_let_out() -> None:
    rules = of(database={"port": 5433})["NetworkPolicy", "ils"]["spec"]["egress"]

    assert rules[1]["ports"] == [{"protocol": "TCP", "port": 5433}]


def test_tracing_to_a_collector_names_it_and_opens_the_way_there() -> None:
    found = of({"tracing": {"mode": "collector"}})

    endpoint = found["ConfigMap", "ils-config"]["data"]["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert endpoint == "http://adot-col-otlp-ingest-collector.opentelemetry-operator-system.svc.cluster.local:4318"
    assert found["NetworkPolicy", "ils"]["spec"]["egress"][-1]["ports"] == [{"protocol": "TCP", "port": 4318}]


def test_pods_trace_under_the_name_and_at_the_rate_that_x_ray_knows() -> None:
    found = of({"tracing": {"mode": "collector"}}, monitoring={"trace_percent": 25})["ConfigMap", "ils-config"]["data"]

    assert found["OTEL_SERVICE_NAME"] == f"ils-{found['ENVIRONMENT']}"
    assert (found["OTEL_TRACES_SAMPLER"], found["OTEL_TRACES_SAMPLER_ARG"]) == ("parentbased_traceidratio", "0.25")


def test_tracing_through_a_sidecar_adds_a_hardened_collector_to_each_pod() -> None:
    found = of({"tracing": {"mode": "sidecar", "sidecar_image": COLLECTOR}})

    _, sidecar = found["Deployment", "ils"]["spec"]["template"]["spec"]["containers"]
    assert sidecar["image"] == COLLECTOR
    assert sidecar["securityContext"]["readOnlyRootFilesystem"] is True
    assert found["ConfigMap", "ils-config"]["data"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4318"


def test_without_tracing_the_application_hears_nothing_of_it() -> None:
    assert not [name for name in of()["ConfigMap", "ils-config"]["data"] if name.startswith("OTEL")]


def test_the_role_of_the_pods_is_named_to_eks() -> None:
    arn = "arn:aws:iam::123456789012:role/ils-app"
    metadata = of({"service_account_role_arn": arn})["ServiceAccount", "ils"]["metadata"]

    assert metadata["annotations"]["eks.amazonaws.com/role-arn"] == arn
