"""Objects that somebody still writes through an API that the next version does not have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.errors import ApiFailure
from ils_pipelines.release.objects import Kind
from ils_pipelines.settings.cluster import minor

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class Removed:
    """An API version, and the first minor version of Kubernetes without it."""

    since: str
    api_version: str
    now: Kind
    """What takes its place, through which the objects can be read."""


_FLOW = "flowcontrol.apiserver.k8s.io"
_FLOWS = tuple(
    Kind(f"{_FLOW}/v1", kind, plural, namespaced=False)
    for kind, plural in (("FlowSchema", "flowschemas"), ("PriorityLevelConfiguration", "prioritylevelconfigurations"))
)
_HPA = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")

# https://kubernetes.io/docs/reference/using-api/deprecation-guide/
REMOVED: tuple[Removed, ...] = (
    Removed("1.25", "batch/v1beta1", Kind("batch/v1", "CronJob", "cronjobs")),
    Removed("1.25", "policy/v1beta1", Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")),
    Removed("1.25", "discovery.k8s.io/v1beta1", Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")),
    Removed("1.25", "node.k8s.io/v1beta1", Kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", namespaced=False)),
    Removed("1.25", "autoscaling/v2beta1", _HPA),
    Removed("1.26", "autoscaling/v2beta2", _HPA),
    Removed("1.27", "storage.k8s.io/v1beta1", Kind("storage.k8s.io/v1", "CSIStorageCapacity", "csistoragecapacities")),
    *(Removed("1.26", f"{_FLOW}/v1beta1", kind) for kind in _FLOWS),
    *(Removed("1.29", f"{_FLOW}/v1beta2", kind) for kind in _FLOWS),
    *(Removed("1.32", f"{_FLOW}/v1beta3", kind) for kind in _FLOWS),
)


def removed_apis(cluster: Cluster, before: str, after: str) -> Iterator[Finding]:
    """Objects that a manager wrote, or kubectl applied, through what is gone between the two versions."""
    for removed in REMOVED:
        if not minor(before) < minor(removed.since) <= minor(after):
            continue
        for found in _objects(cluster, removed.now):
            writers = sorted(set(_writers(found, removed.api_version)))
            if writers:
                metadata = found["metadata"]
                name = "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)
                yield Finding(
                    f"{removed.now.kind} {name}",
                    Urgency.CRITICAL,
                    f"nobody to write it through {removed.api_version}, which {removed.since} does not have",
                    f"{', '.join(writers)} doing so",
                    f"Have it write {removed.now.api_version}; kubectl apply the object in that form.",
                )


def _objects(cluster: Cluster, kind: Kind) -> list[Object]:
    try:
        return cluster.find(kind, {})
    except ApiFailure as failure:
        if failure.code == 404:  # a kind that the cluster does not have has no objects
            return []
        raise


def _writers(found: Object, api_version: str) -> Iterator[str]:
    for entry in found["metadata"].get("managedFields", ()):
        if entry.get("apiVersion") == api_version and not entry.get("subresource"):
            yield str(entry.get("manager", "somebody"))
    applied = found["metadata"].get("annotations", {}).get(LAST_APPLIED)
    if applied and json.loads(applied).get("apiVersion") == api_version:
        yield "kubectl apply"
