"""What a rotation is asked for, what it shows, and how it fails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ils_pipelines.errors import IlsError


class What(StrEnum):
    """What can be rotated."""

    DATABASE = "database"
    """The administrator's password, and the application's login where it has one of its own."""
    CACHE = "cache"
    """The auth token."""


class RotationFailed(IlsError):
    """A secret could not be rotated. What was begun is gone on with by the next rotation; pods have a secret that works."""

    def __init__(self, subject: str, expected: str, found: str, remedy: str) -> None:
        super().__init__(f"{subject}: expected {expected}, found {found}. {remedy}")


@dataclass(frozen=True)
class Proof:
    """What was tried after a rotation. Holds no secret."""

    subject: str
    accepted: str
    """What the server said to the new one."""
    refused: str
    """What it said to the old one."""

    def __str__(self) -> str:
        return f"{self.subject}: the new one is let in ({self.accepted}), the old one is not ({self.refused})"
