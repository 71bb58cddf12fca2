"""The EKS control plane."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.keys import CUSTOMER_KEY, encrypted
from ils_pipelines.operations.posture.models import Observation

LOG_TYPES = frozenset({"api", "audit", "authenticator", "controllerManager", "scheduler"})
_ANYWHERE = {"0.0.0.0/0", "::/0"}


def public_endpoint(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        network = cluster["resourcesVpcConfig"]
        public = bool(network["endpointPublicAccess"])
        cidrs = set(network.get("publicAccessCidrs") or _ANYWHERE)
        found = f"open to {', '.join(sorted(cidrs))}" if public else "off"
        yield Observation(
            name, "public endpoint off or open to named networks", found, not (public and cidrs & _ANYWHERE)
        )


def private_endpoint(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        on = bool(cluster["resourcesVpcConfig"]["endpointPrivateAccess"])
        yield Observation(name, "private endpoint on", "on" if on else "off", on)


def secrets_encryption(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        keys = [
            each["provider"]["keyArn"]
            for each in cluster.get("encryptionConfig") or ()
            if "secrets" in each.get("resources", ())
        ]
        if keys:
            yield encrypted(live, name, keys[0])
        else:
            yield Observation(
                name, f"Kubernetes secrets {CUSTOMER_KEY}", "not encrypted with a key of ours", holds=False
            )


def logs(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        enabled = {
            kind
            for each in cluster.get("logging", {}).get("clusterLogging", ())
            if each.get("enabled")
            for kind in each["types"]
        }
        found = ", ".join(sorted(enabled)) or "none"
        yield Observation(name, f"logs {', '.join(sorted(LOG_TYPES))}", found, enabled >= LOG_TYPES)


def version(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        known = live.list("eks", "describe_cluster_versions", "clusterVersions")
        support = {each["clusterVersion"]: each.get("versionStatus") or each.get("status", "") for each in known}
        status = str(support.get(cluster["version"], "no longer offered"))
        holds = status.upper().replace("-", "_") == "STANDARD_SUPPORT"
        yield Observation(name, "a version in standard support", f"{cluster['version']}: {status}", holds)


def deletion_protection(live: Live) -> Iterator[Observation]:
    for name, cluster in _clusters(live):
        on = bool(cluster.get("deletionProtection"))
        yield Observation(name, "deletion protection on", "on" if on else "off", on)


def _clusters(live: Live) -> Iterator[tuple[str, Record]]:
    cluster = live.cluster()
    if cluster is not None:
        yield f"EKS cluster {cluster['name']}", cluster
