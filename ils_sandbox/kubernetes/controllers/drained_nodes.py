"""Nodes in whose place others have come: their pods are evicted as disruption budgets allow, then they go."""

from __future__ import annotations

from collections.abc import Iterable

from ils_sandbox.kubernetes.controllers.ownership import terminating
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.evictions import evict
from ils_sandbox.kubernetes.kinds import NODE, POD
from ils_sandbox.kubernetes.nodes import replaced
from ils_sandbox.kubernetes.registry import Deletion, Registry
from ils_sandbox.kubernetes.statuses import ApiError
from ils_sandbox.kubernetes.store import Change, Object, name_of

_RETRY_SECONDS = 0.1
_REFUSED = 429


class DrainedNodes:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is NODE:
            yield key_of(change.obj)

    def reconcile(self, key: Key) -> float | None:
        node = self._registry.cluster.get(NODE, *key)
        if node is None or not replaced(node):
            return None
        pods = [pod for pod in self._registry.cluster.objects(POD) if pod["spec"].get("nodeName") == name_of(node)]
        for pod in pods:
            if not terminating(pod):
                self._evict(pod)
        if pods:
            return _RETRY_SECONDS
        self._registry.delete(NODE, "", name_of(node), Deletion())
        return None

    def _evict(self, pod: Object) -> None:
        """A budget that does not allow it now may do so later."""
        try:
            evict(self._registry, pod, {"metadata": {"name": name_of(pod)}}, Deletion())
        except ApiError as error:
            if error.code != _REFUSED:
                raise
