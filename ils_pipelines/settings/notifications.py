"""Who is told of failed runs and of what scans find, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.scaling import Clock, TimeZone
from ils_pipelines.settings.section import Flag, Section, text


class ChannelKind(StrEnum):
    """How a message goes out."""

    SNS = "sns"
    SLACK = "slack"
    """An incoming webhook of Slack, or of what speaks like it."""
    WEBHOOK = "webhook"
    """A POST with a JSON document."""


class Urgent(StrEnum):
    """The least that a channel is told."""

    WARNING = "warning"
    UNKNOWN = "unknown"
    CRITICAL = "critical"


class Channel(Section):
    """One way to people."""

    kind: ChannelKind = Field(description="How a message goes out.", examples=["slack"])
    name: Annotated[str, text(r"[a-z]([-a-z0-9]*[a-z0-9])?", "is not a usable name", "Use a-z, 0-9 and '-'.", 40)] = (
        Field(description="What the audit calls it.", examples=["on-call"])
    )
    least: Urgent = Field(default=Urgent.WARNING, description="The least urgent that goes out here.")
    topic_arn: (
        Annotated[
            str,
            text(
                r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+",
                "is not the ARN of an SNS topic",
                'Write for example "arn:aws:sns:us-east-1:123456789012:ils-findings".',
            ),
        ]
        | None
    ) = Field(default=None, description="Topic of kind sns; None is the topic of the environment's alarms.")
    url_from: (
        Annotated[
            str,
            text(
                r"env:[A-Z_][A-Z0-9_]*|secret:[A-Za-z0-9/_+=.@:-]+",
                "does not say where the URL is kept",
                'Write "secret:" with the name or ARN of a secret in Secrets Manager, or "env:" with an environment '
                "variable of Dagster's code server. The URL itself is a secret: it does not belong in this file.",
            ),
        ]
        | None
    ) = Field(default=None, description="Where the URL of slack and webhook is read from each time. Nothing keeps it.")


@rule(Channel, "kind", "url_from", "topic_arn")
def _has_what_its_kind_needs(channel: Channel, _today: date) -> Iterator[Finding]:
    if channel.kind is ChannelKind.SNS and channel.url_from is not None:
        yield Finding(
            ("url_from",), channel.url_from, "does not go with kind sns", "Remove it; topic_arn says where to."
        )
    if channel.kind is not ChannelKind.SNS and channel.url_from is None:
        remedy = 'Write for example url_from: "secret:ils/slack-webhook".'
        yield Finding(("url_from",), None, f"is missing, which kind {channel.kind} needs", remedy)
    if channel.kind is not ChannelKind.SNS and channel.topic_arn is not None:
        yield Finding(("topic_arn",), channel.topic_arn, f"does not go with kind {channel.kind}", "Remove it.")


class QuietHours(Section):
    """When only what is critical goes out; the rest waits for the end of these hours. May go over midnight."""

    enabled: Flag = Field(default=False, description="Whether there are any.")
    start: Clock = Field(default="20:00", description="When they begin.")
    end: Clock = Field(default="07:00", description="When they end.")
    time_zone: TimeZone = Field(default="UTC", description="Time zone of both, from the IANA database.")


@rule(QuietHours, "start", "end")
def _lasts_less_than_a_day(hours: QuietHours, _today: date) -> Iterator[Finding]:
    if hours.start == hours.end:
        remedy = "Write another end, or `enabled: false` for no quiet hours."
        yield Finding(("end",), hours.end, "is the same as start, so that the hours never end", remedy)


class Notifications(Section):
    """Messages about failed runs and about what scans find."""

    channels: tuple[Channel, ...] = Field(default=(), description="Ways to people; none sends nothing.")
    quiet_hours: QuietHours = Field(default_factory=QuietHours, description="When only what is critical goes out.")
    repeat_hours: Annotated[int, Field(strict=True, ge=1, le=24 * 31)] = Field(
        default=24, description="Hours after which a finding that lasts is told again."
    )
    runbooks: (
        Annotated[
            str,
            text(
                r"https?://[^\s?#@]+",
                "is not a place for runbooks",
                'Write for example "https://wiki.example.com/ils".',
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Where docs/runbooks is published, to which each message links; None names the file alone.",
    )


@rule(Notifications, "channels")
def _names_are_unique(notifications: Notifications, _today: date) -> Iterator[Finding]:
    names = [channel.name for channel in notifications.channels]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(("channels",), twice, "names two channels", "Give each a name of its own.")
