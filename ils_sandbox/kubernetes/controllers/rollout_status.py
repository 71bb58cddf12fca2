"""The status of a deployment: counts, and the conditions that tell how its rollout goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.controllers.ownership import (
    active_pods,
    condition,
    ready,
    replica_sets,
    seconds_until_available,
    terminating,
)
from ils_sandbox.kubernetes.kinds import DEPLOYMENT
from ils_sandbox.kubernetes.registry import Registry
from ils_sandbox.kubernetes.store import Object, name_of

if TYPE_CHECKING:
    from ils_sandbox.kubernetes.controllers.deployments import Bounds

AVAILABLE = "Available"
PROGRESSING = "Progressing"
FAILURE = "ReplicaFailure"
DONE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"


def write(registry: Registry, deployment: Object, new: Object | None, limits: Bounds, *, started: bool) -> float | None:
    """Write the status. `started` says that `new` was created just now. Returns when to look again, in seconds."""
    cluster = registry.cluster
    wait = deployment["spec"].get("minReadySeconds", 0)
    rolled = replica_sets(cluster, deployment)
    pods = [pod for found in rolled for pod in active_pods(cluster, found)]
    waits = [seconds_until_available(pod, wait) for pod in pods]
    counts = {
        "replicas": len(pods),
        "updatedReplicas": len(active_pods(cluster, new)) if new else 0,
        "readyReplicas": sum(ready(pod) for pod in pods),
        "availableReplicas": sum(left == 0 for left in waits),
    }
    asked = sum(found["spec"]["replicas"] for found in rolled)
    counts["unavailableReplicas"] = max(0, asked - counts["availableReplicas"])
    failures = [found for item in rolled if not terminating(item) and (found := condition(item, FAILURE))]
    conditions = [_available(counts, limits)]
    if not deployment["spec"].get("paused"):
        conditions.append(_progressing(deployment, new, counts, started=started))
    conditions += [
        {**found, "lastUpdateTime": clock.now(), "lastTransitionTime": clock.now()} for found in failures[:1]
    ]
    status: dict[str, Any] = {
        "observedGeneration": deployment["metadata"]["generation"],
        **{name: value for name, value in counts.items() if value},
        "conditions": _keep_times(deployment, conditions),
    }
    registry.set_status(DEPLOYMENT, deployment, status)
    later = [left for left in waits if 0 < left < float("inf")]
    progress = next((found for found in conditions if found["type"] == PROGRESSING), None)
    if progress is not None and progress["status"] == "True" and progress["reason"] != DONE:
        deadline = deployment["spec"]["progressDeadlineSeconds"] - clock.seconds_since(progress["lastUpdateTime"])
        later.append(max(0.1, deadline))
    return min(later, default=None)


def _available(counts: dict[str, int], limits: Bounds) -> dict[str, Any]:
    enough = counts["availableReplicas"] >= limits.least_available
    return {
        "type": AVAILABLE,
        "status": "True" if enough else "False",
        "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        "message": f"Deployment {'has' if enough else 'does not have'} minimum availability.",
        "lastUpdateTime": clock.now(),
        "lastTransitionTime": clock.now(),
    }


def _progressing(deployment: Object, new: Object | None, counts: dict[str, int], *, started: bool) -> dict[str, Any]:
    name = name_of(new) if new else ""
    before = condition(deployment, PROGRESSING)
    replicas = deployment["spec"]["replicas"]
    complete = counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == replicas
    if complete:
        return _progress("True", DONE, f'ReplicaSet "{name}" has successfully progressed.')
    if started or before is None or before["reason"] == DONE:
        reason = "NewReplicaSetCreated" if started else "ReplicaSetUpdated"
        text = f'Created new replica set "{name}"' if started else f'ReplicaSet "{name}" is progressing.'
        return _progress("True", reason, text)
    if _moved(deployment.get("status", {}), counts):
        return _progress("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    if before["status"] == "True":
        idle = clock.seconds_since(before["lastUpdateTime"])
        if idle > deployment["spec"]["progressDeadlineSeconds"]:
            return _progress("False", TIMED_OUT, f'ReplicaSet "{name}" has timed out progressing.')
    return before


def _progress(status: str, reason: str, message: str) -> dict[str, Any]:
    now = clock.now()
    return {
        "type": PROGRESSING,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }


def _moved(before: dict[str, Any], counts: dict[str, int]) -> bool:
    """Whether the rollout got further: more new, ready or available pods, or fewer old ones."""

    def old(status: dict[str, Any]) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    grew = any(counts[name] > before.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return grew or old(counts) < old(before)


def _keep_times(deployment: Object, conditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Conditions that say what they said before keep their times; a transition is a change of the status alone."""
    kept = []
    for found in conditions:
        before = condition(deployment, found["type"])
        if before is not None and before["status"] == found["status"]:
            found = {**found, "lastTransitionTime": before["lastTransitionTime"]}  # noqa: PLW2901
            same = all(before.get(name) == found.get(name) for name in ("reason", "message"))
            if same and (found["type"] != PROGRESSING or found["reason"] == DONE):
                found = before  # noqa: PLW2901
        kept.append(found)
    return kept
