"""Replica sets: as many pods as asked for, those that serve least deleted first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ils_sandbox.kubernetes.controllers.ownership import (
    active_pods,
    ready,
    reference,
    seconds_until_available,
    terminating,
)
from ils_sandbox.kubernetes.controllers.runner import Key, key_of, owner_keys
from ils_sandbox.kubernetes.events import Recorder
from ils_sandbox.kubernetes.kinds import POD, REPLICA_SET
from ils_sandbox.kubernetes.registry import Deletion, Registry, Write
from ils_sandbox.kubernetes.statuses import ApiError
from ils_sandbox.kubernetes.store import Change, Object, name_of, namespace_of


class ReplicaSets:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._events = Recorder(registry, "replicaset-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is REPLICA_SET:
            yield key_of(change.obj)
        elif change.kind is POD:
            yield from owner_keys(change.obj, REPLICA_SET)

    def reconcile(self, key: Key) -> float | None:
        replica_set = self._registry.cluster.get(REPLICA_SET, *key)
        if replica_set is None or terminating(replica_set):
            return None
        pods = active_pods(self._registry.cluster, replica_set)
        wanted = replica_set["spec"]["replicas"]
        failure = None
        if len(pods) < wanted:
            failure = self._create(replica_set, wanted - len(pods))
        elif len(pods) > wanted:
            self._delete(replica_set, sorted(pods, key=_worth)[: len(pods) - wanted])
        return self._write_status(replica_set, failure)

    def _create(self, replica_set: Object, count: int) -> ApiError | None:
        template = replica_set["spec"]["template"]
        metadata = {name: template.get("metadata", {}).get(name) for name in ("labels", "annotations")}
        for _ in range(count):
            pod = {
                "metadata": {
                    **{name: value for name, value in metadata.items() if value},
                    "generateName": f"{name_of(replica_set)}-",
                    "ownerReferences": [reference(REPLICA_SET, replica_set)],
                },
                "spec": template["spec"],
            }
            try:
                created = self._registry.create(POD, namespace_of(replica_set), pod, Write())
            except ApiError as error:
                self._events.warning(REPLICA_SET, replica_set, "FailedCreate", f"Error creating: {error}")
                return error
            self._events.normal(REPLICA_SET, replica_set, "SuccessfulCreate", f"Created pod: {name_of(created)}")
        return None

    def _delete(self, replica_set: Object, pods: list[Object]) -> None:
        for pod in pods:
            self._registry.delete(POD, namespace_of(pod), name_of(pod), Deletion())
            self._events.normal(REPLICA_SET, replica_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _write_status(self, replica_set: Object, failure: ApiError | None) -> float | None:
        pods = active_pods(self._registry.cluster, replica_set)
        waits = [seconds_until_available(pod, replica_set["spec"].get("minReadySeconds", 0)) for pod in pods]
        status: dict[str, Any] = {
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": sum(ready(pod) for pod in pods),
            "availableReplicas": sum(wait == 0 for wait in waits),
            "observedGeneration": replica_set["metadata"]["generation"],
        }
        if failure is not None:
            condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": str(failure)}
            status["conditions"] = [condition]
        shown = {name: value for name, value in status.items() if value or name == "replicas"}
        self._registry.set_status(REPLICA_SET, replica_set, shown)
        pending = [wait for wait in waits if 0 < wait < float("inf")]
        if failure is not None:
            pending.append(1.0)
        return min(pending, default=None)


def _worth(pod: Object) -> tuple[bool, bool, bool, str]:
    """Sorts pods that are not assigned, not running or not ready before the others."""
    assigned = bool(pod["spec"].get("nodeName"))
    return assigned, pod["status"]["phase"] == "Running", ready(pod), pod["metadata"]["creationTimestamp"]
