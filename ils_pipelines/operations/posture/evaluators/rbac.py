"""Roles of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live
from ils_pipelines.operations.posture.evaluators.pods import SYSTEM_NAMESPACES
from ils_pipelines.operations.posture.models import Observation
from ils_pipelines.release.objects import Kind

_ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")


def wildcards(live: Live) -> Iterator[Observation]:
    for role in live.objects(_ROLE):
        metadata = role["metadata"]
        if metadata["namespace"].startswith(SYSTEM_NAMESPACES):
            continue
        wide = [
            f"{field} of rule {number}"
            for number, rule in enumerate(role.get("rules") or (), start=1)
            for field in ("apiGroups", "resources", "verbs")
            if "*" in rule.get(field, ())
        ]
        name = f"Role {metadata['namespace']}/{metadata['name']}"
        yield Observation(name, "no * in its rules", ", ".join(wide) or "none", holds=not wide)
