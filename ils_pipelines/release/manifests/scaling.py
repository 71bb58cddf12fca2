"""How many pods there are, and how many of them stay while nodes are drained."""

from __future__ import annotations

from typing import Any

from ils_pipelines.release.manifests.parts import manifest
from ils_pipelines.release.names import APP_NAME, all_pods
from ils_pipelines.release.objects import AUTOSCALER, DEPLOYMENT, DISRUPTION_BUDGET, Manifest
from ils_pipelines.release.settings import Release


def autoscaler(release: Release) -> Manifest | None:
    scaling = release.app.autoscaling
    if not scaling.enabled:
        return None
    spec = {
        "scaleTargetRef": {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.kind, "name": APP_NAME},
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": [_utilization("cpu", scaling.cpu_percent), _utilization("memory", scaling.memory_percent)],
        "behavior": {
            "scaleDown": {"stabilizationWindowSeconds": scaling.scale_down_seconds},
            "scaleUp": {"stabilizationWindowSeconds": scaling.scale_up_seconds},
        },
    }
    return manifest(release, AUTOSCALER, APP_NAME, {"spec": spec})


def _utilization(resource: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}


def disruption_budget(release: Release) -> Manifest | None:
    """None for a single pod: a budget that keeps it would keep its node from ever being drained."""
    if release.app.fewest_replicas < 2:
        return None
    spec = {
        "minAvailable": release.app.min_available,
        "selector": {"matchLabels": all_pods(release.environment)},
        # A pod that is not healthy serves nobody: it must not hold up the drain of its node.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return manifest(release, DISRUPTION_BUDGET, APP_NAME, {"spec": spec})
