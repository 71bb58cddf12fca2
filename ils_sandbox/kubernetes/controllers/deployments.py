"""Deployments: one replica set per pod template, and the rolling update from the old ones to the new one."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ils_sandbox.kubernetes.controllers import rollout_status
from ils_sandbox.kubernetes.controllers.ownership import (
    active_pods,
    owned,
    reference,
    replica_sets,
    seconds_until_available,
    terminating,
)
from ils_sandbox.kubernetes.controllers.runner import Key, key_of, owner_keys
from ils_sandbox.kubernetes.events import Recorder
from ils_sandbox.kubernetes.kinds import DEPLOYMENT, POD, REPLICA_SET
from ils_sandbox.kubernetes.registry import Deletion, Registry, Write
from ils_sandbox.kubernetes.store import Change, Object, name_of, namespace_of

REVISION = "deployment.kubernetes.io/revision"
HASH_LABEL = "pod-template-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Object) -> str:
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:10])


def _scaled(value: int | str, total: int, *, up: bool) -> int:
    """A number of pods, given as such or in percent of `total`."""
    if isinstance(value, int):
        return value
    share = int(value.rstrip("%")) * total / 100
    return math.ceil(share) if up else math.floor(share)


@dataclass(frozen=True)
class Bounds:
    """How far a rolling update may go above and below the wanted number of pods."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def least_available(self) -> int:
        return max(0, self.replicas - self.unavailable)


def bounds(deployment: Object) -> Bounds:
    spec = deployment["spec"]
    replicas = spec["replicas"]
    rolling = spec["strategy"].get("rollingUpdate")
    if rolling is None:  # Recreate
        return Bounds(replicas, 0, replicas)
    surge = _scaled(rolling["maxSurge"], replicas, up=True)
    unavailable = _scaled(rolling["maxUnavailable"], replicas, up=False)
    return Bounds(replicas, surge, 1 if surge == unavailable == 0 else unavailable)


class Deployments:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._events = Recorder(registry, "deployment-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is DEPLOYMENT:
            yield key_of(change.obj)
        elif change.kind is REPLICA_SET:
            yield from owner_keys(change.obj, DEPLOYMENT)
        elif change.kind is POD:
            for namespace, name in owner_keys(change.obj, REPLICA_SET):
                replica_set = self._registry.cluster.get(REPLICA_SET, namespace, name)
                if replica_set is not None:
                    yield from owner_keys(replica_set, DEPLOYMENT)

    def reconcile(self, key: Key) -> float | None:
        cluster = self._registry.cluster
        deployment = cluster.get(DEPLOYMENT, *key)
        if deployment is None or terminating(deployment):
            return None
        rolled = [found for found in replica_sets(cluster, deployment) if not terminating(found)]
        hashed = template_hash(deployment["spec"]["template"])
        new = next((found for found in rolled if found["metadata"]["labels"].get(HASH_LABEL) == hashed), None)
        old = [found for found in rolled if found is not new]
        started = False
        if not deployment["spec"].get("paused"):
            if new is None:
                new, started = self._create(deployment, hashed, old), True
            else:
                new = self._take_revision(deployment, new, old)
            if deployment["spec"]["strategy"]["type"] == "Recreate":
                self._recreate(deployment, new, old)
            else:
                self._roll(deployment, new, old)
            self._forget(deployment, old)
        deployment = cluster.get(DEPLOYMENT, *key)
        assert deployment is not None  # noqa: S101 nothing runs between
        return rollout_status.write(self._registry, deployment, new, bounds(deployment), started=started)

    # -- replica sets -------------------------------------------------------------------------------------------------

    def _create(self, deployment: Object, hashed: str, old: list[Object]) -> Object:
        revision = str(1 + max((_revision(found) for found in old), default=0))
        template = json.loads(json.dumps(deployment["spec"]["template"]))
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        labels[HASH_LABEL] = hashed
        selector = json.loads(json.dumps(deployment["spec"]["selector"]))
        selector.setdefault("matchLabels", {})[HASH_LABEL] = hashed
        annotations = {**deployment["metadata"].get("annotations", {}), REVISION: revision}
        annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
        limits = bounds(deployment)
        room = limits.replicas + limits.surge - sum(found["spec"]["replicas"] for found in old)
        waits = deployment["spec"]["strategy"]["type"] == "Recreate" and any(found["spec"]["replicas"] for found in old)
        replicas = 0 if waits else max(0, min(limits.replicas, room))
        body: dict[str, Any] = {
            "metadata": {
                "name": f"{name_of(deployment)}-{hashed}",
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": [reference(DEPLOYMENT, deployment)],
            },
            "spec": {
                "replicas": replicas,
                "selector": selector,
                "template": template,
                "minReadySeconds": deployment["spec"].get("minReadySeconds", 0),
            },
        }
        new = self._registry.create(REPLICA_SET, namespace_of(deployment), body, Write())
        self._note_scaling(deployment, new, 0, replicas)
        self._annotate(deployment, revision)
        return new

    def _take_revision(self, deployment: Object, new: Object, old: list[Object]) -> Object:
        """A template that is used again gets the newest revision: that is what a rollback is."""
        newest = max((_revision(found) for found in old), default=0)
        if _revision(new) < newest:
            revision = str(newest + 1)
            new = self._registry.change(REPLICA_SET, new, {"metadata": {"annotations": {REVISION: revision}}})
        self._annotate(deployment, new["metadata"]["annotations"][REVISION])
        return new

    def _annotate(self, deployment: Object, revision: str) -> None:
        if deployment["metadata"].get("annotations", {}).get(REVISION) != revision:
            self._registry.change(DEPLOYMENT, deployment, {"metadata": {"annotations": {REVISION: revision}}})

    def _scale(self, deployment: Object, replica_set: Object, replicas: int) -> None:
        before = replica_set["spec"]["replicas"]
        if before != replicas:
            self._registry.change(REPLICA_SET, replica_set, {"spec": {"replicas": replicas}})
            self._note_scaling(deployment, replica_set, before, replicas)

    def _note_scaling(self, deployment: Object, replica_set: Object, before: int, after: int) -> None:
        if before != after:
            way = "up" if after > before else "down"
            message = f"Scaled {way} replica set {name_of(replica_set)} from {before} to {after}"
            self._events.normal(DEPLOYMENT, deployment, "ScalingReplicaSet", message)

    def _forget(self, deployment: Object, old: list[Object]) -> None:
        """Delete replica sets beyond the history limit, oldest revision first."""
        idle = [found for found in old if not found["spec"]["replicas"] and not found.get("status", {}).get("replicas")]
        surplus = len(idle) - deployment["spec"]["revisionHistoryLimit"]
        for found in sorted(idle, key=_revision)[: max(0, surplus)]:
            self._registry.delete(REPLICA_SET, namespace_of(found), name_of(found), Deletion())

    # -- strategies ---------------------------------------------------------------------------------------------------

    def _recreate(self, deployment: Object, new: Object, old: list[Object]) -> None:
        for found in old:
            self._scale(deployment, found, 0)
        cluster = self._registry.cluster
        # One that is being stopped still runs.
        left = [pod for replica_set in old for pod in owned(cluster, POD, replica_set)]
        if all(pod["status"]["phase"] in ("Succeeded", "Failed") for pod in left):
            self._scale(deployment, new, deployment["spec"]["replicas"])

    def _roll(self, deployment: Object, new: Object, old: list[Object]) -> None:
        limits = bounds(deployment)
        total = new["spec"]["replicas"] + sum(found["spec"]["replicas"] for found in old)
        if new["spec"]["replicas"] != limits.replicas:
            room = max(0, limits.replicas + limits.surge - total)
            self._scale(deployment, new, min(limits.replicas, new["spec"]["replicas"] + room))
        self._scale_down_old(deployment, new, old, limits)

    def _scale_down_old(self, deployment: Object, new: Object, old: list[Object], limits: Bounds) -> None:
        """Take away old pods: first those that do not serve, then serving ones while enough others do."""
        wanted = {name_of(found): found["spec"]["replicas"] for found in old}
        available = {name_of(found): self._available(deployment, found) for found in [*old, new]}
        current = self._registry.cluster.get(REPLICA_SET, namespace_of(new), name_of(new)) or new
        missing_new = current["spec"]["replicas"] - available[name_of(new)]
        removable = current["spec"]["replicas"] + sum(wanted.values()) - limits.least_available - missing_new
        for name, serving in available.items():
            if name in wanted and removable > 0:
                cleaned = min(removable, wanted[name] - serving)
                wanted[name] -= cleaned
                removable -= cleaned
        spare = sum(available.values()) - limits.least_available
        for found in old:
            name = name_of(found)
            taken = max(0, min(wanted[name], spare, removable))
            wanted[name] -= taken
            spare -= taken
            removable -= taken
            self._scale(deployment, found, wanted[name])

    def _available(self, deployment: Object, replica_set: Object) -> int:
        """Available pods that the replica set is going to keep."""
        wait = deployment["spec"].get("minReadySeconds", 0)
        pods = active_pods(self._registry.cluster, replica_set)
        serving = sum(seconds_until_available(pod, wait) == 0 for pod in pods)
        return min(serving, int(replica_set["spec"]["replicas"]))


def _revision(replica_set: Object) -> int:
    annotations: dict[str, str] = replica_set["metadata"].get("annotations", {})
    return int(annotations.get(REVISION, "0"))
