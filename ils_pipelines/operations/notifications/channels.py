"""Ways to people. Where a webhook is, is a secret: no message, error or log of ours holds it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.notifications import wording
from ils_pipelines.operations.notifications.models import Message
from ils_pipelines.operations.scope import PROJECT
from ils_pipelines.settings.notifications import Channel, ChannelKind

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

TIMEOUT_SECONDS = 5
TRIES = 3
"""In one go; what fails all of them waits for the next."""
_AGAIN = (429, 500, 502, 503, 504)
_NO_TOPIC = ("NotFound", "NotFoundException")
_LONGEST_WAIT = timedelta(hours=1)


class NotSent(IlsError):
    """A message did not arrive, as far as anybody can tell."""

    def __init__(self, message: str, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait
        """How long the other side asked to wait."""


def send(target: Target, channel: Channel, message: Message) -> str:
    """What the other side answered. Raises `NotSent`."""
    try:
        return _SENDERS[channel.kind](target, channel, message)
    except NotSent:
        raise
    except IlsError as error:
        raise NotSent(str(error)) from error


def _sns(target: Target, channel: Channel, message: Message) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        topic = channel.topic_arn or _alarm_topic(target)
        region = topic.split(":")[3]
        answer = target.client("sns", region=region, hurried=True).publish(
            TopicArn=topic,
            Subject=wording.subject(message),
            Message=wording.plain_text(message),
            MessageAttributes={
                "environment": {"DataType": "String", "StringValue": message.environment},
                "urgency": {"DataType": "String", "StringValue": message.urgency.value},
                "id": {"DataType": "String", "StringValue": message.id},
            },
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _NO_TOPIC and not channel.topic_arn:
            raise NotSent(
                "the environment has no alarm topic: provision layer monitoring, or name a topic_arn"
            ) from error
        raise NotSent(f"SNS: {error}") from error
    except BotoCoreError as error:
        raise NotSent(f"SNS: {error}") from error
    return str(answer["MessageId"])


def _alarm_topic(target: Target) -> str:
    """By its name, as layer monitoring gives it: whoever tells people need not read the state."""
    account, name = target.environment.aws, target.environment.name
    number = account.account_id or target.client("sts", hurried=True).get_caller_identity()["Account"]
    return f"arn:{account.partition}:sns:{account.region}:{number}:{PROJECT}-{name}-alarms"


def _slack(target: Target, channel: Channel, message: Message) -> str:
    return _post(_url(target, channel), wording.slack(message), message)


def _webhook(target: Target, channel: Channel, message: Message) -> str:
    return _post(_url(target, channel), wording.document(message), message)


def _url(target: Target, channel: Channel) -> str:
    """Read each time, so that it can be rotated, and kept nowhere."""
    kind, _, name = (channel.url_from or "").partition(":")
    if kind == "env":
        url = os.environ.get(name, "")
        if not url:
            raise NotSent(f"the environment variable {name} is not set, or empty")
    else:
        url = _secret(target, name)
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname or "")):
        return url
    raise NotSent(f"what {channel.url_from} holds should be an https URL")


def _secret(target: Target, name: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = target.client("secretsmanager", hurried=True).get_secret_value(SecretId=name)
        return str(found.get("SecretString", "")).strip()
    except (BotoCoreError, ClientError) as error:
        raise NotSent(f"Secrets Manager: {error}") from error


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _post(url: str, body: dict[str, Any], message: Message) -> str:
    import urllib3

    host = urlsplit(url).hostname
    retries = urllib3.Retry(
        total=TRIES - 1,
        redirect=False,  # whoever is redirected to would get what is meant for another
        backoff_factor=0.2,
        status_forcelist=_AGAIN,
        allowed_methods=None,
        raise_on_status=False,
        respect_retry_after_header=False,  # that can take longer than a sensor may: the next go waits for it
    )
    headers = {"Content-Type": "application/json", "Idempotency-Key": message.id}
    with urllib3.PoolManager(retries=retries, timeout=TIMEOUT_SECONDS) as pool:
        try:
            answer = pool.request("POST", url, body=json.dumps(body).encode(), headers=headers, redirect=False)
        except (urllib3.exceptions.HTTPError, UnicodeError) as error:
            # The error itself quotes the URL.
            raise NotSent(f"{host} cannot be reached ({_kind(error)})") from None
    if 200 <= answer.status < 300:
        return f"HTTP {answer.status}"
    raise NotSent(f"{host} answered HTTP {answer.status}", _asked_wait(answer.headers.get("Retry-After", "")))


def _kind(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return type(reason if isinstance(reason, Exception) else error).__name__


def _asked_wait(retry_after: str) -> timedelta | None:
    return min(timedelta(seconds=int(retry_after)), _LONGEST_WAIT) if retry_after.isdigit() else None


_SENDERS: dict[ChannelKind, Callable[[Target, Channel, Message], str]] = {
    ChannelKind.SNS: _sns,
    ChannelKind.SLACK: _slack,
    ChannelKind.WEBHOOK: _webhook,
}
