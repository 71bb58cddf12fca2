"""CloudWatch log groups and SNS topics."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.keys import encrypted
from ils_pipelines.operations.posture.models import Observation

_SHORTEST_RETENTION_DAYS = 365


def retention(live: Live) -> Iterator[Observation]:
    for name, group in _groups(live):
        days = group.get("retentionInDays")
        found = f"{days} days" if days else "kept for ever"
        # Kept for ever is long enough, but it is nobody's decision: the retention must be set.
        holds = days is not None and days >= _SHORTEST_RETENTION_DAYS
        yield Observation(name, f"kept for {_SHORTEST_RETENTION_DAYS} days or more", found, holds)


def encryption(live: Live) -> Iterator[Observation]:
    for name, group in _groups(live):
        yield encrypted(live, name, group.get("kmsKeyId"))


def topic_encryption(live: Live) -> Iterator[Observation]:
    for topic in live.list("sns", "list_topics", "Topics"):
        arn = topic["TopicArn"]
        if live.scope.owns_name(arn.rsplit(":", 1)[-1]):
            attributes = live.get("sns", "get_topic_attributes", TopicArn=arn)["Attributes"]
            yield encrypted(live, f"topic {arn.rsplit(':', 1)[-1]}", attributes.get("KmsMasterKeyId"))


def _groups(live: Live) -> Iterator[tuple[str, Record]]:
    for group in live.list("logs", "describe_log_groups", "logGroups"):
        if live.scope.owns_name(group["logGroupName"]):
            yield f"log group {group['logGroupName']}", group
