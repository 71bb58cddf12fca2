"""CustomResourceDefinitions: their kinds are served from the start, which is told; with one go the objects of its kind."""

from __future__ import annotations

from collections.abc import Iterable

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.controllers.ownership import condition, terminating
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.custom_kinds import kind_of, stored_version
from ils_sandbox.kubernetes.kinds import CUSTOM_RESOURCE_DEFINITION
from ils_sandbox.kubernetes.registry import Deletion, Registry
from ils_sandbox.kubernetes.store import Change, EventType, name_of, namespace_of

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
_CONDITIONS = (
    ("NamesAccepted", "NoConflicts", "no conflicts found"),
    ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
)


class CustomDefinitions:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is CUSTOM_RESOURCE_DEFINITION:
            yield key_of(change.obj)
        elif change.kind.custom and change.type is EventType.DELETED:
            yield "", change.kind.definition

    def reconcile(self, key: Key) -> float | None:
        definition = self._registry.cluster.get(CUSTOM_RESOURCE_DEFINITION, *key)
        if definition is None:
            return None
        finalizers = definition["metadata"].get("finalizers", [])
        if terminating(definition):
            left = self._registry.cluster.objects(kind_of(definition))
            for obj in left:
                if not terminating(obj):
                    self._registry.delete(kind_of(definition), namespace_of(obj), name_of(obj), Deletion())
            if not self._registry.cluster.objects(kind_of(definition)) and FINALIZER in finalizers:
                kept = [each for each in finalizers if each != FINALIZER]
                changed = {"metadata": {"finalizers": kept or None}}
                self._registry.change(CUSTOM_RESOURCE_DEFINITION, definition, changed)
            return None
        if FINALIZER not in finalizers:
            changed = {"metadata": {"finalizers": [*finalizers, FINALIZER]}}
            definition = self._registry.change(CUSTOM_RESOURCE_DEFINITION, definition, changed)
        if condition(definition, "Established") is None:
            now = clock.now()
            status = {
                "acceptedNames": definition["spec"]["names"],
                "storedVersions": [stored_version(definition)["name"]],
                "conditions": [
                    {"type": kind, "status": "True", "reason": reason, "message": text, "lastTransitionTime": now}
                    for kind, reason, text in _CONDITIONS
                ],
            }
            self._registry.set_status(CUSTOM_RESOURCE_DEFINITION, definition, status)
        return None
