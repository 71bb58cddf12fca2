"""What goes when something else has gone: dependents of an owner, the contents of a namespace, pods of a node."""

from __future__ import annotations

from collections.abc import Iterable

from ils_sandbox.kubernetes.controllers.ownership import terminating
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.custom_kinds import named
from ils_sandbox.kubernetes.kinds import CONFIG_MAP, EVENT, NAMESPACE, NODE, POD, SERVICE_ACCOUNT, Kind
from ils_sandbox.kubernetes.registry import FOREGROUND, ORPHAN, Deletion, Registry, Write
from ils_sandbox.kubernetes.store import Change, Cluster, EventType, Object, name_of, namespace_of

ROOT_CERTIFICATE = "kube-root-ca.crt"


def dependents(cluster: Cluster, owner_uid: str) -> list[tuple[Kind, Object]]:
    return [
        (kind, obj)
        for kind, obj in cluster.everything()
        if any(reference["uid"] == owner_uid for reference in obj["metadata"].get("ownerReferences", ()))
    ]


class GarbageCollector:
    """Deletes objects whose owners are gone, and finishes foreground and orphaning deletions.

    Its keys are a kind (`apps/v1/Deployment`) and an object (`namespace/name`).
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.type is EventType.DELETED:
            for kind, obj in dependents(self._registry.cluster, change.obj["metadata"]["uid"]):
                yield _object_key(kind, obj)
            yield from self._owners(change.obj)
        elif terminating(change.obj) or change.type is EventType.ADDED:
            yield _object_key(change.kind, change.obj)

    def _owners(self, obj: Object) -> Iterable[Key]:
        for reference in obj["metadata"].get("ownerReferences", ()):
            kind = named(self._registry.cluster, reference["apiVersion"], reference["kind"])
            namespace = namespace_of(obj) if kind and kind.namespaced else ""
            owner = self._registry.cluster.get(kind, namespace, reference["name"]) if kind else None
            if kind and owner and terminating(owner):
                yield _object_key(kind, owner)

    def reconcile(self, key: Key) -> float | None:
        api_version, kind_name = key[0].rsplit("/", 1)
        kind = named(self._registry.cluster, api_version, kind_name)
        if kind is None:
            return None
        namespace, name = key[1].split("/")
        obj = self._registry.cluster.get(kind, namespace, name)
        if obj is None:
            return None
        finalizers = obj["metadata"].get("finalizers", ())
        if terminating(obj) and ORPHAN in finalizers:
            self._orphan(kind, obj)
        elif terminating(obj) and FOREGROUND in finalizers:
            self._foreground(kind, obj)
        elif not terminating(obj) and self._abandoned(obj):
            self._registry.delete(kind, namespace, name, Deletion(propagation="Background"))
        return None

    def _abandoned(self, obj: Object) -> bool:
        references = obj["metadata"].get("ownerReferences", ())
        return bool(references) and not any(self._exists(obj, reference) for reference in references)

    def _exists(self, obj: Object, reference: dict[str, str]) -> bool:
        kind = named(self._registry.cluster, reference["apiVersion"], reference["kind"])
        if kind is None:
            return True  # a kind that is not kept here: its owner cannot be missed
        namespace = namespace_of(obj) if kind.namespaced else ""
        owner = self._registry.cluster.get(kind, namespace, reference["name"])
        return owner is not None and owner["metadata"]["uid"] == reference["uid"]

    def _orphan(self, kind: Kind, obj: Object) -> None:
        uid = obj["metadata"]["uid"]
        for other_kind, other in dependents(self._registry.cluster, uid):
            kept = [reference for reference in other["metadata"]["ownerReferences"] if reference["uid"] != uid]
            self._registry.change(other_kind, other, {"metadata": {"ownerReferences": kept or None}})
        self._drop_finalizer(kind, obj, ORPHAN)

    def _foreground(self, kind: Kind, obj: Object) -> None:
        left = dependents(self._registry.cluster, obj["metadata"]["uid"])
        for other_kind, other in left:
            if not terminating(other):
                self._registry.delete(
                    other_kind, namespace_of(other), name_of(other), Deletion(propagation="Foreground")
                )
        if not dependents(self._registry.cluster, obj["metadata"]["uid"]):
            self._drop_finalizer(kind, obj, FOREGROUND)

    def _drop_finalizer(self, kind: Kind, obj: Object, finalizer: str) -> None:
        kept = [found for found in obj["metadata"]["finalizers"] if found != finalizer]
        self._registry.change(kind, obj, {"metadata": {"finalizers": kept or None}})


def _object_key(kind: Kind, obj: Object) -> Key:
    return f"{kind.api_version}/{kind.kind}", f"{namespace_of(obj)}/{name_of(obj)}"


class Namespaces:
    """Gives every namespace its default service account, and empties it before it goes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is NAMESPACE:
            yield key_of(change.obj)
        elif namespace_of(change.obj):
            namespace = self._registry.cluster.get(NAMESPACE, "", namespace_of(change.obj))
            if change.type is EventType.DELETED and namespace is not None:
                yield key_of(namespace)

    def reconcile(self, key: Key) -> float | None:
        namespace = self._registry.cluster.get(NAMESPACE, *key)
        if namespace is None:
            return None
        if not terminating(namespace):
            furnish(self._registry, name_of(namespace))
            return None
        contents = list(self._registry.cluster.contents(name_of(namespace)))
        for kind, obj in contents:
            if kind is EVENT:
                self._registry.cluster.remove(kind, obj)
            elif not terminating(obj):
                self._registry.delete(
                    kind, namespace_of(obj), name_of(obj), Deletion(propagation="Background", grace_seconds=1)
                )
        if not any(True for _ in self._registry.cluster.contents(name_of(namespace))):
            self._registry.cluster.remove(NAMESPACE, {**namespace, "spec": {}})
        return None


def furnish(registry: Registry, namespace: str) -> None:
    """What every namespace has, and gets back when it is deleted."""
    if registry.cluster.get(SERVICE_ACCOUNT, namespace, "default") is None:
        registry.create(SERVICE_ACCOUNT, namespace, {"metadata": {"name": "default"}}, Write())
    if registry.cluster.get(CONFIG_MAP, namespace, ROOT_CERTIFICATE) is None:
        body = {"metadata": {"name": ROOT_CERTIFICATE}, "data": {"ca.crt": "the sandbox's ca.crt file"}}
        registry.create(CONFIG_MAP, namespace, body, Write())


class NodePods:
    """Removes the pods of a node that has gone, so that their owners replace them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is NODE and change.type is EventType.DELETED:
            yield key_of(change.obj)
        elif change.kind is POD and change.type is EventType.ADDED and change.obj["spec"].get("nodeName"):
            yield "", change.obj["spec"]["nodeName"]

    def reconcile(self, key: Key) -> float | None:
        if self._registry.cluster.get(NODE, *key) is None:
            for pod in self._registry.cluster.objects(POD):
                if pod["spec"].get("nodeName") == key[1]:
                    self._registry.delete(POD, namespace_of(pod), name_of(pod), Deletion(grace_seconds=0))
        return None
