"""How the application is reached, and whom it may talk to."""

from __future__ import annotations

from typing import Any

from ils_pipelines.release.manifests.parts import manifest
from ils_pipelines.release.manifests.tracing import OTLP_HTTP_PORT
from ils_pipelines.release.names import APP_NAME, CANARY_NAME, DENY_ALL_NAME, all_pods, selector
from ils_pipelines.release.objects import NETWORK_POLICY, SERVICE, TARGET_GROUP_BINDING, Manifest
from ils_pipelines.release.settings import SERVICE_PORT, Release, TargetGroup
from ils_pipelines.settings.workload import TracingMode

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label with its name that Kubernetes puts on every namespace."""
DNS_NAMESPACE = "kube-system"
POD_IDENTITY_AGENT = "169.254.170.23/32"
"""Where a pod gets the credentials of its AWS role, on its own node."""


def service(release: Release) -> Manifest:
    """Leads to all pods, those that are being tried included, unless the load balancer says what these get."""
    environment = release.environment
    weighed = release.app.canary.by_load_balancer
    return _service(release, APP_NAME, selector(environment) if weighed else all_pods(environment))


def canary_service(release: Release) -> Manifest:
    return _service(release, CANARY_NAME, selector(release.environment, CANARY_NAME))


def _service(release: Release, name: str, pods: dict[str, str]) -> Manifest:
    port = {"name": "http", "port": SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}
    return manifest(release, SERVICE, name, {"spec": {"type": "ClusterIP", "selector": pods, "ports": [port]}})


def target_group_binding(release: Release) -> Manifest | None:
    """What registers the pods with the load balancer."""
    return None if release.target_group is None else _binding(release, APP_NAME, release.target_group)


def canary_binding(release: Release, group: TargetGroup) -> Manifest:
    return _binding(release, CANARY_NAME, group)


def _binding(release: Release, name: str, group: TargetGroup) -> Manifest:
    """Says all that the controller's webhook would fill in otherwise."""
    spec = {
        "targetGroupARN": group.arn,
        "targetType": "ip",
        "ipAddressType": "ipv4",
        "vpcID": group.vpc_id,
        "serviceRef": {"name": name, "port": "http"},
    }
    return manifest(release, TARGET_GROUP_BINDING, name, {"spec": spec})


def default_deny(release: Release) -> Manifest:
    """Whatever else runs in the namespace may talk to nobody: being let in is said for each workload."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return manifest(release, NETWORK_POLICY, DENY_ALL_NAME, {"spec": spec})


def network_policy(release: Release) -> Manifest:
    spec = {
        "podSelector": {"matchLabels": all_pods(release.environment)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": _ingress(release),
        "egress": _egress(release),
    }
    return manifest(release, NETWORK_POLICY, APP_NAME, {"spec": spec})


def _ingress(release: Release) -> list[dict[str, Any]]:
    """From the namespace itself, from the load balancer, whose nodes are in the public subnets, and for metrics."""
    peers: list[dict[str, Any]] = [{"podSelector": {}}]
    peers += [_network(cidr) for cidr in release.network.load_balancer_cidrs]
    peers += [_namespace(name) for name in release.app.scraping_namespaces]
    return [{"from": peers, "ports": [_port(release.app.port)]}]


def _egress(release: Release) -> list[dict[str, Any]]:
    network = release.network
    data = [_network(cidr) for cidr in network.data_cidrs]
    rules: list[dict[str, Any]] = [
        {"to": [_network("0.0.0.0/0")], "ports": [_port(443)]},
        {"to": data, "ports": [_port(network.database_port)]},
        {"to": data, "ports": [_port(network.cache_port)]},
        {"to": [_namespace(DNS_NAMESPACE)], "ports": [_port(53, "UDP"), _port(53)]},
        {"to": [_network(POD_IDENTITY_AGENT)], "ports": [_port(80)]},
    ]
    tracing = release.app.tracing
    if tracing.mode is TracingMode.COLLECTOR:
        rules.append({"to": [_namespace(tracing.collector_namespace)], "ports": [_port(OTLP_HTTP_PORT)]})
    return rules


def _network(cidr: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr}}


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: name}}}


def _port(number: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"protocol": protocol, "port": number}
