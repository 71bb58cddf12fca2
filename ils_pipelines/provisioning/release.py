"""The layer `app_release`: the application on the environment's cluster, fed with what the layers below it put out."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from ils_pipelines.engine.models import UNKNOWN, Drift, EngineEvent, EventKind, LockHolder, Outputs, Plan, UpResult
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.provisioning.application_secrets import UNKNOWN_SECRETS, NotReady, read_secrets
from ils_pipelines.provisioning.code_version import environment_file_hash
from ils_pipelines.provisioning.estimate import Resource
from ils_pipelines.provisioning.layers import upstream_outputs
from ils_pipelines.provisioning.serving import serving
from ils_pipelines.release.app import AppRelease
from ils_pipelines.release.canary.checks import Check, WithinMeasures, checks_of
from ils_pipelines.release.canary.traffic import Traffic
from ils_pipelines.release.history.store import History
from ils_pipelines.release.manifests import manifests
from ils_pipelines.release.plan import PROJECT, Survey
from ils_pipelines.release.settings import CacheEndpoint, DatabaseEndpoint, Release, TargetGroup, release_of
from ils_pipelines.settings.canary import CloudWatchCheck
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target

_UNKNOWN_DATABASE = DatabaseEndpoint(UNKNOWN, 5432, UNKNOWN)
_UNKNOWN_CACHE = CacheEndpoint(UNKNOWN, 6379)
_UNKNOWN_TARGETS = TargetGroup(UNKNOWN, UNKNOWN)


class ReleaseLayer:
    """The work on the application's release."""

    def __init__(self, target: Target, *, take_over: bool = False) -> None:
        self._target = target
        self._take_over = take_over
        self._environment = target.environment
        self._below = serving(target, upstream_outputs(target, Layer.APP_RELEASE))

    def preview(self, *, on_event: OnEvent = ignore_events) -> Plan:  # noqa: ARG002 a preview is over at once
        if self._cluster_name is None:
            return self._of_nothing().plan()
        if self._missing():
            return self._without_values(self._cluster_name).preview()
        return self._release().preview()

    def up(
        self,
        *,
        approved: Plan | None = None,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        """Raises `NotReady` unless the layers below exist."""
        return self._release(on_event).up(approved=approved, force=self._take_over, on_event=on_event, cancel=cancel)

    def rollback(
        self,
        to: int | None,
        *,
        reason: str,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        """Release an earlier release again: code and configuration, with the secrets that hold now. Likewise."""
        return self._release(on_event).rollback(to, reason=reason, on_event=on_event, cancel=cancel)

    def history(self) -> History:
        """The releases that are kept, the newest first; none where there is no cluster."""
        if self._cluster_name is None:
            return History(self._environment.name, ())
        return self._without_values(self._cluster_name).history()

    def described(self) -> Release:
        """What is released, as far as the layers below tell: what does not exist yet is unknown."""
        values = UNKNOWN_SECRETS if self._missing() else read_secrets(self._target, self.database, self._value).values
        return release_of(self._environment, values, self.database, self.cache, target_group=self.target_group)

    def destroy(self, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None) -> UpResult:
        if self._cluster_name is None:
            nothing = timedelta(0)
            return UpResult(
                project=PROJECT, stack=self._environment.name, applied=(), unchanged=0, outputs={}, duration=nothing
            )
        return self._without_values(self._cluster_name).destroy(on_event=on_event, cancel=cancel)

    def refresh(
        self,
        *,
        record: bool = False,  # noqa: ARG002 there is no record: an up compares with what is there, and puts it back
        on_event: OnEvent = ignore_events,  # noqa: ARG002 likewise
    ) -> Drift:
        if self._cluster_name is None:
            return Drift(project=PROJECT, stack=self._environment.name, checked=0, drifted=())
        return self._without_values(self._cluster_name).refresh()

    def outputs(self) -> Outputs | None:
        return self._without_values(self._cluster_name).outputs() if self._cluster_name else None

    def lock_holder(self) -> LockHolder | None:
        """Nobody: what Kubernetes is told by two at once, it is told one after the other."""
        return None

    def unlock(self, *, force: bool = False) -> LockHolder | None:  # noqa: ARG002 there is no lock
        return None

    def protected(self) -> tuple[str, ...]:
        return ()

    def resource_count(self) -> int:
        drift = self.refresh()
        return drift.checked - sum(1 for resource in drift.drifted if resource.missing)

    def resources(self) -> tuple[Resource, ...]:
        """None: what runs on the nodes is paid for with them."""
        return ()

    @property
    def _cluster_name(self) -> str | None:
        name = (self._below[Layer.CLUSTER] or {}).get("cluster_name")
        return str(name.value) if name else None

    def _missing(self) -> list[str]:
        """Layers, or outputs of them, that the release needs and that are not there."""
        missing = []
        for layer, names in _NEEDED.items():
            outputs = self._below[layer]
            if outputs is None:
                missing.append(f"the layer {layer}")
            else:
                missing += [f"the output {name} of {layer}" for name in names if name not in outputs]
        if not missing and self._environment.app.canary.by_load_balancer and self.canary_group is None:
            missing.append(f"the output canary_target_group_arn of {Layer.LOAD_BALANCER}")
        return missing

    def _value(self, layer: Layer, name: str) -> Any:
        return (self._below[layer] or {})[name].value

    def _of_nothing(self) -> Survey:
        """What would be released into a cluster that does not exist yet."""
        return Survey(self._environment.name, manifests(self.described()), {})

    def _without_values(self, cluster: str) -> AppRelease:
        """For what does not depend on the values of the layers below."""
        return AppRelease(
            self._target.kubernetes(cluster),
            self._environment,
            UNKNOWN_SECRETS,
            database=_UNKNOWN_DATABASE,
            cache=_UNKNOWN_CACHE,
            target_group=_UNKNOWN_TARGETS,
        )

    def _release(self, on_event: OnEvent = ignore_events) -> AppRelease:
        if missing := self._missing():
            raise NotReady(
                f"the release needs {', '.join(missing)}, which {'do' if len(missing) > 1 else 'does'} not exist yet. "
                "Provision what is missing first."
            )
        database, cache = self.database, self.cache
        with ThreadPoolExecutor(2) as pool:
            client = pool.submit(self._target.kubernetes, self._cluster_name or "")
            secrets = pool.submit(read_secrets, self._target, database, self._value).result()
            if secrets.missing:
                message = f"not put into Secrets Manager yet: {'; '.join(secrets.missing)}"
                on_event(
                    EngineEvent(kind=EventKind.NOTE, project=PROJECT, stack=self._environment.name, message=message)
                )
            return AppRelease(
                client.result(),
                self._environment,
                secrets.values,
                database=database,
                cache=cache,
                target_group=self.target_group,
                canary_group=self.canary_group,
                traffic=self._traffic,
                checks=checks_of(self._environment.app.canary, self._cloudwatch_check),
                environment_file=environment_file_hash(self._environment.name),
            )

    @property
    def database(self) -> DatabaseEndpoint:
        """Where the database is; unknown while there is none."""
        if self._below[Layer.DATABASE] is None:
            return _UNKNOWN_DATABASE
        return DatabaseEndpoint(
            self._value(Layer.DATABASE, "endpoint"),
            int(self._value(Layer.DATABASE, "port")),
            self._value(Layer.DATABASE, "database_name"),
        )

    @property
    def cache(self) -> CacheEndpoint:
        """Likewise, of the cache."""
        if self._below[Layer.CACHE] is None:
            return _UNKNOWN_CACHE
        return CacheEndpoint(
            self._value(Layer.CACHE, "primary_endpoint"),
            int(self._value(Layer.CACHE, "port")),
        )

    @property
    def target_group(self) -> TargetGroup:
        """Likewise, where the load balancer looks for the pods."""
        if self._below[Layer.LOAD_BALANCER] is None:
            return _UNKNOWN_TARGETS
        return TargetGroup(
            self._value(Layer.LOAD_BALANCER, "target_group_arn"), self._value(Layer.LOAD_BALANCER, "vpc_id")
        )

    @property
    def canary_group(self) -> TargetGroup | None:
        """Likewise, for the pods that are tried; None where their number weighs."""
        outputs = self._below[Layer.LOAD_BALANCER] or {}
        if not self._environment.app.canary.by_load_balancer or "canary_target_group_arn" not in outputs:
            return None
        arn = str(outputs["canary_target_group_arn"].value)
        return TargetGroup(arn, self._value(Layer.LOAD_BALANCER, "vpc_id")) if arn else None

    @property
    def _traffic(self) -> Traffic | None:
        group = self.canary_group
        if group is None:
            return None
        return Traffic(
            self._target.client("elbv2"),
            str(self._value(Layer.LOAD_BALANCER, "https_listener_arn")),
            self.target_group.arn,
            group.arn,
            self._environment.app.canary.pause_seconds,
        )

    def _cloudwatch_check(self, settings: CloudWatchCheck) -> Check:
        suffix = str(self._value(Layer.LOAD_BALANCER, "load_balancer_arn_suffix"))
        canary = str(self._value(Layer.LOAD_BALANCER, "canary_target_group_arn_suffix")) if self.canary_group else ""
        return WithinMeasures(settings, self._target.client("cloudwatch"), suffix, canary)


_NEEDED: Mapping[Layer, tuple[str, ...]] = {
    Layer.CLUSTER: ("cluster_name",),
    Layer.DATABASE: ("endpoint", "port", "database_name", "master_secret_arn"),
    Layer.CACHE: ("primary_endpoint", "port", "auth_token_secret_arn"),
    Layer.SECRETS: ("database_url_secret_arn", "auth_provider_secret_arn", "lims_api_key_secret_arn"),
    Layer.LOAD_BALANCER: ("load_balancer_arn_suffix", "target_group_arn", "vpc_id"),
}
