"""What is told when, and that nothing is told twice or lost: rules without a server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.notifications.channels import NotSent
from ils_pipelines.operations.notifications.composing import Source, of_findings
from ils_pipelines.operations.notifications.discretion import MASK, without_secrets
from ils_pipelines.operations.notifications.models import Memory, Message, Topic
from ils_pipelines.operations.notifications.outbox import LONGEST_PAUSE, MOST_AT_ONCE, deliver, queue
from ils_pipelines.operations.notifications.quiet import quiet_until
from ils_pipelines.settings.notifications import Channel, ChannelKind, Notifications, QuietHours, Urgent

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SOURCE = Source("dev", "drift of vpc", "drift")
ALL = Channel(kind=ChannelKind.SLACK, name="all", url_from="env:A")
GRAVE = Channel(kind=ChannelKind.SNS, name="grave", least=Urgent.CRITICAL)
SETTINGS = Notifications(channels=(ALL, GRAVE), repeat_hours=24)


def _finding(subject: str = "a vpc", urgency: Urgency = Urgency.WARNING, found: str = "gone") -> Finding:
    return Finding(subject, urgency, "there", found, "Put it back.")


def _tell(memory: Memory, findings: Sequence[Finding], at: datetime = NOW) -> tuple[Memory, tuple[Message, ...]]:
    return of_findings(memory, SETTINGS, SOURCE, findings, run_id="r", at=at)


class Post:
    """Takes what it is sent, unless it is told to fail."""

    def __init__(self) -> None:
        self.took: list[tuple[str, str]] = []
        self.failing: set[str] = set()

    def __call__(self, channel: Channel, message: Message) -> str:
        if channel.name in self.failing:
            raise NotSent("down")
        self.took.append((channel.name, message.id))
        return "ok"


def test_a_finding_is_told_once_again_after_a_day_when_it_gets_worse_and_when_it_is_over() -> None:
    memory, first = _tell(Memory(), [_finding()])
    memory, same = _tell(memory, [_finding(found="still gone")], NOW + timedelta(hours=1))
    memory, worse = _tell(memory, [_finding(urgency=Urgency.CRITICAL)], NOW + timedelta(hours=2))
    memory, better = _tell(memory, [_finding()], NOW + timedelta(hours=3))
    memory, later = _tell(memory, [_finding()], NOW + timedelta(hours=27))
    memory, over = _tell(memory, [], NOW + timedelta(hours=28))
    memory, nothing = _tell(memory, [], NOW + timedelta(hours=29))

    assert [each.topic for each in (*first, *worse, *later, *over)] == [Topic.FINDING] * 3 + [Topic.OVER]
    assert same == better == nothing == ()
    assert worse[0].title == "dev: critical: drift of vpc"
    assert over[0].said[0].subject == "a vpc"
    assert memory == Memory()


def test_a_message_says_only_what_is_new_the_most_urgent_first() -> None:
    memory, _ = _tell(Memory(), [_finding("old")])
    _, [message] = _tell(memory, [_finding("old"), _finding("b"), _finding("a", Urgency.CRITICAL)])

    assert [each.subject for each in message.said] == ["a", "b"]
    assert message.urgency is Urgency.CRITICAL
    assert message.runbook == "docs/runbooks/drift.md"


def test_all_findings_of_a_subject_are_told_and_the_worst_is_remembered() -> None:
    grave, slight = _finding(urgency=Urgency.CRITICAL, found="ends tomorrow"), _finding(found="not renewed")
    memory, [message] = _tell(Memory(), [grave, slight])
    memory, same = _tell(memory, [grave, slight], NOW + timedelta(hours=1))
    memory, better = _tell(memory, [slight], NOW + timedelta(hours=2))
    memory, more = _tell(memory, [slight, _finding(found="not in use")], NOW + timedelta(hours=3))
    _, over = _tell(memory, [], NOW + timedelta(hours=4))

    assert [each.found for each in message.said] == ["ends tomorrow", "not renewed"]
    assert message.urgency is Urgency.CRITICAL
    assert same == better == ()
    assert {each.found for each in more[0].said} == {"not in use", "not renewed"}
    assert [each.subject for each in over[0].said] == ["a vpc"]


def test_many_findings_make_one_message_that_says_how_many_there_are() -> None:
    _, [message] = _tell(Memory(), [_finding(str(number)) for number in range(40)])

    assert len(message.said) + message.more == 40
    assert message.more == 25


def test_a_channel_is_told_of_what_is_urgent_enough_for_it() -> None:
    _, messages = _tell(Memory(), [_finding()])
    _, grave = _tell(Memory(), [_finding(urgency=Urgency.CRITICAL)])

    assert [each.channel for each in queue(Memory(), SETTINGS, messages).waiting] == ["all"]
    assert [each.channel for each in queue(Memory(), SETTINGS, grave).waiting] == ["all", "grave"]


def test_what_fails_waits_longer_each_time_and_arrives_in_its_order() -> None:
    post, now, memory = Post(), NOW, Memory()
    for number in range(2):
        memory, messages = _tell(memory, [_finding(str(number))], NOW + timedelta(seconds=number))
        memory = queue(memory, SETTINGS, messages)
    ids = [each.message.id for each in memory.waiting]
    post.failing = {"all"}
    pauses = []
    for _ in range(8):
        memory, sent = deliver(memory, "dev", SETTINGS, post, now)
        assert sent == ()
        until = memory.waiting[0].not_before
        assert until is not None
        pauses.append(until - now)
        now = until
    post.failing = set()
    memory, sent = deliver(memory, "dev", SETTINGS, post, now)

    assert pauses == sorted(pauses)
    assert pauses[0] < timedelta(minutes=1)
    assert pauses[-1] == LONGEST_PAUSE
    assert [message for _, message in post.took] == ids
    assert [each.attempts for each in sent] == [9, 1, 1][: len(sent)]
    assert memory.waiting == ()


def test_what_there_is_no_time_for_waits_as_it_was_and_arrives_in_its_order() -> None:
    post, memory = Post(), Memory()
    for number in range(3):
        memory, messages = _tell(memory, [_finding(str(number))], NOW + timedelta(seconds=number))
        memory = queue(memory, SETTINGS, messages)
    all_of_it = memory.waiting

    memory, sent = deliver(memory, "dev", SETTINGS, post, NOW, lambda: len(post.took) >= 1)
    assert [each.message for each in sent] == [all_of_it[0].message]
    assert memory.waiting == all_of_it[1:]

    deliver(memory, "dev", SETTINGS, post, NOW)
    assert post.took == [(each.channel, each.message.id) for each in all_of_it]


def test_in_quiet_hours_only_what_is_critical_goes_out() -> None:
    quiet = SETTINGS.model_copy(update={"quiet_hours": QuietHours(enabled=True, start="11:00", end="13:00")})
    post = Post()
    memory, messages = _tell(Memory(), [_finding()])
    memory = queue(memory, quiet, messages)
    memory, grave = of_findings(
        memory, quiet, Source("dev", "other", "x"), [_finding(urgency=Urgency.CRITICAL)], run_id="r", at=NOW
    )
    memory = queue(memory, quiet, grave)

    memory, _ = deliver(memory, "dev", quiet, post, NOW)
    assert {message for _, message in post.took} == {grave[0].id}
    memory, _ = deliver(memory, "dev", quiet, post, NOW + timedelta(hours=1))

    assert post.took[-1] == ("all", messages[0].id)
    assert memory.waiting == ()


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-06-01T19:59+02:00", None),
        ("2026-06-01T20:00+02:00", "2026-06-02T07:00+02:00"),
        ("2026-06-02T06:59+02:00", "2026-06-02T07:00+02:00"),
        ("2026-06-02T07:00+02:00", None),
        # The night in which clocks go forward.
        ("2026-03-29T00:30+01:00", "2026-03-29T07:00+02:00"),
    ],
)
def test_quiet_hours_go_over_midnight_and_follow_the_clocks_of_their_zone(now: str, until: str | None) -> None:
    hours = QuietHours(enabled=True, start="20:00", end="07:00", time_zone="Europe/Berlin")

    found = quiet_until(hours, datetime.fromisoformat(now).astimezone(UTC))

    assert found == (None if until is None else datetime.fromisoformat(until))


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2hunter2",
        '{"auth_token": "hunter2hunter2"}',
        "postgresql://ils:hunter2hunter2@db:5432/ils",
        "Authorization: Bearer hunter2hunter2",
        "https://hooks.slack.com/services/hunter2hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2hunter2\n-----END PRIVATE KEY-----",
        "https://x.s3.amazonaws.com/a?X-Amz-Signature=hunter2hunter2&b=c",
        "aws_secret_access_key = hunter2hunter2",
    ],
)
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(text: str) -> None:
    for place in (without_secrets(text), _tell(Memory(), [_finding(text, found=text)])[0].model_dump_json()):
        assert "hunter2" not in place
        assert MASK in place


def test_what_is_no_secret_stays() -> None:
    text = "expected 3 tokens of 2 secrets, found arn:aws:acm:us-east-1:123456789012:certificate/ab-12 at https://a.b/c"

    assert without_secrets(text) == text


STEPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3),
        st.sets(st.sampled_from(["all", "grave"])),
        st.integers(1, 2000),
    ),
    max_size=12,
)


@given(STEPS)
def test_whatever_fails_in_between_every_message_arrives_once_on_each_channel(
    steps: list[tuple[list[str], set[str], int]],
) -> None:
    """The memory is written and read at every step, as the sensor's cursor is."""
    post, memory, now, expected = Post(), Memory(), NOW, []
    for subjects, failing, minutes in steps:
        now += timedelta(minutes=minutes)
        memory, messages = _tell(memory, [_finding(each, Urgency.CRITICAL) for each in subjects], now)
        memory = queue(memory, SETTINGS, messages)
        expected += [(channel.name, message.id) for message in messages for channel in SETTINGS.channels]
        post.failing = failing
        memory, _ = deliver(memory, "dev", SETTINGS, post, now)
        memory = Memory.model_validate_json(memory.model_dump_json())
    post.failing = set()
    for _ in range(len(expected) // MOST_AT_ONCE + 1):
        now += LONGEST_PAUSE
        memory, _ = deliver(memory, "dev", SETTINGS, post, now)

    assert sorted(post.took) == sorted(expected)
    assert memory.waiting == ()


def test_what_is_about_an_environment_that_is_gone_is_forgotten() -> None:
    memory, messages = _tell(Memory(), [_finding()])

    assert queue(memory, SETTINGS, messages).only_of(["staging"]) == Memory()
    assert memory.only_of(["dev"]) == memory
