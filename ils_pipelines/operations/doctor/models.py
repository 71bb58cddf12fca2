"""What a look at one thing found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Works, but deserves a look."""
    PROBLEM = "problem"
    """Does not work, or will not."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at. What is ok needs no remedy."""

    subject: str
    """What was looked at, e.g. `pulumi`, `dev: state bucket`."""
    verdict: Verdict
    expected: str
    found: str
    remedy: str = ""


def ok(subject: str, expected: str, found: str) -> Diagnosis:
    return Diagnosis(subject, Verdict.OK, expected, found)


def problem(subject: str, expected: str, found: str, remedy: str) -> Diagnosis:
    return Diagnosis(subject, Verdict.PROBLEM, expected, found, remedy)


def warning(subject: str, expected: str, found: str, remedy: str) -> Diagnosis:
    return Diagnosis(subject, Verdict.WARNING, expected, found, remedy)
