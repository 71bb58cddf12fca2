"""What a release is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ils_pipelines.release.errors import ReleaseError

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment

APP_NAME = "ils"
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


@dataclass(frozen=True)
class Release:
    """Everything that the manifests depend on."""

    environment: str
    namespace: str
    image: str
    replicas: int
    port: int
    config: Mapping[str, str]
    """Environment variables that may be read by anybody who may look at the cluster."""
    secrets: Mapping[str, str] = field(repr=False)
    """Environment variables that may not."""
    progress_deadline: timedelta = RolloutLimits.deadline
    target_group: TargetGroup | None = None
    """None for an application that no load balancer leads to."""

    @property
    def version(self) -> str:
        """The tag of the image, or the beginning of its digest, as far as it can be the value of a label."""
        name, _, digest = self.image.partition("@sha256:")
        tag = digest[:12] if digest else name.rsplit("/", 1)[-1].partition(":")[2]
        return tag[:LONGEST_LABEL].strip("-_.")


def release_of(
    environment: Environment,
    secrets: Mapping[str, str],
    database: DatabaseEndpoint,
    cache: CacheEndpoint,
    limits: RolloutLimits,
    target_group: TargetGroup | None = None,
) -> Release:
    """The release that an environment's file asks for. Raises `ReleaseError` when a variable is set twice."""
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
    }
    twice = sorted(app.extra_env.keys() & (own.keys() | secrets.keys()))
    if twice:
        raise ReleaseError(
            f"app.extra_env of environment {environment.name} sets {', '.join(twice)}, which the release sets itself. "
            "Take it out of extra_env; what the release sets follows from the other settings."
        )
    return Release(
        environment=environment.name,
        namespace=app.namespace,
        image=app.image,
        replicas=app.replicas,
        port=app.port,
        config={**own, **app.extra_env},
        secrets=dict(secrets),
        progress_deadline=limits.deadline,
        target_group=target_group,
    )


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
