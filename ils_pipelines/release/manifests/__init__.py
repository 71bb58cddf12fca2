"""The objects of a release: `manifests` gives all of them, each from the module of its concern."""

from __future__ import annotations

from collections.abc import Callable

from ils_pipelines.release.manifests.access import role, role_binding, service_account
from ils_pipelines.release.manifests.configuration import config_map, secret
from ils_pipelines.release.manifests.network import default_deny, network_policy, service, target_group_binding
from ils_pipelines.release.manifests.scaling import autoscaler, disruption_budget
from ils_pipelines.release.manifests.space import limit_range, namespace, resource_quota
from ils_pipelines.release.manifests.workload import deployment
from ils_pipelines.release.objects import Manifest
from ils_pipelines.release.settings import Release

PARTS: tuple[Callable[[Release], Manifest | None], ...] = (
    namespace,
    resource_quota,
    limit_range,
    service_account,
    config_map,
    secret,
    role,
    service,
    default_deny,
    network_policy,
    disruption_budget,
    role_binding,
    deployment,
    autoscaler,
    target_group_binding,
)
"""In the order in which they are applied. A part is None where the environment does not ask for it."""


def manifests(release: Release) -> tuple[Manifest, ...]:
    """All objects of a release, in the order in which they are applied."""
    return tuple(manifest for part in PARTS if (manifest := part(release)) is not None)
