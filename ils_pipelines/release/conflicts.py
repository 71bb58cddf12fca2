"""Fields that somebody else manages: who, and whether that somebody is another part of this product."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.errors import ApiFailure
from ils_pipelines.release.names import FIELD_MANAGER, MANAGED_BY, REPLICAS_MANAGER
from ils_pipelines.release.objects import AUTOSCALER, Ref

_QUOTED = re.compile(r'"([^"]+)"')
_AUTOSCALING = "kube-controller-manager (scale)"
_REPLICAS = "spec.replicas"


def conflicts_of(failure: ApiFailure) -> dict[str, tuple[str, ...]]:
    """Fields by their manager, as the server's answer names them; empty when it is about something else."""
    conflicts: dict[str, tuple[str, ...]] = {}
    for cause in failure.details.get("causes", ()):
        if cause.get("reason") == "FieldManagerConflict":
            named = _QUOTED.findall(cause["message"])
            manager = " ".join([*named[:1], *(f"({subresource})" for subresource in named[1:])])
            conflicts[manager] = (*conflicts.get(manager, ()), cause["field"].removeprefix("."))
    return conflicts


def made_by_us(cluster: Cluster, ref: Ref, conflicts: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the fields were set by a scaling job, or by an autoscaler of ours: they may be taken back."""
    if not conflicts:
        return False
    others = {manager: fields for manager, fields in conflicts.items() if manager != REPLICAS_MANAGER}
    if not others:
        return True
    if others != {_AUTOSCALING: (_REPLICAS,)}:
        return False
    # One of ours leaves with the release that says the number itself.
    foreign = [each for each in cluster.find(AUTOSCALER, {}, ref.namespace) if not _ours(each)]
    return ref.name not in [each["spec"]["scaleTargetRef"]["name"] for each in foreign]


def _ours(body: Object) -> bool:
    return bool(body["metadata"].get("labels", {}).get(MANAGED_BY) == FIELD_MANAGER)
