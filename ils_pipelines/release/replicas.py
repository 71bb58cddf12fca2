"""Who says how many pods a deployment has.

With autoscaling it is not the release: a manifest without `spec.replicas` leaves the field to the autoscaler. But a field
that its only manager stops applying falls back to its default, one pod; so another manager takes it over first, with the
number that is there. (Kubernetes' own advice: "Transferring ownership", in its documentation of server-side apply.)
"""

from __future__ import annotations

from typing import Any

from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.names import FIELD_MANAGER, REPLICAS_MANAGER
from ils_pipelines.release.objects import DEPLOYMENT, Manifest, Ref


def left_to_others(manifest: Manifest) -> bool:
    return manifest.kind is DEPLOYMENT and "replicas" not in manifest.body["spec"]


def hand_over(cluster: Cluster, manifest: Manifest, live: Object | None, first: int) -> None:
    """Have the number of pods managed by somebody else than the release: what there is, or `first` where nothing is."""
    if live is None:
        body = {**manifest.body, "spec": {**manifest.body["spec"], "replicas": first}}
        live = cluster.apply(manifest.ref, body, force=False)
    if _manages_replicas(live):
        set_replicas(cluster, manifest.ref, int(live["spec"]["replicas"]))


def set_replicas(cluster: Cluster, ref: Ref, count: int) -> Object:
    """As the manager of scaling, whoever managed the number before."""
    return cluster.apply(ref, _minimal(ref, {"replicas": count}), force=True, manager=REPLICAS_MANAGER)


def set_bounds(cluster: Cluster, ref: Ref, fewest: int, most: int) -> Object:
    """Likewise, of an autoscaler."""
    return cluster.apply(
        ref, _minimal(ref, {"minReplicas": fewest, "maxReplicas": most}), force=True, manager=REPLICAS_MANAGER
    )


def _minimal(ref: Ref, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata, "spec": spec}


def _manages_replicas(live: Object) -> bool:
    """Whether the release's manager is one of those of `spec.replicas`."""
    for entry in live["metadata"].get("managedFields", ()):
        if entry.get("manager") == FIELD_MANAGER and entry["operation"] == "Apply" and not entry.get("subresource"):
            return "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    return False
