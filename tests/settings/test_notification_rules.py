"""Who is told, and which servers are looked at: what a file may say of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ils_pipelines.settings.loading import FileReport

Read = Callable[..., FileReport]
SLACK = {"kind": "slack", "name": "on-call", "url_from": "secret:ils/slack-webhook"}


def problems(read: Read, **sections: Any) -> dict[str, str]:
    """Remedies by place."""
    return {problem.path: problem.remedy for problem in read(sections).problems}


def test_channels_of_every_kind_are_accepted(read: Read) -> None:
    channels = [
        SLACK,
        {"kind": "webhook", "name": "pager", "url_from": "env:ILS_PAGER", "least": "critical"},
        {"kind": "sns", "name": "mail"},
    ]
    assert problems(read, notifications={"channels": channels}) == {}


def test_a_url_does_not_belong_in_the_file(read: Read) -> None:
    [remedy] = problems(read, notifications={"channels": [{**SLACK, "url_from": "https://hooks.slack.com/x"}]}).values()

    assert "Secrets Manager" in remedy


@pytest.mark.parametrize(
    ("channel", "path"),
    [
        ({"kind": "slack", "name": "a"}, "notifications.channels[0].url_from"),
        ({"kind": "sns", "name": "a", "url_from": "env:A"}, "notifications.channels[0].url_from"),
        ({**SLACK, "topic_arn": "arn:aws:sns:us-east-1:123456789012:t"}, "notifications.channels[0].topic_arn"),
    ],
)
def test_a_channel_has_what_its_kind_needs_and_nothing_else(read: Read, channel: dict[str, str], path: str) -> None:
    assert list(problems(read, notifications={"channels": [channel]})) == [path]


def test_no_two_channels_have_one_name(read: Read) -> None:
    assert list(problems(read, notifications={"channels": [SLACK, SLACK]})) == ["notifications.channels"]


def test_quiet_hours_may_go_over_midnight_but_not_last_all_day(read: Read) -> None:
    assert problems(read, notifications={"quiet_hours": {"enabled": True, "start": "20:00", "end": "07:00"}}) == {}
    assert list(problems(read, notifications={"quiet_hours": {"start": "07:00", "end": "07:00"}})) == [
        "notifications.quiet_hours.end"
    ]


def test_an_endpoint_is_a_name_with_authorities_of_its_own_if_need_be(read: Read) -> None:
    good = {"name": "reports.ils.example.com", "address": "10.0.1.7", "port": 8443, "http_port": 80}
    assert problems(read, certificates={"endpoints": [good]}) == {}
    assert list(problems(read, certificates={"endpoints": [{**good, "authorities": "/etc/ca.pem"}]})) == [
        "certificates.endpoints[0].authorities"
    ]
