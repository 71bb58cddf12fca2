"""How many pods served while something went on, told by every change of every pod."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubernetes.client import CoreV1Api
from kubernetes.watch import Watch

from tests.release.site import Site

NAMESPACE = "ils-dev"


def fewest_ready(site: Site, during: Callable[[], object]) -> int:
    """The fewest pods that were ready, and not about to stop, at any moment of `during`."""
    api = CoreV1Api(site.api_client)
    before = api.list_namespaced_pod(NAMESPACE)
    ready = {pod.metadata.name for pod in before.items if _serves(pod)}
    counts = [len(ready)]
    during()
    # What happened since is told again, one change after the other.
    changes = Watch().stream(
        api.list_namespaced_pod,
        NAMESPACE,
        resource_version=before.metadata.resource_version,
        timeout_seconds=1,
    )
    for change in changes:
        pod = change["object"]
        if change["type"] != "DELETED" and _serves(pod):
            ready.add(pod.metadata.name)
        else:
            ready.discard(pod.metadata.name)
        counts.append(len(ready))
    assert len(counts) > 6, "no pod was replaced"
    return min(counts)


def _serves(pod: Any) -> bool:
    conditions = pod.status.conditions or ()
    ready = any(each.type == "Ready" and each.status == "True" for each in conditions)
    return ready and pod.metadata.deletion_timestamp is None
