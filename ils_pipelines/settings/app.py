"""The application as an environment runs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.canary import Canary
from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.scaling import Autoscaling, OfficeHours
from ils_pipelines.settings.section import DnsLabel, Section, text
from ils_pipelines.settings.workload import LIVENESS, READINESS, PodResources, Probe, Quota, Rollout, Tracing

_TAG = r":\w[\w.-]{0,127}"
_DIGEST = r"@sha256:[0-9a-f]{64}"


class LogLevel(StrEnum):
    """What the application writes to its log."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class NodeEnv(StrEnum):
    """What the application's framework optimises for."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class AuthProvider(StrEnum):
    """Who signs users in."""

    COGNITO = "cognito"
    AUTH0 = "auth0"


EnvName = Annotated[
    str,
    text(
        r"[A-Za-z_][A-Za-z0-9_]*",
        "is not a name of an environment variable",
        "Use letters, digits and '_', not starting with a digit.",
    ),
]


Image = Annotated[
    str,
    text(
        rf"[^\s:@]+(:\d+)?(/[^\s:@]+)*({_TAG}|{_DIGEST}|{_TAG}{_DIGEST})",
        "names no tag or digest",
        'Write for example "registry/ils:1.4.2".',
    ),
    text(
        r"(?!.*:latest$).*",
        "is whatever was pushed last, which cannot be rolled back to",
        "Write a fixed tag or a digest.",
    ),
]
"""A container image that stays what it is."""


class App(Section):
    """What is released into the cluster."""

    image: Image = Field(default="ils/app:1.0.0", description="Container image with a fixed tag or digest.")
    promoted_from: str = Field(
        default="",
        description="Which release of which environment the image was promoted from; `ils promote` writes it.",
    )
    replicas: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        default=3, description="Pods; with autoscaling, those of the first release only."
    )
    port: Annotated[int, Field(strict=True, ge=1024, le=65535)] = Field(
        default=5000, description="Port the application listens on; above 1023, as it does not run as root."
    )
    node_env: NodeEnv = Field(default=NodeEnv.DEVELOPMENT, description="What the framework optimises for (NODE_ENV).")
    log_level: LogLevel = Field(default=LogLevel.INFO, description="What the application logs (LOG_LEVEL).")
    lims_endpoint: Annotated[
        str, text(r"https://[^\s]+", "is not an https address", 'Write for example "https://lims.example.com/api".')
    ] = Field(default="https://lims.example.com/api", description="Address of the LIMS provider's API.")
    auth_provider: AuthProvider = Field(default=AuthProvider.COGNITO, description="Who signs users in.")
    namespace: DnsLabel = Field(
        default="ils", description="Kubernetes namespace; an environment file that says none gets `ils-<environment>`."
    )
    extra_env: dict[EnvName, str] = Field(
        default_factory=dict,
        description="Further environment variables, none of them secret: they go into a ConfigMap.",
    )
    resources: PodResources = Field(default_factory=PodResources, description="What each pod may use.")
    liveness: Probe = Field(default=LIVENESS, description="When a pod is started anew.")
    readiness: Probe = Field(default=READINESS, description="When a pod gets requests.")
    rollout: Rollout = Field(default_factory=Rollout, description="How pods are replaced.")
    canary: Canary = Field(default_factory=Canary, description="Trying a release on a few pods first.")
    autoscaling: Autoscaling = Field(default_factory=Autoscaling, description="Whether pods follow the load.")
    office_hours: OfficeHours = Field(default_factory=OfficeHours, description="When the environment is needed.")
    min_available: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        default=1, description="Pods that stay while nodes are drained (PodDisruptionBudget)."
    )
    quota: Quota = Field(default_factory=Quota, description="The most that the namespace may use.")
    tracing: Tracing = Field(default_factory=Tracing, description="Distributed tracing.")
    scraping_namespaces: tuple[DnsLabel, ...] = Field(
        default=(), description="Namespaces whose pods may read the application's metrics, e.g. that of Prometheus."
    )
    service_account_role_arn: (
        Annotated[
            str,
            text(
                r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+",
                "is not the ARN of a role",
                'Write for example "arn:aws:iam::123456789012:role/ils-app".',
            ),
        ]
        | None
    ) = Field(default=None, description="IAM role of the pods, where AWS calls of theirs need one (IRSA).")

    @property
    def most_replicas(self) -> int:
        """The most pods of one release."""
        return self.autoscaling.max_replicas if self.autoscaling.enabled else self.replicas

    @property
    def fewest_replicas(self) -> int:
        return self.autoscaling.min_replicas if self.autoscaling.enabled else self.replicas


@rule(App, "replicas", "min_available", "autoscaling")
def _nodes_can_be_drained(app: App, _today: date) -> Iterator[Finding]:
    if app.min_available >= app.fewest_replicas and app.fewest_replicas > 1:
        yield Finding(
            ("min_available",),
            app.min_available,
            f"is all of the {app.fewest_replicas} pods, so that no node could ever be drained",
            f"Use {app.fewest_replicas - 1} or less.",
        )


@rule(App, "replicas", "autoscaling", "rollout", "resources", "quota")
def _quota_holds_a_rollout(app: App, _today: date) -> Iterator[Finding]:
    needed, room = app.most_replicas + app.rollout.max_surge, app.quota.room_for(app.resources)
    if needed > room:
        yield Finding(
            ("quota",),
            f"room for {room} pods",
            f"does not hold a rollout of {app.most_replicas} pods and {app.rollout.max_surge} more",
            "Raise what is too small in quota, or lower the pods.",
        )


@rule(App, "readiness", "rollout")
def _deadline_after_the_first_probe(app: App, _today: date) -> Iterator[Finding]:
    first = app.readiness.initial_delay_seconds
    if app.rollout.deadline_seconds <= first:
        yield Finding(
            ("rollout", "deadline_seconds"),
            app.rollout.deadline_seconds,
            f"is over before a pod is asked for the first time whether it is ready ({first} s)",
            "Use several times as much.",
        )
