"""Alarms that went off, and whether anybody is told of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ils_pipelines.operations.health.judging import finding, share
from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.live import Record
from ils_pipelines.operations.view import View

_ALARM_REMEDY = "Look at the dashboard; the description of the alarm says what it means."
_MISSING_REMEDY = "`ils drift --record` has `ils up` make it again."
_TOPIC_REMEDY = (
    "Whoever is subscribed by e-mail has to confirm the message from AWS; `ils up` subscribes who is missing."
)
_BATCH = 100
"""As many as CloudWatch describes at once."""


def alarms(view: View) -> Iterator[HealthFinding]:
    """Those that are not quiet, one by one, and how many are."""
    names: Sequence[str] = view.output("alarm_names")
    found: dict[str, Record] = {}
    for first in range(0, len(names), _BATCH):
        batch = list(names[first : first + _BATCH])
        answer = view.live.list("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=batch)
        found |= {alarm["AlarmName"]: alarm for alarm in answer}
    loud = 0
    for name in names:
        component, alarm = f"alarm {name}", found.get(name)
        if alarm is None:
            loud += 1
            yield finding(component, "an alarm", "not there", _MISSING_REMEDY, HealthStatus.UNHEALTHY)
        elif alarm["StateValue"] == "ALARM":
            loud += 1
            said = f"ALARM: {alarm.get('StateReason', '')}"
            yield finding(
                component, "no alarm", said, alarm.get("AlarmDescription") or _ALARM_REMEDY, HealthStatus.UNHEALTHY
            )
    if not loud:
        yield finding("alarms", "all quiet", f"{len(names)} of {len(names)} quiet", _ALARM_REMEDY)


def topic(view: View) -> Iterator[HealthFinding]:
    arn = view.output("alarm_topic_arn")
    component = f"alarm topic {arn.rpartition(':')[2]}"
    found = view.described("sns", "get_topic_attributes", "Attributes", TopicArn=arn)
    if found is None:
        yield finding(component, "a topic", "not there", _MISSING_REMEDY, HealthStatus.UNHEALTHY)
        return
    wanted = len(view.environment.monitoring.subscriptions)
    confirmed = int(found.get("SubscriptionsConfirmed", 0))
    yield share(component, "subscriptions confirmed", min(confirmed, wanted), wanted, _TOPIC_REMEDY)
