"""Waiting until a deployment's pods are the new ones and serve, or saying why they do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.errors import RolloutFailed
from ils_pipelines.release.objects import Ref
from ils_pipelines.release.rollout.troubles import (
    FINAL,
    RARELY_MENDED,
    REMEDIES,
    PodTrouble,
    last_log_lines,
    troubles_of,
)
from ils_pipelines.release.settings import RolloutLimits

POLL_SECONDS = (0.05, 1.0)
"""The first wait between two looks, and the longest."""
GRACE = timedelta(seconds=15)
"""Longer than the deployment's own deadline, which is to speak first."""


@dataclass
class _Patience:
    """Since when each pod has had a trouble that rarely mends itself."""

    limit: timedelta
    since: dict[str, float] = field(default_factory=dict)

    def exhausted(self, troubles: list[PodTrouble]) -> bool:
        now = time.monotonic()
        stuck = {trouble.pod for trouble in troubles if trouble.reason in RARELY_MENDED}
        self.since = {pod: self.since.get(pod, now) for pod in stuck}
        limit = self.limit.total_seconds()
        return any(now - since >= limit for since in self.since.values())


def wait_for_rollout(
    cluster: Cluster,
    ref: Ref,
    urn: str,
    limits: RolloutLimits,
    *,
    note: Callable[[str], None],
    mask: Callable[[str], str],
    cancel: threading.Event,
) -> Object:
    """Return the deployment once it is complete. Raises `RolloutFailed` and `OperationCancelled`.

    Fails when the deployment says that its deadline is over, when a new pod cannot ever start, and when one has not been
    able to for longer than `limits.patience`. Old pods go on serving in all these cases. What containers wrote is shown
    as `mask` leaves it.
    """
    patience = _Patience(limits.patience)
    end = time.monotonic() + (limits.deadline + GRACE).total_seconds()
    wait, said = POLL_SECONDS[0], ""
    while True:
        deployment = cluster.get(ref)
        if deployment is None:
            raise RolloutFailed(urn, "it was deleted while it was rolled out", (), "Release it again.")
        progress = progress_of(deployment)
        if not progress:
            return deployment
        if progress != said:
            note(f"{ref}: {progress}")
            said = progress
        troubles = troubles_of(cluster, deployment)
        late = _deadline_exceeded(deployment) or time.monotonic() >= end
        if late or patience.exhausted(troubles) or any(trouble.reason in FINAL for trouble in troubles):
            raise _failed(cluster, urn, deployment, progress, troubles, mask)
        if cancel.wait(wait):
            raise OperationCancelled(f"stopped waiting for {ref}: {progress}. The rollout goes on in the cluster.")
        wait = min(wait * 1.5, POLL_SECONDS[1])


def progress_of(deployment: Object) -> str:
    """What is still to come; empty when the rollout is complete."""
    status = deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "waiting for the cluster to take notice"
    wanted = deployment["spec"]["replicas"]
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if updated < wanted:
        return f"{updated} of {wanted} pods are new"
    if total > updated:
        return f"{total - updated} old pods are still there"
    if available < updated:
        return f"{available} of {updated} new pods are available"
    return ""


def _deadline_exceeded(deployment: Object) -> bool:
    return any(
        found["type"] == "Progressing" and found.get("reason") == "ProgressDeadlineExceeded"
        for found in deployment.get("status", {}).get("conditions", ())
    )


def _failed(
    cluster: Cluster,
    urn: str,
    deployment: Object,
    progress: str,
    troubles: list[PodTrouble],
    mask: Callable[[str], str],
) -> RolloutFailed:
    remedies = dict.fromkeys(REMEDIES[trouble.reason] for trouble in troubles if trouble.reason in REMEDIES)
    advice = ". ".join(remedies) or "Look at the pods' events and logs"
    serving = deployment.get("status", {}).get("availableReplicas", 0)
    log = tuple(map(mask, last_log_lines(cluster, deployment["metadata"]["namespace"], troubles)))
    reasons = tuple(mask(str(trouble)) for trouble in troubles)
    return RolloutFailed(urn, progress, reasons, f"{serving} pods go on serving. {advice}, then release again.", log)
