"""The namespace, and what may be used in it."""

from __future__ import annotations

from ils_pipelines.release.manifests.parts import manifest
from ils_pipelines.release.names import APP_NAME
from ils_pipelines.release.objects import LIMIT_RANGE, NAMESPACE, RESOURCE_QUOTA, Manifest
from ils_pipelines.release.settings import Release


def namespace(release: Release) -> Manifest:
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return manifest(release, NAMESPACE, release.namespace, {}, labels=levels)


def resource_quota(release: Release) -> Manifest:
    quota = release.app.quota
    hard = {
        "pods": str(quota.pods),
        "requests.cpu": quota.cpu_requests,
        "requests.memory": quota.memory_requests,
        "limits.cpu": quota.cpu_limits,
        "limits.memory": quota.memory_limits,
        # Nothing here opens a way in from outside the cluster but the load balancer's target group.
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    return manifest(release, RESOURCE_QUOTA, APP_NAME, {"spec": {"hard": hard}})


def limit_range(release: Release) -> Manifest:
    """Requests and limits for containers that name none: the quota admits no pod without them."""
    resources = release.app.resources
    limits = {
        "type": "Container",
        "defaultRequest": {"cpu": resources.cpu_request, "memory": resources.memory_request},
        "default": {"cpu": resources.cpu_limit, "memory": resources.memory_limit},
    }
    return manifest(release, LIMIT_RANGE, APP_NAME, {"spec": {"limits": [limits]}})
