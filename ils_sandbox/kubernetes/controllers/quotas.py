"""Resource quotas: their status tells what is used."""

from __future__ import annotations

from collections.abc import Iterable

from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.kinds import EVENT, RESOURCE_QUOTA
from ils_sandbox.kubernetes.quotas import quota_status
from ils_sandbox.kubernetes.registry import Registry
from ils_sandbox.kubernetes.store import Change, namespace_of


class ResourceQuotas:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is RESOURCE_QUOTA:
            yield key_of(change.obj)
        elif change.kind is not EVENT and (namespace := namespace_of(change.obj)):
            for quota in self._registry.cluster.objects(RESOURCE_QUOTA, namespace):
                yield key_of(quota)

    def reconcile(self, key: Key) -> float | None:
        quota = self._registry.cluster.get(RESOURCE_QUOTA, *key)
        if quota is not None:
            self._registry.set_status(RESOURCE_QUOTA, quota, quota_status(self._registry.cluster, quota))
        return None
