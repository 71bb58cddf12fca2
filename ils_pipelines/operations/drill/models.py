"""What a drill found: the evidence, as it is kept, shown and compared with that of other drills."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from ils_pipelines.operations.backup.details import Record
from ils_pipelines.operations.drill.scenario import Scenario

FORMAT: Final = 1


class Check(Record):
    """One thing that was verified."""

    subject: str
    """What was looked at, e.g. `table ils.orders`."""
    what: str
    passed: bool
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}: expected {self.expected}, found {self.found}"


def check(subject: str, what: str, expected: object, found: object, *, passed: bool | None = None) -> Check:
    """Passed when both are the same, unless it is said."""
    return Check(
        subject=subject,
        what=what,
        passed=expected == found if passed is None else passed,
        expected=str(expected),
        found=str(found),
    )


def flaw_checks(subject: str, flaws: list[str]) -> Iterator[Check]:
    """Flaws are worded `what: expected …, found …`."""
    for flaw in flaws:
        what, _, words = flaw.partition(": ")
        yield Check(subject=subject, what=what, passed=False, expected=words, found="otherwise")
    if not flaws:
        yield check(subject, "network, firewall, parameters, keys", "as they should be", "as they should be")


class StepStatus(StrEnum):
    DONE = "done"
    FAILED = "failed"


class Step(Record):
    """One step of the timeline."""

    name: str
    started: datetime
    finished: datetime
    status: StepStatus

    @property
    def seconds(self) -> float:
        return (self.finished - self.started).total_seconds()


class Verdict(StrEnum):
    """Whether a target was reached."""

    MET = "met"
    BREACHED = "breached"
    NOT_MEASURED = "not measured"
    """Nothing got so far, or there was nothing to measure by."""


class Measure(Record):
    """A time that was taken, and what it may be at most."""

    seconds: float | None
    target_seconds: float
    basis: str
    """From what to what, in words."""

    @property
    def verdict(self) -> Verdict:
        if self.seconds is None:
            return Verdict.NOT_MEASURED
        return Verdict.MET if self.seconds <= self.target_seconds else Verdict.BREACHED


class Evidence(Record):
    """One drill."""

    format: Literal[1] = FORMAT
    drill: str
    environment: str
    scenario: Scenario
    set: str
    """`SetId.name`; empty when no set could be chosen."""
    manifest_sha256: str
    """Of the manifest whose signature was verified; empty when it was not."""
    signing_key_arn: str
    region: str
    """Restored to."""
    code_version: str
    started: datetime
    finished: datetime
    steps: tuple[Step, ...]
    checks: tuple[Check, ...]
    rto: Measure
    rpo: Measure
    not_restored: tuple[str, ...]
    leftovers: tuple[str, ...]
    """What is still there of the drill; each a reason to fail."""
    live_before: str
    """Fingerprint of what is live, hexadecimal."""
    live_after: str
    live_changes: tuple[str, ...]
    causes: tuple[str, ...]
    """Why the drill failed; none when it passed."""

    @property
    def passed(self) -> bool:
        return not self.causes


class Brief(Record):
    """A drill in one line: what lists and trends are made of."""

    drill: str
    environment: str
    scenario: Scenario
    set: str
    started: datetime
    passed: bool
    rto_seconds: float | None
    rto_target_seconds: float
    rpo_seconds: float | None
    rpo_target_seconds: float
    cause: str
    """The first."""


def brief_of(evidence: Evidence) -> Brief:
    return Brief(
        drill=evidence.drill,
        environment=evidence.environment,
        scenario=evidence.scenario,
        set=evidence.set,
        started=evidence.started,
        passed=evidence.passed,
        rto_seconds=evidence.rto.seconds,
        rto_target_seconds=evidence.rto.target_seconds,
        rpo_seconds=evidence.rpo.seconds,
        rpo_target_seconds=evidence.rpo.target_seconds,
        cause=evidence.causes[0] if evidence.causes else "",
    )
