"""Waiting until a deployment's pods are the new ones and serve, or saying why they do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.errors import RolloutFailed
from ils_pipelines.release.objects import POD, REPLICA_SET, Ref
from ils_pipelines.release.settings import RolloutLimits

POLL_SECONDS = (0.05, 1.0)
"""The first wait between two looks, and the longest."""
GRACE = timedelta(seconds=15)
"""Longer than the deployment's own deadline, which is to speak first."""
_REVISION = "deployment.kubernetes.io/revision"

# Reasons of a waiting container, with what to do. Those marked final cannot mend themselves.
REMEDIES: Mapping[str, str] = {
    "ErrImagePull": "Check that app.image exists in the registry and that the nodes may pull it",
    "ImagePullBackOff": "Check that app.image exists in the registry and that the nodes may pull it",
    "InvalidImageName": "Correct app.image in the environment file",
    "ErrImageNeverPull": "Correct app.image in the environment file",
    "CrashLoopBackOff": "Read the container's log (kubectl logs --previous)",
    "CreateContainerConfigError": "Check that the ConfigMap and the Secret hold what the container asks for",
    "Unschedulable": "Give the cluster more or larger nodes, or the application fewer replicas",
}
FINAL = frozenset({"InvalidImageName", "ErrImageNeverPull"})
RARELY_MENDED = frozenset({"ImagePullBackOff", "CrashLoopBackOff", "CreateContainerConfigError"})


@dataclass(frozen=True)
class PodTrouble:
    pod: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"pod {self.pod}: {self.reason}" + (f" ({self.message})" if self.message else "")


@dataclass
class _Patience:
    """Since when each pod has had a trouble that rarely mends itself."""

    limit: timedelta
    since: dict[str, float] = field(default_factory=dict)

    def exhausted(self, troubles: list[PodTrouble]) -> bool:
        now = time.monotonic()
        stuck = {trouble.pod for trouble in troubles if trouble.reason in RARELY_MENDED}
        self.since = {pod: self.since.get(pod, now) for pod in stuck}
        limit = self.limit.total_seconds()
        return any(now - since >= limit for since in self.since.values())


def wait_for_rollout(
    cluster: Cluster,
    ref: Ref,
    urn: str,
    limits: RolloutLimits,
    *,
    note: Callable[[str], None],
    cancel: threading.Event,
) -> Object:
    """Return the deployment once it is complete. Raises `RolloutFailed` and `OperationCancelled`.

    Fails when the deployment says that its deadline is over, when a new pod cannot ever start, and when one has not been
    able to for longer than `limits.patience`. Old pods go on serving in all these cases.
    """
    patience = _Patience(limits.patience)
    end = time.monotonic() + (limits.deadline + GRACE).total_seconds()
    wait, said = POLL_SECONDS[0], ""
    while True:
        deployment = cluster.get(ref)
        if deployment is None:
            raise RolloutFailed(urn, "it was deleted while it was rolled out", (), "Release it again.")
        progress = _progress(deployment)
        if not progress:
            return deployment
        if progress != said:
            note(f"{ref}: {progress}")
            said = progress
        troubles = _troubles(cluster, deployment)
        late = _deadline_exceeded(deployment) or time.monotonic() >= end
        if late or patience.exhausted(troubles) or any(trouble.reason in FINAL for trouble in troubles):
            raise _failed(urn, deployment, progress, troubles)
        if cancel.wait(wait):
            raise OperationCancelled(f"stopped waiting for {ref}: {progress}. The rollout goes on in the cluster.")
        wait = min(wait * 1.5, POLL_SECONDS[1])


def _progress(deployment: Object) -> str:
    """What is still to come; empty when the rollout is complete."""
    status = deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "waiting for the cluster to take notice"
    wanted = deployment["spec"]["replicas"]
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if updated < wanted:
        return f"{updated} of {wanted} pods are new"
    if total > updated:
        return f"{total - updated} old pods are still there"
    if available < updated:
        return f"{available} of {updated} new pods are available"
    return ""


def _deadline_exceeded(deployment: Object) -> bool:
    return any(
        found["type"] == "Progressing" and found.get("reason") == "ProgressDeadlineExceeded"
        for found in deployment.get("status", {}).get("conditions", ())
    )


def _troubles(cluster: Cluster, deployment: Object) -> list[PodTrouble]:
    """Why pods of the newest replica set are not ready."""
    namespace = deployment["metadata"]["namespace"]
    labels = deployment["spec"]["selector"]["matchLabels"]
    revision = deployment["metadata"].get("annotations", {}).get(_REVISION)
    for replica_set in cluster.find(REPLICA_SET, labels, namespace):
        if replica_set["metadata"].get("annotations", {}).get(_REVISION) == revision:
            newest = replica_set["metadata"]["uid"]
            failures = [
                PodTrouble(f"of {replica_set['metadata']['name']}", found.get("reason", ""), found.get("message", ""))
                for found in replica_set.get("status", {}).get("conditions", ())
                if found["type"] == "ReplicaFailure" and found["status"] == "True"
            ]
            pods = [pod for pod in cluster.find(POD, labels, namespace) if _owned_by(pod, newest)]
            return failures + [trouble for pod in pods if (trouble := trouble_of(pod)) is not None]
    return []


def _owned_by(obj: Object, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in obj["metadata"].get("ownerReferences", ()))


def trouble_of(pod: Object) -> PodTrouble | None:
    """Why a pod is not ready; None when it is, or is only starting."""
    name = pod["metadata"]["name"]
    status = pod.get("status", {})
    for found in status.get("conditions", ()):
        if found["type"] == "PodScheduled" and found["status"] == "False":
            return PodTrouble(name, found.get("reason", "Unschedulable"), found.get("message", ""))
    for container in status.get("containerStatuses", ()):
        waiting = container["state"].get("waiting")
        if waiting and waiting["reason"] not in ("ContainerCreating", "PodInitializing"):
            return PodTrouble(name, waiting["reason"], waiting.get("message", ""))
        if "running" in container["state"] and not container["ready"]:
            return PodTrouble(name, "NotReady", f"container {container['name']} runs, its readiness probe fails")
    return None


def _failed(urn: str, deployment: Object, progress: str, troubles: list[PodTrouble]) -> RolloutFailed:
    remedies = dict.fromkeys(REMEDIES[trouble.reason] for trouble in troubles if trouble.reason in REMEDIES)
    advice = ". ".join(remedies) or "Look at the pods' events and logs"
    serving = deployment.get("status", {}).get("availableReplicas", 0)
    reasons = tuple(str(trouble) for trouble in troubles)
    return RolloutFailed(urn, progress, reasons, f"{serving} pods go on serving. {advice}, then release again.")
