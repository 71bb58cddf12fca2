"""What a scan finds that asks for attention, in the one shape in which scans are told, sorted and sent to people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Urgency(StrEnum):
    """From least to most."""

    FINE = "fine"
    """Nothing is to be done. Only what answered, and answered as expected."""
    WARNING = "warning"
    UNKNOWN = "unknown"
    """What would tell did not answer, or not in a way that could be understood."""
    CRITICAL = "critical"


_ORDER = {urgency: position for position, urgency in enumerate(Urgency)}


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, or that nobody can tell. Never holds a secret."""

    subject: str
    """What and which, e.g. `ACM certificate ils.example.com`."""
    urgency: Urgency
    expected: str
    found: str
    remedy: str
    due: datetime | None = None
    """UTC: when it will have done harm, where that is known."""

    def entry(self) -> dict[str, str | None]:
        """As JSON has it."""
        return {
            "subject": self.subject,
            "urgency": self.urgency.value,
            "expected": self.expected,
            "found": self.found,
            "remedy": self.remedy,
            "due": self.due.isoformat() if self.due else None,
        }


def worst(urgencies: Iterable[Urgency]) -> Urgency:
    """`FINE` where there is none."""
    return max(urgencies, key=_ORDER.__getitem__, default=Urgency.FINE)


def by_urgency(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most urgent first, and of those what is due first."""
    return tuple(
        sorted(
            findings,
            key=lambda each: (-_ORDER[each.urgency], each.due.timestamp() if each.due else float("inf"), each.subject),
        )
    )
