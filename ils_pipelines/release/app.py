"""The release of the application in one environment, with the methods of an engine's stack."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ils_pipelines.engine.covering import covers
from ils_pipelines.engine.errors import PlanMismatch
from ils_pipelines.engine.models import Drift, OutputValue, Plan, UpResult
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.release.apply import Applier
from ils_pipelines.release.binding import wait_until_bound
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.errors import KindNotServed
from ils_pipelines.release.manifests import manifests
from ils_pipelines.release.objects import DEPLOYMENT, TARGET_GROUP_BINDING, Kind, Ref
from ils_pipelines.release.plan import PROJECT, Survey, survey
from ils_pipelines.release.rollout import wait_for_rollout
from ils_pipelines.release.settings import (
    APP_NAME,
    CacheEndpoint,
    DatabaseEndpoint,
    RolloutLimits,
    TargetGroup,
    release_of,
)

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment

_REVISION = "deployment.kubernetes.io/revision"


class AppRelease:
    """What `environment` says about the application, on the cluster behind `api_client`.

    `api_client` is a `kubernetes.client.ApiClient`. `secrets` are environment variables of the application; their values
    are written to a Secret and shown nowhere. Every method raises `ReleaseError` or another `EngineError`.
    """

    def __init__(
        self,
        api_client: Any,
        environment: Environment,
        secrets: Mapping[str, str],
        *,
        database: DatabaseEndpoint,
        cache: CacheEndpoint,
        target_group: TargetGroup | None = None,
        limits: RolloutLimits = RolloutLimits(),  # noqa: B008 frozen
    ) -> None:
        self._cluster = Cluster(api_client)
        self._release = release_of(environment, secrets, database, cache, limits, target_group)
        self._manifests = manifests(self._release)
        self._limits = limits

    @property
    def _deployment(self) -> Ref:
        return self._ref(DEPLOYMENT)

    def _ref(self, kind: Kind) -> Ref:
        return Ref(kind.api_version, kind.kind, self._release.namespace, APP_NAME)

    def preview(self) -> Plan:
        """What `up` would do. Reads only."""
        return self._survey().plan()

    def up(
        self,
        *,
        approved: Plan | None = None,
        force: bool = False,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        """Apply what differs, remove what left the release, and wait until the application is healthy.

        Makes no mutating call when nothing differs; the application must be healthy all the same. With `approved`, raises
        `PlanMismatch`, changing nothing, unless that covers what would be done. Raises `FieldConflict` when somebody else
        manages a field that would change, unless `force` takes it over, `KindNotServed`, `RolloutFailed` and `NotBound`.
        """
        started = time.monotonic()
        found = self._survey()
        plan = found.plan()
        if approved is not None and not covers(approved, plan):
            raise PlanMismatch(approved, plan)
        for manifest in self._manifests:
            if manifest.kind in found.unserved:
                raise KindNotServed(manifest.kind.kind, manifest.kind.api_version)
        cancelled = cancel or threading.Event()
        applier = Applier(self._cluster, found, on_event, cancelled, self._release.secrets, force)
        applied = applier.up()
        deployment = wait_for_rollout(
            self._cluster,
            self._deployment,
            self._deployment.urn(self._release.environment),
            self._limits,
            note=applier.note,
            cancel=cancelled,
        )
        if self._release.target_group is not None:
            binding = self._ref(TARGET_GROUP_BINDING)
            urn = binding.urn(self._release.environment)
            wait_until_bound(
                self._cluster, binding, urn, patience=self._limits.binding, note=applier.note, cancel=cancelled
            )
        return UpResult(
            project=PROJECT,
            stack=self._release.environment,
            applied=tuple(applied),
            unchanged=plan.unchanged,
            outputs=self._outputs(deployment),
            duration=timedelta(seconds=time.monotonic() - started),
        )

    def destroy(self, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None) -> UpResult:
        """Remove everything of the environment's release, its namespace last, and wait until it is gone."""
        started = time.monotonic()
        found = survey(self._cluster, self._release.environment, ())
        applier = Applier(self._cluster, found, on_event, cancel or threading.Event(), self._release.secrets)
        applied = applier.remove(found.surplus)
        return UpResult(
            project=PROJECT,
            stack=self._release.environment,
            applied=tuple(applied),
            unchanged=0,
            outputs={},
            duration=timedelta(seconds=time.monotonic() - started),
        )

    def refresh(self) -> Drift:
        """What is not as the last release left it. Reads only."""
        return self._survey().drift()

    def outputs(self) -> Mapping[str, OutputValue] | None:
        """Where and what the released application is; None when it is not released."""
        deployment = self._cluster.get(self._deployment)
        return None if deployment is None else self._outputs(deployment)

    def _survey(self) -> Survey:
        return survey(self._cluster, self._release.environment, self._manifests)

    def _outputs(self, deployment: Object) -> dict[str, OutputValue]:
        namespace = self._release.namespace
        values = {
            "namespace": namespace,
            "deployment": APP_NAME,
            "service": APP_NAME,
            "service_host": f"{APP_NAME}.{namespace}.svc.cluster.local",
            "service_port": 5000,
            "image": deployment["spec"]["template"]["spec"]["containers"][0]["image"],
            "replicas": deployment["spec"]["replicas"],
            "revision": deployment["metadata"].get("annotations", {}).get(_REVISION, ""),
        }
        return {name: OutputValue(value=value) for name, value in values.items()}
