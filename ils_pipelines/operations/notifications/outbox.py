"""What waits to be sent, and sending what is due. Pure but for the sending: whoever keeps the memory loses no message.

A message leaves the memory when its channel took it, not before. Whoever is interrupted between the two sends it again, with
the same id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from ils_pipelines.operations.findings import Urgency, worst
from ils_pipelines.operations.notifications.channels import NotSent
from ils_pipelines.operations.notifications.models import Memory, Message, Sent, Waiting
from ils_pipelines.operations.notifications.quiet import quiet_until
from ils_pipelines.settings.notifications import Channel, Notifications

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
MOST_AT_ONCE = 20
"""Messages of an environment in one go, so that the others have their turn."""

Send = Callable[[Channel, Message], str]
"""Raises `NotSent`."""


def _no_end() -> bool:
    return False


def queue(memory: Memory, settings: Notifications, messages: Iterable[Message]) -> Memory:
    """With each message waiting for every channel that is told of as much."""
    there = {(each.channel, each.message.id) for each in memory.waiting}
    new = [
        Waiting(channel=channel.name, message=message)
        for message in messages
        for channel in settings.channels
        if _is_told(channel, message.urgency) and (channel.name, message.id) not in there
    ]
    return memory.model_copy(update={"waiting": (*memory.waiting, *new)})


def deliver(
    memory: Memory,
    environment: str,
    settings: Notifications,
    send: Send,
    now: datetime,
    is_over: Callable[[], bool] = _no_end,
) -> tuple[Memory, tuple[Sent, ...]]:
    """Send what is due of one environment, the oldest first, until the time for it `is_over`: the rest waits.

    A channel that fails is left alone for the rest of this go, so that its messages keep their order.
    """
    channels = {channel.name: channel for channel in settings.channels}
    hushed = quiet_until(settings.quiet_hours, now)
    kept: list[Waiting] = []
    sent: list[Sent] = []
    down: set[str] = set()
    for each in memory.waiting:
        channel = channels.get(each.channel)
        if each.message.environment != environment or len(sent) >= MOST_AT_ONCE or is_over():
            kept.append(each)
        elif channel is None:
            continue  # its channel is no more in the file: somebody took it out
        elif each.channel in down or _waits(each, hushed, now):
            if each.not_before is not None and each.not_before > now:
                down.add(each.channel)
            kept.append(each)
        else:
            try:
                answer = send(channel, each.message)
            except NotSent as failed:
                down.add(each.channel)
                kept.append(_again(each, failed, now))
            else:
                sent.append(
                    Sent(
                        message=each.message,
                        channel=channel.name,
                        kind=channel.kind.value,
                        attempts=each.attempts + 1,
                        at=now,
                        answer=answer,
                    )
                )
    return memory.model_copy(update={"waiting": tuple(kept)}), tuple(sent)


def _is_told(channel: Channel, urgency: Urgency) -> bool:
    return worst((urgency, Urgency(channel.least.value))) is urgency


def _waits(waiting: Waiting, hushed: datetime | None, now: datetime) -> bool:
    if waiting.message.urgency is not Urgency.CRITICAL and hushed is not None:
        return True
    return waiting.not_before is not None and waiting.not_before > now


def _again(waiting: Waiting, failed: NotSent, now: datetime) -> Waiting:
    """Later, and the later the more often it failed."""
    pause = failed.wait or min(FIRST_PAUSE * 2 ** min(waiting.attempts, 12), LONGEST_PAUSE)
    return waiting.model_copy(
        update={"attempts": waiting.attempts + 1, "not_before": now + pause, "why": str(failed)[:300]}
    )
