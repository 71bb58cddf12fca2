"""Cases of SNS, CloudWatch, Prometheus and X-Ray."""

from __future__ import annotations

import json

from tests.sandbox.provider.bench import REGION
from tests.sandbox.provider.case import Case, name


def _publishers(arn: str, service: str) -> str:
    statement = {
        "Sid": "publish",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _dashboard(title: str) -> str:
    metric = ["AWS/RDS", "DatabaseConnections", "DBClusterIdentifier", "ils"]
    properties = {"metrics": [metric], "region": REGION, "title": title, "period": 60}
    return json.dumps(
        {"widgets": [{"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": properties}]}
    )


_ARN = f"arn:aws:sns:{REGION}:123456789012:alarms"

CASES = (
    Case(
        "aws:sns/topic:Topic",
        lambda around: {
            "name": name(),
            "displayName": "alarms",
            "kmsMasterKeyId": around.key,
            "signatureVersion": 2,
            "tracingConfig": "Active",
            "deliveryPolicy": json.dumps({"http": {"defaultHealthyRetryPolicy": {"numRetries": 3}}}),
            "tags": {"team": "lens"},
        },
        edit=lambda around: {
            "displayName": None,
            "kmsMasterKeyId": around.other_key,
            "tracingConfig": "PassThrough",
            "tags": {"team": "platform"},
        },
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("sns").set_topic_attributes(
            TopicArn=made.id, AttributeName="KmsMasterKeyId", AttributeValue=""
        ),
        drifted="kmsMasterKeyId",
    ),
    Case(
        "aws:sns/topicPolicy:TopicPolicy",
        lambda around: {"arn": (arn := around.topic()), "policy": _publishers(arn, "cloudwatch.amazonaws.com")},
        edit=lambda _: {"policy": _publishers(_ARN, "events.amazonaws.com")},
        replacement=lambda around: {"arn": around.topic()},
        drift=lambda around, made: around.client("sns").set_topic_attributes(
            TopicArn=made.id,
            AttributeName="Policy",
            AttributeValue=_publishers(made.id, "s3.amazonaws.com"),
        ),
        drifted="policy",
        shares_identity=True,
    ),
    Case(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda around: {
            "topic": around.topic(),
            "protocol": "https",
            "endpoint": "https://hooks.example.org/alarms",
            "rawMessageDelivery": True,
            "filterPolicy": json.dumps({"severity": ["page"]}),
            "filterPolicyScope": "MessageBody",
        },
        edit=lambda _: {"rawMessageDelivery": False, "filterPolicy": json.dumps({"severity": ["page", "ticket"]})},
        replacement=lambda _: {"endpoint": "https://hooks.example.org/others"},
        drift=lambda around, made: around.client("sns").set_subscription_attributes(
            SubscriptionArn=made.id, AttributeName="RawMessageDelivery", AttributeValue="false"
        ),
        drifted="rawMessageDelivery",
        shares_identity=True,
    ),
    Case(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda _: {"dashboardName": name(), "dashboardBody": _dashboard("connections")},
        edit=lambda _: {"dashboardBody": _dashboard("load")},
        replacement=lambda _: {"dashboardName": name()},
        drift=lambda around, made: around.client("cloudwatch").put_dashboard(
            DashboardName=made.id, DashboardBody=_dashboard("drifted")
        ),
        drifted="dashboardBody",
        shares_identity=True,
    ),
    Case(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda _: {
            "name": name(),
            "alarmDescription": "the database is busy",
            "actionsEnabled": True,
            "alarmActions": [_ARN],
            "okActions": [_ARN],
            "insufficientDataActions": [_ARN],
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 3,
            "datapointsToAlarm": 2,
            "threshold": 79.5,
            "metricName": "CPUUtilization",
            "namespace": "AWS/RDS",
            "dimensions": {"DBClusterIdentifier": "ils"},
            "period": 300,
            "statistic": "Average",
            "unit": "Percent",
            "treatMissingData": "notBreaching",
            "tags": {"team": "lens"},
        },
        edit=lambda _: {
            "metricName": None,
            "namespace": None,
            "dimensions": None,
            "period": None,
            "statistic": None,
            "unit": None,
            "datapointsToAlarm": None,
            "insufficientDataActions": None,
            "metricQueries": [
                {"id": "ratio", "expression": "errors / requests * 100", "label": "errors", "returnData": True},
                *(
                    {
                        "id": id_,
                        "metric": {
                            "metricName": metric,
                            "namespace": "AWS/ApplicationELB",
                            "dimensions": {"LoadBalancer": "app/ils/1"},
                            "period": 60,
                            "stat": "Sum",
                            "unit": "Count",
                        },
                    }
                    for id_, metric in {"errors": "HTTPCode_Target_5XX_Count", "requests": "RequestCount"}.items()
                ),
            ],
            "tags": {"team": "platform"},
        },
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("cloudwatch").disable_alarm_actions(AlarmNames=[made.id]),
        drifted="actionsEnabled",
    ),
    Case(
        "aws:amp/workspace:Workspace",
        lambda around: {"alias": name(), "kmsKeyArn": around.key, "tags": {"team": "lens"}},
        edit=lambda _: {"alias": name(), "tags": {"team": "platform"}},
        replacement=lambda around: {"kmsKeyArn": around.other_key},
        drift=lambda around, made: around.client("amp").update_workspace_alias(workspaceId=made.id, alias="by-hand"),
        drifted="alias",
    ),
    Case(
        "aws:xray/group:Group",
        lambda _: {"groupName": name(), "filterExpression": 'service("ils-dev")', "tags": {"team": "lens"}},
        edit=lambda _: {
            "filterExpression": "responsetime > 5",
            "insightsConfiguration": {"insightsEnabled": True, "notificationsEnabled": True},
            "tags": {"team": "platform"},
        },
        replacement=lambda _: {"groupName": name()},
        drift=lambda around, made: around.client("xray").update_group(
            GroupARN=made.id, FilterExpression='service("by-hand")'
        ),
        drifted="filterExpression",
    ),
    Case(
        "aws:xray/samplingRule:SamplingRule",
        lambda _: {
            "ruleName": name(),
            "priority": 1000,
            "fixedRate": 0.05,
            "reservoirSize": 1,
            "serviceName": "ils-dev",
            "serviceType": "*",
            "host": "*",
            "httpMethod": "*",
            "urlPath": "/orders/*",
            "resourceArn": "*",
            "version": 1,
            "attributes": {"http.status_code": "5*"},
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"fixedRate": 1, "reservoirSize": 0, "attributes": None, "tags": {"team": "platform"}},
        replacement=lambda _: {"ruleName": name()},
        drift=lambda around, made: around.client("xray").update_sampling_rule(
            SamplingRuleUpdate={"RuleName": made.id, "FixedRate": 0.5}
        ),
        drifted="fixedRate",
    ),
)
