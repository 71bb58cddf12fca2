"""SNS, and a webhook whose URL is in Secrets Manager, against the AWS of a sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ils_pipelines.operations.findings import Urgency
from ils_pipelines.operations.notifications.channels import NotSent, send
from ils_pipelines.operations.notifications.models import Message, Said, Topic
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.notifications import Channel, ChannelKind
from tests.operations.watch.site import Site
from tests.support.http_receiver import receiver

pytestmark = pytest.mark.timeout(600)

MESSAGE = Message(
    id="0123456789abcdef0123",
    environment="dev",
    topic=Topic.FINDING,
    source="drift of the Straße",
    urgency=Urgency.WARNING,
    said=(Said(subject="a vpc", urgency=Urgency.WARNING, expected="there", found="gone", remedy="Put it back."),),
    runbook="docs/runbooks/drift.md",
    at=datetime(2026, 6, 1, tzinfo=UTC),
)


@pytest.fixture
def letterbox(site: Site) -> Iterator[str]:
    """URL of a queue that is subscribed to the environment's alarm topic."""
    sqs, sns = site.client("sqs"), site.client("sns")
    url = sqs.create_queue(QueueName="letterbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = site.output(Layer.MONITORING, "alarm_topic_arn")
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    try:
        yield url
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)


def test_sns_without_a_topic_of_its_own_goes_to_the_topic_of_the_alarms(site: Site, letterbox: str) -> None:
    answer = send(site.target, Channel(kind=ChannelKind.SNS, name="mail"), MESSAGE)

    [received] = site.client("sqs").receive_message(QueueUrl=letterbox)["Messages"]
    body = json.loads(received["Body"])
    assert body["MessageId"] == answer
    assert body["Subject"] == "dev: warning: drift of the Stra?e"
    assert "expected there, found gone" in body["Message"]
    assert body["MessageAttributes"]["urgency"]["Value"] == "warning"


def test_a_topic_that_is_gone_is_not_sent_to(site: Site) -> None:
    channel = Channel(kind=ChannelKind.SNS, name="mail", topic_arn="arn:aws:sns:us-east-1:123456789012:gone")

    with pytest.raises(NotSent, match="NotFound"):
        send(site.target, channel, MESSAGE)


def test_a_webhook_is_where_the_secret_says_at_that_moment(site: Site) -> None:
    secrets, name = site.client("secretsmanager"), "slack-webhook"
    channel = Channel(kind=ChannelKind.SLACK, name="on-call", url_from=f"secret:{name}")
    with receiver() as old, receiver() as new:
        secrets.create_secret(Name=name, SecretString=old.url)
        try:
            send(site.target, channel, MESSAGE)
            secrets.put_secret_value(SecretId=name, SecretString=new.url)
            send(site.target, channel, MESSAGE)
        finally:
            secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    assert (len(old.bodies), len(new.bodies)) == (1, 1)
    with pytest.raises(NotSent, match="Secrets Manager"):
        send(site.target, channel, MESSAGE)
