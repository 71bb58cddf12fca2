"""What a release is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ils_pipelines.release.errors import ReleaseError

if TYPE_CHECKING:
    from ils_pipelines.settings.app import App
    from ils_pipelines.settings.environment import Environment

SERVICE_PORT = 5000
"""Where the application is reached inside the cluster, whatever port its container listens on."""
LONGEST_LABEL = 63
DIGEST_LENGTH = 32
"""Hex digits of a shown digest: enough to tell values apart, a part of the hash only."""


@dataclass(frozen=True)
class DatabaseEndpoint:
    """Where the application finds its database. The credentials are in the secret `DATABASE_URL`."""

    host: str
    port: int
    name: str


@dataclass(frozen=True)
class CacheEndpoint:
    """Where the application finds Redis, over TLS. The token is the secret `REDIS_AUTH_TOKEN`."""

    host: str
    port: int


@dataclass(frozen=True)
class TargetGroup:
    """Where a load balancer looks for the application's pods."""

    arn: str
    vpc_id: str


@dataclass(frozen=True)
class RolloutLimits:
    """How long a rollout may take."""

    deadline: timedelta = timedelta(minutes=5)
    """Without any progress; the deployment's own progress deadline, in whole seconds."""
    patience: timedelta = timedelta(seconds=30)
    """With a new pod that cannot start for a reason that rarely mends itself: an image that cannot be pulled, say."""
    binding: timedelta = timedelta(minutes=2)
    """Until the load balancer knows the pods: seconds mostly, half a minute when the controller has just started."""

    @classmethod
    def of(cls, app: App) -> RolloutLimits:
        """As the environment's file says."""
        rollout = app.rollout
        return cls(timedelta(seconds=rollout.deadline_seconds), timedelta(seconds=rollout.patience_seconds))


@dataclass(frozen=True)
class Surroundings:
    """Where in the network the application's neighbours are."""

    load_balancer_cidrs: tuple[str, ...]
    data_cidrs: tuple[str, ...]
    """Of the database and the cache."""
    database_port: int
    cache_port: int


@dataclass(frozen=True)
class Release:
    """Everything that the manifests depend on."""

    environment: str
    app: App
    network: Surroundings
    config: Mapping[str, str]
    """Environment variables that may be read by anybody who may look at the cluster."""
    secrets: Mapping[str, str] = field(repr=False)
    """Environment variables that may not."""
    kubernetes_version: str
    """Of the cluster, e.g. `1.35`."""
    progress_deadline: timedelta = RolloutLimits.deadline
    target_group: TargetGroup | None = None
    """None for an application that no load balancer leads to."""
    canary_group: TargetGroup | None = None
    """Of new pods that are being tried, where the load balancer says how many requests they get."""

    @property
    def namespace(self) -> str:
        return self.app.namespace

    @property
    def version(self) -> str:
        """The tag of the image, or the beginning of its digest, as far as it can be the value of a label."""
        name, _, image_digest = self.app.image.partition("@sha256:")
        tag = name.rsplit("/", 1)[-1].partition(":")[2] or image_digest[:12]
        return tag[:LONGEST_LABEL].strip("-_.")


def release_of(
    environment: Environment,
    secrets: Mapping[str, str],
    database: DatabaseEndpoint,
    cache: CacheEndpoint,
    limits: RolloutLimits | None = None,
    target_group: TargetGroup | None = None,
    canary_group: TargetGroup | None = None,
) -> Release:
    """The release that an environment's file asks for. Raises `ReleaseError` when a variable is set twice."""
    from ils_pipelines.release.manifests.tracing import tracing_variables

    app = environment.app
    own = {
        "ENVIRONMENT": environment.name,
        "NODE_ENV": str(app.node_env),
        "LOG_LEVEL": str(app.log_level),
        "PORT": str(app.port),
        "LIMS_ENDPOINT": app.lims_endpoint,
        "AUTH_PROVIDER": str(app.auth_provider),
        "DATABASE_HOST": database.host,
        "DATABASE_PORT": str(database.port),
        "DATABASE_NAME": database.name,
        "REDIS_HOST": cache.host,
        "REDIS_PORT": str(cache.port),
        "REDIS_TLS": "true",
        **tracing_variables(environment),
    }
    twice = sorted(app.extra_env.keys() & (own.keys() | secrets.keys()))
    if twice:
        raise ReleaseError(
            f"app.extra_env of environment {environment.name} sets {', '.join(twice)}, which the release sets itself. "
            "Take it out of extra_env; what the release sets follows from the other settings."
        )
    return Release(
        environment=environment.name,
        app=app,
        network=Surroundings(
            load_balancer_cidrs=tuple(str(cidr) for cidr in environment.network.public_subnets),
            data_cidrs=tuple(str(cidr) for cidr in environment.network.private_subnets),
            database_port=environment.database.port,
            cache_port=environment.cache.port,
        ),
        config={**own, **app.extra_env},
        secrets=dict(secrets),
        kubernetes_version=environment.cluster.version,
        progress_deadline=(limits or RolloutLimits.of(app)).deadline,
        target_group=target_group,
        canary_group=canary_group,
    )


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def content_digest(values: Mapping[str, str]) -> str:
    """A digest of names and values that a Helm template can compute as well."""
    lines = (f"{name}={hashlib.sha256(value.encode()).hexdigest()}\n" for name, value in sorted(values.items()))
    return digest("".join(lines))
