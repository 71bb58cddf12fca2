"""Alarms, and the topic that tells people of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.monitoring import Protocol, Subscription
from ils_pipelines.stacks import aws, policies
from ils_pipelines.stacks.alarm_catalog import Alarm, Metric
from ils_pipelines.stacks.naming import Naming

_STATISTICS = frozenset({"Average", "Maximum", "Minimum", "Sum", "SampleCount"})


@dataclass(frozen=True)
class AlarmsArgs:
    """What alarms need."""

    naming: Naming
    account_id: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    subscriptions: Sequence[Subscription]
    alarms: Sequence[Alarm]


class Alarms(pulumi.ComponentResource):
    """An encrypted topic, who is subscribed to it, and the alarms that publish to it: when they go off, and when they end."""

    topic: aws.sns.Topic
    names: pulumi.Output[list[str]]
    arns: pulumi.Output[list[str]]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:monitoring:Alarms", name, None, opts)
        self._args = args
        inside = pulumi.ResourceOptions(parent=self)
        full_name = args.naming.name("alarms")
        self.topic = aws.sns.Topic(
            "alarms",
            name=full_name,
            display_name=full_name,
            # Not AWS's own key: CloudWatch may not use that one, and nobody would be told.
            kms_master_key_id=args.key_arn,
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        policy = aws.sns.TopicPolicy(
            "alarms",
            arn=self.topic.arn,
            policy=pulumi.Output.all(self.topic.arn, args.account_id).apply(lambda known: _may_publish(*known)),
            opts=inside,
        )
        for subscription in args.subscriptions:
            https = subscription.protocol is Protocol.HTTPS
            aws.sns.TopicSubscription(
                f"{subscription.protocol.value}-{subscription.endpoint}",
                topic=self.topic.arn,
                protocol=subscription.protocol.value,
                endpoint=subscription.endpoint,
                endpoint_auto_confirms=https or None,
                opts=inside,
            )
        after = pulumi.ResourceOptions(parent=self, depends_on=[policy])
        made = [self._alarm(alarm, after) for alarm in args.alarms]
        self.names = pulumi.Output.all(*(alarm.name for alarm in made))
        self.arns = pulumi.Output.all(*(alarm.arn for alarm in made))
        self.register_outputs({"topic": self.topic.arn})

    def _alarm(self, alarm: Alarm, opts: pulumi.ResourceOptions) -> aws.cloudwatch.MetricAlarm:
        full_name = self._args.naming.name(alarm.name)
        args = aws.cloudwatch.MetricAlarmArgs(
            name=full_name,
            alarm_description=alarm.description,
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.periods,
            # What is not used gives no numbers, which is no reason to wake anybody.
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic.arn],
            ok_actions=[self.topic.arn],
            tags=self._args.naming.tags(full_name),
        )
        if alarm.expression:
            args.metric_queries = [
                aws.cloudwatch.MetricAlarmMetricQueryArgs(
                    id="value", expression=alarm.expression, label=full_name, return_data=True
                ),
                *(_query(f"m{number}", metric, alarm) for number, metric in enumerate(alarm.metrics, start=1)),
            ]
        else:
            (metric,) = alarm.metrics
            args.namespace, args.metric_name, args.dimensions = metric.namespace, metric.name, dict(metric.dimensions)
            args.period = alarm.period_seconds
            if metric.statistic in _STATISTICS:
                args.statistic = metric.statistic
            else:
                args.extended_statistic = metric.statistic
        return aws.cloudwatch.MetricAlarm(alarm.name, args, opts=opts)


def _query(id_: str, metric: Metric, alarm: Alarm) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=id_,
        return_data=False,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=dict(metric.dimensions),
            period=alarm.period_seconds,
            stat=metric.statistic,
        ),
    )


def _may_publish(topic_arn: str, account_id: str) -> str:
    return policies.document(
        {
            "Sid": "AlarmsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        },
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )
