"""Messages on real HTTP servers: what arrives, what is tried again, and that the URL stays secret."""

from __future__ import annotations

import socket
import traceback
from datetime import UTC, datetime, timedelta

import pytest

from ils_pipelines.operations.findings import Urgency
from ils_pipelines.operations.notifications.channels import NotSent, send
from ils_pipelines.operations.notifications.models import Message, Said, Topic
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.notifications import Channel, ChannelKind
from ils_pipelines.targets import open_target
from tests.support.http_receiver import PATH, receiver

VARIABLE = "ILS_TEST_WEBHOOK"
SLACK = Channel(kind=ChannelKind.SLACK, name="on-call", url_from=f"env:{VARIABLE}")
WEBHOOK = Channel(kind=ChannelKind.WEBHOOK, name="pager", url_from=f"env:{VARIABLE}")
MESSAGE = Message(
    id="0123456789abcdef0123",
    environment="dev",
    topic=Topic.FINDING,
    source="certificates of load_balancer",
    urgency=Urgency.CRITICAL,
    said=(
        Said(subject="ACM <cert> & co", urgency=Urgency.CRITICAL, expected="time", found="none", remedy="Renew it."),
    ),
    more=2,
    runbook="https://wiki.example.com/certificates.md",
    run_id="run-1",
    at=datetime(2026, 6, 1, 12, 0, tzinfo=UTC),
)


def _send(channel: Channel) -> str:
    return send(open_target(Environment(name="dev")), channel, MESSAGE)


def test_slack_gets_text_that_it_formats_with_what_to_do_and_the_runbook(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as slack:
        monkeypatch.setenv(VARIABLE, slack.url)
        answer = _send(SLACK)

    [body] = slack.bodies
    assert answer == "HTTP 200"
    assert body["text"].startswith(":rotating_light: *dev: critical: certificates of load_balancer*")
    assert "ACM &lt;cert&gt; &amp; co" in body["text"]
    assert "-&gt; Renew it." in body["text"]
    assert "Runbook: https://wiki.example.com/certificates.md" in body["text"]
    assert "… and 2 more." in body["text"]


def test_a_webhook_gets_a_document_and_an_id_that_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as webhook:
        monkeypatch.setenv(VARIABLE, webhook.url)
        _send(WEBHOOK)
        _send(WEBHOOK)

    first, second = webhook.bodies
    assert first == second
    assert first["urgency"] == "critical"
    assert first["said"][0]["remedy"] == "Renew it."
    assert {headers["idempotency-key"] for headers in webhook.headers} == {MESSAGE.id}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_tried_again_at_once(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with receiver(status) as webhook:
        monkeypatch.setenv(VARIABLE, webhook.url)
        assert _send(WEBHOOK) == "HTTP 200"

    assert len(webhook.bodies) == 2


def test_what_stays_busy_is_not_sent_and_says_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = (429, {"Retry-After": "120"})
    with receiver(busy, busy, busy) as webhook:
        monkeypatch.setenv(VARIABLE, webhook.url)
        with pytest.raises(NotSent, match="HTTP 429") as failed:
            _send(WEBHOOK)

    assert failed.value.wait == timedelta(seconds=120)
    assert len(webhook.bodies) == 3


@pytest.mark.parametrize("status", [301, 403, 404])
def test_what_is_refused_is_not_tried_again_at_once_nor_elsewhere(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with receiver() as elsewhere, receiver((status, {"Location": elsewhere.url})) as webhook:
        monkeypatch.setenv(VARIABLE, webhook.url)
        with pytest.raises(NotSent, match=f"HTTP {status}"):
            _send(WEBHOOK)

    assert len(webhook.bodies) == 1
    assert elsewhere.bodies == []


def test_the_url_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{port}{PATH}")

    with pytest.raises(NotSent, match="cannot be reached") as failed:
        _send(SLACK)

    told = "".join(traceback.format_exception(failed.value))
    assert "hushhush" not in told
    assert "T0SECRET" not in told


@pytest.mark.parametrize(
    ("url", "said"),
    [("", "not set"), ("http://example.com/hook/secret", "https URL"), ("ftp://127.0.0.1/secret", "https URL")],
)
def test_a_url_that_is_missing_or_not_encrypted_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setenv(VARIABLE, url)

    with pytest.raises(NotSent, match=said) as failed:
        _send(WEBHOOK)

    assert "/secret" not in str(failed.value)
