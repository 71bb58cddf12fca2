"""Nodes that do not answer: their pods do not serve any more, and are evicted after a while, so that others take over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.admission import UNANSWERING
from ils_sandbox.kubernetes.controllers.ownership import condition, terminating
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.events import Recorder
from ils_sandbox.kubernetes.kinds import NODE, POD
from ils_sandbox.kubernetes.registry import Deletion, Registry
from ils_sandbox.kubernetes.settings import Settings
from ils_sandbox.kubernetes.store import Change, Cluster, Object, name_of, namespace_of


def answers(node: Object) -> bool:
    found = condition(node, "Ready")
    return found is None or found["status"] != "Unknown"


def node_answers(cluster: Cluster, pod: Object) -> bool:
    """False for a pod on a node that is silent: nobody there runs, reports on or stops it."""
    node = cluster.get(NODE, "", pod["spec"].get("nodeName", ""))
    return node is None or answers(node)


class LostNodes:
    """A pod that is evicted stays `Terminating` until its node answers again or is deleted, as nobody can confirm it."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._settings = settings
        self._events = Recorder(registry, "node-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is NODE:
            yield key_of(change.obj)

    def reconcile(self, key: Key) -> float | None:
        node = self._registry.cluster.get(NODE, *key)
        if node is None or answers(node):
            return None
        pods = [pod for pod in self._registry.cluster.objects(POD) if pod["spec"].get("nodeName") == key[1]]
        for pod in pods:
            self._mark(pod)
        found = condition(node, "Ready")
        since = clock.seconds_since(found["lastTransitionTime"]) if found else 0.0
        left = self._settings.node_eviction_seconds - since
        if left > 0:
            return left
        for pod in pods:
            if not terminating(pod) and not _stays(pod):
                message = f"Marking for deletion Pod {namespace_of(pod)}/{name_of(pod)}"
                self._events.normal(POD, pod, "TaintManagerEviction", message)
                self._registry.delete(POD, namespace_of(pod), name_of(pod), Deletion())
        return None

    def _mark(self, pod: Object) -> None:
        found = condition(pod, "Ready")
        if found is None or found["status"] != "True":
            return
        unready: dict[str, Any] = {
            **found,
            "status": "False",
            "reason": "NodeNotReady",
            "message": "The node does not answer",
            "lastTransitionTime": clock.now(),
        }
        conditions = [unready if other is found else other for other in pod["status"]["conditions"]]
        self._registry.set_status(POD, pod, {**pod["status"], "conditions": conditions})


def _stays(pod: Object) -> bool:
    """Whether the pod tolerates a node that does not answer for ever."""
    return any(
        toleration.get("key") in (None, UNANSWERING[1])
        and toleration.get("effect") in (None, "NoExecute")
        and "tolerationSeconds" not in toleration
        for toleration in pod["spec"].get("tolerations", ())
    )
