"""What is watched in an environment, and who is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import repeated, rule
from ils_pipelines.settings.section import Count, Flag, LogRetentionDays, Section

Percent = Annotated[int, Field(strict=True, ge=1, le=100)]


class Protocol(StrEnum):
    """How SNS delivers."""

    EMAIL = "email"
    """Asks whoever reads it to confirm; until then nothing is delivered."""
    HTTPS = "https"
    """A pager or a chat that confirms by itself."""
    SMS = "sms"
    SQS = "sqs"
    LAMBDA = "lambda"


# What an endpoint looks like, and an example.
_ENDPOINTS = {
    Protocol.EMAIL: (re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}"), "on-call@example.com"),
    Protocol.HTTPS: (re.compile(r"https://[^\s/?#@]+(/[^\s]*)?"), "https://events.example.com/alarms"),
    Protocol.SMS: (re.compile(r"\+[1-9]\d{6,14}"), "+4915112345678"),
    Protocol.SQS: (re.compile(r"arn:aws[a-z-]*:sqs:\S+"), "arn:aws:sqs:us-east-1:123456789012:alarms"),
    Protocol.LAMBDA: (
        re.compile(r"arn:aws[a-z-]*:lambda:\S+"),
        "arn:aws:lambda:us-east-1:123456789012:function:alarms",
    ),
}


class Subscription(Section):
    """Somebody who is told of alarms."""

    protocol: Protocol = Field(default=Protocol.EMAIL, description="How it is delivered.")
    endpoint: str = Field(
        description="Where to: an address, an https URL, a number or an ARN, as goes with the protocol. No secret.",
        examples=["on-call@example.com"],
    )


@rule(Subscription, "protocol", "endpoint")
def _endpoint_fits(subscription: Subscription, _today: date) -> Iterator[Finding]:
    pattern, example = _ENDPOINTS[subscription.protocol]
    if not pattern.fullmatch(subscription.endpoint):
        yield Finding(
            ("endpoint",),
            subscription.endpoint,
            f"is nothing that {subscription.protocol.value} delivers to",
            f'Write for example "{example}".',
        )


class Prometheus(StrEnum):
    """Where metrics go that pods offer to Prometheus."""

    NONE = "none"
    CLOUDWATCH = "cloudwatch"
    """Into CloudWatch, as embedded metrics: charged by the metric."""
    MANAGED = "managed"
    """Into a workspace of Amazon Managed Service for Prometheus: charged by the sample, asked in PromQL."""


class Thresholds(Section):
    """When an alarm goes off."""

    node_cpu_percent: Percent = Field(default=80, description="Processor time of all nodes together, over 15 minutes.")
    node_memory_percent: Percent = Field(default=80, description="Memory of all nodes together, over 15 minutes.")
    node_disk_percent: Percent = Field(default=80, description="Disk space of the fullest node.")
    error_percent: Percent = Field(default=5, description="Requests answered with an error of the server, of all.")
    response_milliseconds: Count = Field(
        default=1000, description="What 95 of 100 requests must be answered within, over 15 minutes."
    )
    database_cpu_percent: Percent = Field(default=80, description="Processor time of the database, over 15 minutes.")
    database_connections: Count = Field(
        default=300, description="Open connections of one instance; the size of the instance limits them."
    )
    database_free_memory_mib: Count = Field(default=256, description="Memory that an instance must have left.")
    database_replica_lag_milliseconds: Count = Field(
        default=1000, description="How far a reader may be behind the writer."
    )
    cache_cpu_percent: Percent = Field(default=80, description="Processor time of the engine of a node.")
    cache_memory_percent: Percent = Field(
        default=80, description="Memory in use of a node's; at 100 items are dropped."
    )


COLLECTORS_NAMESPACE = "opentelemetry-operator-system"
"""Where the ADOT add-on runs its collectors."""
TRACES_SERVICE = "adot-col-otlp-ingest-collector"
"""The service that it makes for the one that takes traces."""
KEPT_A_SECOND = 1
"""Requests of each second that are traced whatever the rate, where X-Ray is asked: quiet hours are seen too."""


def traced_service(environment: str) -> str:
    """What the application calls itself in traces: X-Ray keeps those of all environments of an account together."""
    return f"ils-{environment}"


class Monitoring(Section):
    """Logs, dashboard, alarms, traces and Prometheus metrics."""

    log_retention_days: LogRetentionDays = Field(
        default=7, description="Days that logs of pods and nodes and the records behind container metrics are kept."
    )
    subscriptions: tuple[Subscription, ...] = Field(default=(), description="Who is told of alarms.")
    container_insights: Flag = Field(
        default=False, description="Whether metrics and logs of nodes and pods are collected, by the CloudWatch agent."
    )
    tracing: Flag = Field(
        default=False, description="Whether an OpenTelemetry collector (ADOT) takes traces and hands them to X-Ray."
    )
    trace_percent: Percent = Field(
        default=5,  # X-Ray's own
        description="Requests that are traced, of a hundred: told to pods that trace, and to X-Ray as a sampling rule.",
    )
    prometheus: Prometheus = Field(
        default=Prometheus.NONE, description="Where metrics go that pods offer to Prometheus, scraped by ADOT."
    )
    thresholds: Thresholds = Field(default_factory=Thresholds, description="When an alarm goes off.")


@rule(Monitoring, "subscriptions")
def _told_once(monitoring: Monitoring, _today: date) -> Iterator[Finding]:
    told = monitoring.subscriptions
    for index in repeated((each.protocol, each.endpoint) for each in told):
        yield Finding(
            ("subscriptions", index), told[index].endpoint, "is told twice", "Name everybody once: SNS does, too."
        )
