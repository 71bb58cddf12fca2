"""Helpers of the workload controllers: who owns what, and which pods count as what."""

from __future__ import annotations

from typing import Any

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.kinds import POD, REPLICA_SET, Kind
from ils_sandbox.kubernetes.store import Cluster, Object, namespace_of


def reference(kind: Kind, obj: Object) -> dict[str, Any]:
    """An owner reference to the object that controls another."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controlled_by(obj: Object, owner: Object) -> bool:
    uid = owner["metadata"]["uid"]
    return any(ref["uid"] == uid and ref.get("controller") for ref in obj["metadata"].get("ownerReferences", ()))


def terminating(obj: Object) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def owned(cluster: Cluster, kind: Kind, owner: Object) -> list[Object]:
    """Objects of `kind` that `owner` controls, oldest first."""
    found = [obj for obj in cluster.objects(kind, namespace_of(owner)) if controlled_by(obj, owner)]
    return sorted(
        found, key=lambda obj: (obj["metadata"]["creationTimestamp"], int(obj["metadata"]["resourceVersion"]))
    )


def active_pods(cluster: Cluster, replica_set: Object) -> list[Object]:
    """Pods of a replica set that are neither finished nor being deleted."""
    return [
        pod
        for pod in owned(cluster, POD, replica_set)
        if not terminating(pod) and pod["status"]["phase"] not in ("Succeeded", "Failed")
    ]


def replica_sets(cluster: Cluster, deployment: Object) -> list[Object]:
    return owned(cluster, REPLICA_SET, deployment)


def condition(obj: Object, name: str) -> dict[str, Any] | None:
    conditions = obj.get("status", {}).get("conditions", ())
    return next((found for found in conditions if found["type"] == name), None)


def ready(pod: Object) -> bool:
    found = condition(pod, "Ready")
    return found is not None and found["status"] == "True"


def seconds_until_available(pod: Object, min_ready_seconds: int) -> float:
    """0 for a pod that has been ready long enough; infinity for one that is not ready."""
    found = condition(pod, "Ready")
    if found is None or found["status"] != "True":
        return float("inf")
    if not min_ready_seconds:
        return 0.0
    return max(0.0, min_ready_seconds - clock.seconds_since(found["lastTransitionTime"]))
