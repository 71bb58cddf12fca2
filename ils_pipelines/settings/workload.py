"""The application's pods: what they may use, how they are watched, how they are replaced and traced."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.monitoring import COLLECTORS_NAMESPACE, TRACES_SERVICE
from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.quantities import Quantity, value_of
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.section import Count, Section, text

UrlPath = Annotated[str, text(r"/[^\s?#]*", "is not the path of an address", 'Write for example "/health".')]
PinnedImage = Annotated[
    str,
    text(
        r"[^\s:@]+(:\d+)?(/[^\s:@]+)*(:\w[\w.-]{0,127})?@sha256:[0-9a-f]{64}",
        "names no digest",
        'Write for example "registry/collector:1.0@sha256:…", the digest with 64 hexadecimal digits.',
    ),
]
Seconds = Annotated[int, Field(strict=True, ge=1, le=3600)]


class PodResources(Section):
    """What one container asks for, and what it is held to."""

    cpu_request: Quantity = Field(default="250m", description="CPU that is set aside for each pod.")
    memory_request: Quantity = Field(default="256Mi", description="Memory that is set aside for each pod.")
    cpu_limit: Quantity = Field(default="500m", description="CPU at which a pod is slowed down.")
    memory_limit: Quantity = Field(default="512Mi", description="Memory at which a pod is ended and started anew.")


@rule(PodResources, "cpu_request", "cpu_limit", "memory_request", "memory_limit")
def _requests_within_limits(resources: PodResources, _today: date) -> Iterator[Finding]:
    for name in ("cpu", "memory"):
        request, limit = getattr(resources, f"{name}_request"), getattr(resources, f"{name}_limit")
        if value_of(request) > value_of(limit):
            yield Finding(
                (f"{name}_request",),
                request,
                f"is more than {name}_limit ({limit})",
                f"Lower it, or raise {name}_limit.",
            )


class Probe(Section):
    """How the kubelet asks the application over HTTP whether it is well."""

    path: UrlPath = Field(description="Path that answers 200 when all is well.", examples=["/health"])
    initial_delay_seconds: Annotated[int, Field(strict=True, ge=0, le=3600)] = Field(
        description="Seconds after the start before the first question.", examples=[30]
    )
    period_seconds: Seconds = Field(default=10, description="Seconds between two questions.")
    timeout_seconds: Seconds = Field(default=5, description="Seconds to answer.")
    failures: Count = Field(default=3, description="Bad answers in a row that count.")


LIVENESS = Probe(path="/health", initial_delay_seconds=30)
READINESS = Probe(path="/ready", initial_delay_seconds=10, period_seconds=5, timeout_seconds=3)


class Rollout(Section):
    """How pods are replaced by those of a new release."""

    max_surge: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=1, description="Pods there may be above the number asked for."
    )
    max_unavailable: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=0, description="Pods that may be missing from the number asked for; 0 means no downtime."
    )
    deadline_seconds: Annotated[int, Field(strict=True, ge=10, le=3600)] = Field(
        default=300, description="Seconds without any progress after which a release has failed and is rolled back."
    )
    patience_seconds: Annotated[int, Field(strict=True, ge=1, le=3600)] = Field(
        default=30, description="Seconds a pod may be stuck in what rarely mends itself: no such image, a crash loop."
    )
    drain_seconds: Annotated[int, Field(strict=True, ge=0, le=300)] = Field(
        default=5, description="Seconds a stopping pod goes on serving, until every proxy knows that it goes."
    )
    stop_seconds: Annotated[int, Field(strict=True, ge=1, le=600)] = Field(
        default=40, description="Seconds from being told to stop, drain_seconds included, to being killed."
    )
    kept_releases: Annotated[int, Field(strict=True, ge=2, le=100)] = Field(
        default=10, description="Releases kept in the cluster to look up and to go back to."
    )


@rule(Rollout, "max_surge", "max_unavailable")
def _can_move(rollout: Rollout, _today: date) -> Iterator[Finding]:
    if rollout.max_surge == 0 and rollout.max_unavailable == 0:
        yield Finding(
            ("max_surge",),
            0,
            "leaves no pod that may be replaced, as max_unavailable is 0 too",
            "Use 1, so that a new pod starts before an old one goes.",
        )


@rule(Rollout, "drain_seconds", "stop_seconds")
def _time_to_finish(rollout: Rollout, _today: date) -> Iterator[Finding]:
    if rollout.stop_seconds <= rollout.drain_seconds:
        yield Finding(
            ("stop_seconds",),
            rollout.stop_seconds,
            f"leaves no time to finish requests after drain_seconds ({rollout.drain_seconds})",
            "Use at least as much more as the longest request takes, e.g. 40.",
        )


class Quota(Section):
    """The most that everything in the application's namespace may use together."""

    pods: Count = Field(default=30, description="Pods, those of a rollout and of a canary included.")
    cpu_requests: Quantity = Field(default="8", description="CPU set aside.")
    memory_requests: Quantity = Field(default="8Gi", description="Memory set aside.")
    cpu_limits: Quantity = Field(default="16", description="CPU limits together.")
    memory_limits: Quantity = Field(default="16Gi", description="Memory limits together.")

    def room_for(self, resources: PodResources) -> int:
        """How many pods with these resources fit."""
        shares: tuple[tuple[str, str], ...] = (
            (self.cpu_requests, resources.cpu_request),
            (self.memory_requests, resources.memory_request),
            (self.cpu_limits, resources.cpu_limit),
            (self.memory_limits, resources.memory_limit),
        )
        fitting = [value_of(hard) / value_of(each) for hard, each in shares if value_of(each) > 0]
        return int(min([Decimal(self.pods), *fitting]))


class TracingMode(StrEnum):
    """Where the application sends its spans."""

    OFF = "off"
    COLLECTOR = "collector"
    """To a collector that runs on the cluster: that of layer monitoring unless another is named."""
    SIDECAR = "sidecar"
    """To an ADOT collector in each pod."""


class Tracing(Section):
    """Distributed tracing over OTLP. (The X-Ray SDK and daemon are in maintenance: ADOT takes their place.)"""

    mode: TracingMode = Field(default=TracingMode.OFF, description="Where spans are sent.")
    collector_namespace: Annotated[
        str, text(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", "is not a namespace", 'Write for example "observability".', 63)
    ] = Field(default=COLLECTORS_NAMESPACE, description="Namespace of the collector, for mode collector.")
    collector_service: Annotated[
        str, text(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", "is not a service", 'Write for example "adot-collector".', 63)
    ] = Field(default=TRACES_SERVICE, description="Service of the collector, for mode collector.")
    sidecar_image: PinnedImage | None = Field(
        default=None, description="ADOT collector by digest, for mode sidecar; there is no default that stays current."
    )


@rule(Tracing, "mode", "sidecar_image")
def _sidecar_has_an_image(tracing: Tracing, _today: date) -> Iterator[Finding]:
    if tracing.mode is TracingMode.SIDECAR and tracing.sidecar_image is None:
        yield Finding(
            ("sidecar_image",),
            None,
            "is needed for mode sidecar",
            "Name the image by digest: public.ecr.aws/aws-observability/aws-otel-collector@sha256:….",
        )
