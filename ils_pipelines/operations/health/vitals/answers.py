"""What the job found, as it tells it: numbers and reasons, no secret and no address."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

_MARK = "vitals: "
"""Begins the one line of the job's log that is its result."""


class Answer(BaseModel):
    """Of one of those that were asked. `failure` says why there is nothing more; empty when it answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failure: str = ""


class DatabaseAnswer(Answer):
    connections: int = 0
    most_connections: int = 0
    bytes: int = 0
    """Size of the application's database."""


class CacheAnswer(Answer):
    bytes: int = 0
    most_bytes: int = 0
    """Zero where it does not say."""
    clients: int = 0
    most_clients: int = 0
    evicted: int = 0
    """Keys, since the server started."""
    rejected: int = 0
    """Connections, likewise."""


class PageAnswer(Answer):
    path: str
    code: int = 0


class Answers(BaseModel):
    """Of everything that was asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: DatabaseAnswer
    cache: CacheAnswer
    pages: tuple[PageAnswer, ...] = ()

    def line(self) -> str:
        return f"{_MARK}{self.model_dump_json()}"


def answers_in(lines: Iterable[str]) -> Answers | None:
    """What a job's log tells; None when it tells nothing that can be understood."""
    for line in lines:
        if line.startswith(_MARK):
            try:
                return Answers.model_validate_json(line.removeprefix(_MARK))
            except ValidationError:
                return None
    return None
