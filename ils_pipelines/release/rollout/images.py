"""Which image really runs."""

from __future__ import annotations

from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.names import APP_NAME
from ils_pipelines.release.objects import POD


def image_digest_of(cluster: Cluster, deployment: Object) -> str:
    """`sha256:…` of what the deployment's pods run by the kubelet's word; empty when it has not said so of any."""
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    pinned = image.partition("@")[2]
    if pinned:
        return str(pinned)
    labels = deployment["spec"]["selector"]["matchLabels"]
    for pod in cluster.find(POD, labels, deployment["metadata"]["namespace"]):
        for status in pod.get("status", {}).get("containerStatuses", ()):
            if status["name"] == APP_NAME and status["image"] == image and "@" in status.get("imageID", ""):
                return str(status["imageID"].partition("@")[2])
    return ""
