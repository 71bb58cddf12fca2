"""Leases of nodes: what a kubelet renews to say that it is there, and does not once its node has fallen silent."""

from __future__ import annotations

from collections.abc import Iterable

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.controllers.lost_nodes import answers
from ils_sandbox.kubernetes.controllers.ownership import reference
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.kinds import LEASE, NODE
from ils_sandbox.kubernetes.registry import Registry, Write
from ils_sandbox.kubernetes.store import Change

NAMESPACE = "kube-node-lease"
DURATION_SECONDS = 40
RENEWAL_SECONDS = 10.0
_OWNER = ("apiVersion", "kind", "name", "uid")
"""A kubelet owns its lease and controls nothing."""


class NodeLeases:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is NODE:
            yield key_of(change.obj)

    def reconcile(self, key: Key) -> float | None:
        """The lease goes with its node, which owns it."""
        cluster, (_, name) = self._registry.cluster, key
        node = cluster.get(NODE, *key)
        if node is None or not answers(node):
            return None
        lease = cluster.get(LEASE, NAMESPACE, name)
        if lease is not None:
            left = RENEWAL_SECONDS - clock.seconds_since(lease["spec"]["renewTime"])
            if left > 0:
                return left
            self._registry.change(LEASE, lease, {"spec": {"renewTime": clock.now_micro()}})
            return RENEWAL_SECONDS
        owner = {part: value for part, value in reference(NODE, node).items() if part in _OWNER}
        spec = {"holderIdentity": name, "leaseDurationSeconds": DURATION_SECONDS, "renewTime": clock.now_micro()}
        body = {"metadata": {"name": name, "ownerReferences": [owner]}, "spec": spec}
        self._registry.create(LEASE, NAMESPACE, body, Write(manager="kubelet"))
        return RENEWAL_SECONDS
