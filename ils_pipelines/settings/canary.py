"""Trying a release on a few pods before all: how many, for how long, and what has to hold meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.section import Flag, Section, text

Seconds = Annotated[int, Field(strict=True, ge=1, le=600)]
Url = Annotated[
    str, text(r"https?://[^\s]+", "is not an address", 'Write for example "https://ils.example.com/health".')
]
Weight = Annotated[int, Field(strict=True, ge=1, le=50)]
NotNegative = Annotated[float, Field(ge=0)]


class HttpCheck(Section):
    """An address that has to answer."""

    url: Url = Field(description="Where to ask.", examples=["https://ils.example.com/health"])
    status: Annotated[int, Field(strict=True, ge=100, le=599)] = Field(default=200, description="The answer expected.")
    timeout_seconds: Seconds = Field(default=5, description="Seconds to answer.")


class CommandCheck(Section):
    """A program that has to succeed, run where the release is run from."""

    command: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] = Field(
        description="The program and its arguments; no shell.", examples=[["./smoke-test.sh"]]
    )
    timeout_seconds: Seconds = Field(default=60, description="Seconds until it is ended and counts as failed.")


class CloudWatchCheck(Section):
    """What the load balancer measured, over the minutes before: of the new pods alone where it weighs, else of all pods."""

    error_percent: NotNegative = Field(default=1.0, description="Most answers of 5xx, in percent of all requests.")
    latency_ms: NotNegative = Field(
        default=1000.0, description="Highest 95th percentile of the targets' response time."
    )
    minutes: Annotated[int, Field(strict=True, ge=1, le=60)] = Field(default=5, description="Minutes to look back.")
    least_requests: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=1, description="Fewest requests that say something; with fewer the check fails."
    )


class PrometheusCheck(Section):
    """A query whose every value has to stay within a bound."""

    url: Url = Field(
        description="Address of a Prometheus or of Managed Prometheus behind a proxy.",
        examples=["http://prometheus:9090"],
    )
    query: Annotated[str, Field(min_length=1)] = Field(
        description="PromQL that gives numbers.",
        examples=['sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))'],
    )
    at_most: float = Field(description="The highest value that is well.", examples=[0.01])
    timeout_seconds: Seconds = Field(default=10, description="Seconds to answer.")


class CanaryChecks(Section):
    """What is looked at after each step, besides the readiness of the pods, which always is."""

    http: tuple[HttpCheck, ...] = Field(default=(), description="Addresses that have to answer.")
    commands: tuple[CommandCheck, ...] = Field(default=(), description="Programs that have to succeed.")
    cloudwatch: CloudWatchCheck | None = Field(default=None, description="What the load balancer measured.")
    prometheus: tuple[PrometheusCheck, ...] = Field(default=(), description="Queries of Prometheus.")


class Weigher(StrEnum):
    """What gives the new pods their share."""

    PODS = "pods"
    """Their number: all pods get requests alike, from the load balancer and from inside the cluster."""
    LOAD_BALANCER = "load_balancer"
    """The load balancer, which has a target group of its own for them; inside the cluster they get none."""


class Canary(Section):
    """A release goes to a few pods first."""

    enabled: Flag = Field(default=False, description="Whether releases that change the pods are tried first.")
    weigher: Weigher = Field(default=Weigher.PODS, description="What gives the new pods their share of the requests.")
    steps: Annotated[tuple[Weight, ...], Field(min_length=1)] = Field(
        default=(10, 25, 50), description="Percent that the new pods get, step by step; all follow the last."
    )
    pause_seconds: Annotated[int, Field(strict=True, ge=0, le=3600)] = Field(
        default=60, description="Seconds of real requests between a step and its checks."
    )
    checks: CanaryChecks = Field(default_factory=CanaryChecks, description="What has to hold after each step.")

    @property
    def by_load_balancer(self) -> bool:
        """Whether the load balancer needs a second target group."""
        return self.enabled and self.weigher is Weigher.LOAD_BALANCER


@rule(Canary, "steps")
def _steps_rise(canary: Canary, _today: date) -> Iterator[Finding]:
    if list(canary.steps) != sorted(set(canary.steps)):
        yield Finding(("steps",), list(canary.steps), "do not rise", "List each weight once, smallest first.")
