"""The scale subresource: an `autoscaling/v1` Scale in front of an object's replicas."""

from __future__ import annotations

from typing import Any

from ils_sandbox.kubernetes import patches, statuses
from ils_sandbox.kubernetes.kinds import SCALE, Kind
from ils_sandbox.kubernetes.registry import Registry, Write
from ils_sandbox.kubernetes.store import Object, name_of, namespace_of


def scale_of(obj: Object) -> Object:
    metadata = obj["metadata"]
    labels = obj["spec"]["selector"].get("matchLabels", {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        },
        "spec": {"replicas": obj["spec"]["replicas"]},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in labels.items()),
        },
    }


def set_scale(registry: Registry, kind: Kind, live: Object, scale: Any, write: Write) -> Object:
    """Write the replicas of a Scale. Raises a 400 when it has none, a 409 when it is stale."""
    replicas = scale.get("spec", {}).get("replicas", 0) if isinstance(scale, dict) else None
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise statuses.bad_request("a Scale has spec.replicas, an integer")
    metadata: dict[str, Any] = {**live["metadata"]}
    metadata["resourceVersion"] = scale.get("metadata", {}).get("resourceVersion") or metadata["resourceVersion"]
    changed = {**live, "metadata": metadata, "spec": {**live["spec"], "replicas": replicas}}
    return scale_of(registry.update(kind, namespace_of(live), name_of(live), changed, write, SCALE))


def patch_scale(registry: Registry, kind: Kind, live: Object, media_type: str, patch: Any, write: Write) -> Object:
    schema = registry.schema(kind).definitions.named("io.k8s.api.autoscaling.v1.Scale")
    if media_type == patches.APPLY_PATCH:
        media_type = patches.MERGE_PATCH
    scale = patches.patched(media_type, kind, schema, scale_of(live), patch)
    return set_scale(registry, kind, live, scale, write)
