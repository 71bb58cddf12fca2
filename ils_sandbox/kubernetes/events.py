"""Events: what controllers say about objects, as `kubectl describe` shows it."""

from __future__ import annotations

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.kinds import EVENT, NAMESPACE, Kind
from ils_sandbox.kubernetes.registry import Registry, Write, suffix
from ils_sandbox.kubernetes.store import Object, name_of, namespace_of

MOST_EVENTS = 500
"""Of one namespace; the oldest go first. A real cluster drops them after an hour."""


class Recorder:
    """Writes events under the name of one component. An event that happens again is counted, not repeated."""

    def __init__(self, registry: Registry, component: str) -> None:
        self._registry = registry
        self._component = component

    def normal(self, kind: Kind, obj: Object, reason: str, message: str) -> None:
        self._record("Normal", kind, obj, reason, message)

    def warning(self, kind: Kind, obj: Object, reason: str, message: str) -> None:
        self._record("Warning", kind, obj, reason, message)

    def _record(self, event_type: str, kind: Kind, obj: Object, reason: str, message: str) -> None:
        namespace = namespace_of(obj) or "default"
        cluster = self._registry.cluster
        home = cluster.get(NAMESPACE, "", namespace)
        if home is None or "deletionTimestamp" in home["metadata"]:
            return
        now = clock.now()
        uid = obj["metadata"]["uid"]
        events = cluster.objects(EVENT, namespace)
        for event in events:
            same = event["involvedObject"].get("uid") == uid and event.get("reason") == reason
            if same and event.get("message") == message:
                self._registry.change(EVENT, event, {"count": event.get("count", 1) + 1, "lastTimestamp": now})
                return
        for surplus in sorted(events, key=lambda event: event["metadata"]["creationTimestamp"])[: -MOST_EVENTS + 1]:
            cluster.remove(EVENT, surplus)
        self._registry.create(
            EVENT,
            namespace,
            {
                "metadata": {"name": f"{name_of(obj)}.{suffix(16)}"},
                "involvedObject": {
                    "apiVersion": kind.api_version,
                    "kind": kind.kind,
                    "name": name_of(obj),
                    "namespace": namespace_of(obj),
                    "uid": uid,
                    "resourceVersion": obj["metadata"].get("resourceVersion", ""),
                },
                "type": event_type,
                "reason": reason,
                "message": message,
                "count": 1,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "source": {"component": self._component},
                "reportingComponent": self._component,
                "reportingInstance": "",
            },
            Write(manager=self._component),
        )
