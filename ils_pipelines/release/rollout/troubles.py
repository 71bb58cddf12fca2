"""Why pods are not ready, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.names import REVISION
from ils_pipelines.release.objects import POD, REPLICA_SET

LOG_LINES = 10
MOST_LOGS = 2
"""Pods whose logs are shown: the others of a release say the same."""

# Reasons of a waiting container, with what to do. Those marked final cannot mend themselves.
REMEDIES: Mapping[str, str] = {
    "ErrImagePull": "Check that app.image exists in the registry and that the nodes may pull it",
    "ImagePullBackOff": "Check that app.image exists in the registry and that the nodes may pull it",
    "InvalidImageName": "Correct app.image in the environment file",
    "ErrImageNeverPull": "Correct app.image in the environment file",
    "CrashLoopBackOff": "Read the container's log (kubectl logs --previous)",
    "CreateContainerConfigError": "Check that the ConfigMap and the Secret hold what the container asks for",
    "Unschedulable": "Give the cluster more or larger nodes, or the application fewer replicas",
    "FailedCreate": "Raise app.quota in the environment file, or correct what the cluster refuses",
}
FINAL = frozenset({"InvalidImageName", "ErrImageNeverPull"})
RARELY_MENDED = frozenset({"ImagePullBackOff", "CrashLoopBackOff", "CreateContainerConfigError", "FailedCreate"})


@dataclass(frozen=True)
class PodTrouble:
    pod: str
    reason: str
    message: str
    container: str = ""
    """The one whose log may tell more; empty when none has run."""
    restarted: bool = False

    def __str__(self) -> str:
        return f"pod {self.pod}: {self.reason}" + (f" ({self.message})" if self.message else "")


def troubles_of(cluster: Cluster, deployment: Object) -> list[PodTrouble]:
    """Why pods of the newest replica set are not ready."""
    namespace = deployment["metadata"]["namespace"]
    labels = deployment["spec"]["selector"]["matchLabels"]
    revision = deployment["metadata"].get("annotations", {}).get(REVISION)
    for replica_set in cluster.find(REPLICA_SET, labels, namespace):
        if replica_set["metadata"].get("annotations", {}).get(REVISION) == revision:
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
        restarted = bool(container.get("restartCount"))
        ran = container["name"] if restarted or "running" in container["state"] else ""
        if waiting and waiting["reason"] not in ("ContainerCreating", "PodInitializing"):
            return PodTrouble(name, waiting["reason"], waiting.get("message", ""), ran, restarted)
        if "running" in container["state"] and not container["ready"]:
            why = f"container {container['name']} runs, its readiness probe fails"
            return PodTrouble(name, "NotReady", why, ran, restarted)
    return None


def last_log_lines(cluster: Cluster, namespace: str, troubles: list[PodTrouble]) -> tuple[str, ...]:
    """The end of the logs of containers that ran and are in trouble, each line with its pod."""
    found: list[str] = []
    for trouble in [each for each in troubles if each.container][:MOST_LOGS]:
        crashed = trouble.reason == "CrashLoopBackOff"
        text = cluster.log(namespace, trouble.pod, trouble.container, lines=LOG_LINES, previous=crashed)
        found += [f"{trouble.pod}: {line}" for line in text.splitlines()[-LOG_LINES:]]
    return tuple(found)
