"""The layer `app_release`: the application on the environment's cluster, fed with what the layers below it put out."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.models import UNKNOWN, Drift, LockHolder, Outputs, Plan, UpResult
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.provisioning.estimate import Resource
from ils_pipelines.provisioning.layers import upstream_outputs
from ils_pipelines.release.app import AppRelease
from ils_pipelines.release.manifests import manifests
from ils_pipelines.release.plan import PROJECT, Survey
from ils_pipelines.release.settings import CacheEndpoint, DatabaseEndpoint, RolloutLimits, TargetGroup, release_of
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target

DATABASE_URL = "DATABASE_URL"
REDIS_AUTH_TOKEN = "REDIS_AUTH_TOKEN"  # noqa: S105 the name of a variable

_UNKNOWN_SECRETS = {DATABASE_URL: UNKNOWN, REDIS_AUTH_TOKEN: UNKNOWN}
_UNKNOWN_DATABASE = DatabaseEndpoint(UNKNOWN, 5432, UNKNOWN)
_UNKNOWN_CACHE = CacheEndpoint(UNKNOWN, 6379)
_UNKNOWN_TARGETS = TargetGroup(UNKNOWN, UNKNOWN)


class NotReady(EngineError):
    """Something that the release is made from is not there."""


class ReleaseLayer:
    """The work on the application's release.

    Secrets are read from Secrets Manager at the moment of use, with the target's own client, and go nowhere but into the
    cluster: not through Dagster, not into a checkpoint.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._environment = target.environment
        self._below = upstream_outputs(target, Layer.APP_RELEASE)

    def preview(self, *, on_event: OnEvent = ignore_events) -> Plan:  # noqa: ARG002 a preview is over at once
        if self._cluster_name is None:
            return self._of_nothing().plan()
        if self._missing():
            return self._without_values(self._cluster_name).preview()
        return self._release(self._cluster_name).preview()

    def up(
        self,
        *,
        approved: Plan | None = None,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        """Raises `NotReady` unless the layers below exist."""
        if missing := self._missing():
            raise NotReady(
                f"the release needs {', '.join(missing)}, which {'do' if len(missing) > 1 else 'does'} not exist yet. "
                "Provision what is missing first."
            )
        return self._release(self._cluster_name or "").up(approved=approved, on_event=on_event, cancel=cancel)

    def destroy(self, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None) -> UpResult:
        if self._cluster_name is None:
            nothing = timedelta(0)
            return UpResult(
                project=PROJECT, stack=self._environment.name, applied=(), unchanged=0, outputs={}, duration=nothing
            )
        return self._without_values(self._cluster_name).destroy(on_event=on_event, cancel=cancel)

    def refresh(self, *, on_event: OnEvent = ignore_events) -> Drift:  # noqa: ARG002 likewise
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
        return missing

    def _value(self, layer: Layer, name: str) -> Any:
        return (self._below[layer] or {})[name].value

    def _of_nothing(self) -> Survey:
        """What would be released into a cluster that does not exist yet."""
        release = release_of(
            self._environment, _UNKNOWN_SECRETS, _UNKNOWN_DATABASE, _UNKNOWN_CACHE, RolloutLimits(), _UNKNOWN_TARGETS
        )
        return Survey(self._environment.name, manifests(release), {})

    def _without_values(self, cluster: str) -> AppRelease:
        """For what does not depend on the values of the layers below."""
        return AppRelease(
            self._target.kubernetes(cluster),
            self._environment,
            _UNKNOWN_SECRETS,
            database=_UNKNOWN_DATABASE,
            cache=_UNKNOWN_CACHE,
            target_group=_UNKNOWN_TARGETS,
        )

    def _release(self, cluster: str) -> AppRelease:
        database = DatabaseEndpoint(
            self._value(Layer.DATABASE, "endpoint"),
            int(self._value(Layer.DATABASE, "port")),
            self._value(Layer.DATABASE, "database_name"),
        )
        cache = CacheEndpoint(
            self._value(Layer.CACHE, "primary_endpoint"),
            int(self._value(Layer.CACHE, "port")),
        )
        targets = TargetGroup(
            self._value(Layer.LOAD_BALANCER, "target_group_arn"), self._value(Layer.LOAD_BALANCER, "vpc_id")
        )
        with ThreadPoolExecutor(3) as pool:
            client = pool.submit(self._target.kubernetes, cluster)
            master = pool.submit(self._secret, self._value(Layer.DATABASE, "master_secret_arn"))
            token = pool.submit(self._secret, self._value(Layer.CACHE, "auth_token_secret_arn"))
            secrets = {
                DATABASE_URL: database_url(database, json.loads(master.result())),
                REDIS_AUTH_TOKEN: token.result(),
            }
            return AppRelease(
                client.result(), self._environment, secrets, database=database, cache=cache, target_group=targets
            )

    def _secret(self, arn: str) -> str:
        """The string of a secret. Raises `NotReady`, which says nothing of it."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return str(self._target.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        except (BotoCoreError, ClientError, KeyError) as error:
            raise NotReady(
                f"the release needs the secret {arn}, which could not be read ({error}). Check that the layer that made "
                "it is up, and that these credentials may read it."
            ) from error


_NEEDED: Mapping[Layer, tuple[str, ...]] = {
    Layer.CLUSTER: ("cluster_name",),
    Layer.DATABASE: ("endpoint", "port", "database_name", "master_secret_arn"),
    Layer.CACHE: ("primary_endpoint", "port", "auth_token_secret_arn"),
    Layer.LOAD_BALANCER: ("target_group_arn", "vpc_id"),
}


def database_url(database: DatabaseEndpoint, login: Mapping[str, str]) -> str:
    """A libpq URL with TLS required; user name and password may hold any character."""
    user, password = (quote(login[key], safe="") for key in ("username", "password"))
    return f"postgresql://{user}:{password}@{database.host}:{database.port}/{quote(database.name, safe='')}?sslmode=require"
