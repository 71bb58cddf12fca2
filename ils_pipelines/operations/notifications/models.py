"""What is told, to whom it still has to be told, and what was told. None of it holds a secret."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from ils_pipelines.operations.findings import Urgency


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Topic(StrEnum):
    """What a message is about."""

    FINDING = "finding"
    OVER = "over"
    """A finding that was told is no more."""


class Said(_Model):
    """One line of a message."""

    subject: str
    urgency: Urgency
    expected: str = ""
    found: str = ""
    remedy: str = ""


class Message(_Model):
    """What goes out, on every channel the same."""

    id: str
    """The same whenever it is tried again, so that whoever receives it twice can tell."""
    environment: str
    topic: Topic
    source: str
    """Where it comes from, e.g. `certificates of load_balancer`."""
    urgency: Urgency
    """The worst of what is said, or was said of what is over."""
    said: tuple[Said, ...]
    more: int = 0
    """How much was left out, for length."""
    runbook: str
    run_id: str = ""
    at: datetime
    """UTC: when it was found."""

    @property
    def title(self) -> str:
        if self.topic is Topic.OVER:
            return f"{self.environment}: over: {self.source}"
        return f"{self.environment}: {self.urgency}: {self.source}"


class Waiting(_Model):
    """A message that one channel has not got yet."""

    channel: str
    message: Message
    attempts: int = 0
    not_before: datetime | None = None
    """UTC."""
    why: str = ""
    """What the last attempt met."""


class Told(_Model):
    """A subject that people know of, with all that was found of it."""

    urgency: Urgency
    """The worst of its findings."""
    at: datetime
    findings: int = 1
    """How many there were."""


class Memory(_Model):
    """What is kept between two looks: everything that must not be forgotten."""

    told: dict[str, dict[str, Told]] = Field(default_factory=dict)
    """By source (`<environment>/<source>`), then by subject."""
    waiting: tuple[Waiting, ...] = ()

    def only_of(self, environments: Collection[str]) -> Memory:
        """Without what is about environments that are gone: there is nobody left to tell."""
        told = {key: value for key, value in self.told.items() if key.partition("/")[0] in environments}
        waiting = tuple(each for each in self.waiting if each.message.environment in environments)
        return Memory(told=told, waiting=waiting)


class Sent(_Model):
    """The audit of one message on one channel."""

    message: Message
    channel: str
    kind: str
    attempts: int
    at: datetime
    answer: str
    """What the other side said, e.g. its id of the message or its status."""
