"""Controls, and what evaluating them gave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.posture import PostureWaiver


class Severity(StrEnum):
    """How bad it is when a control does not hold."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Verdict(StrEnum):
    """What can be said of a control. Only what was looked at and found right has passed."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    """An API that would tell did not answer, or not in a way that could be understood."""
    WAIVED = "waived"
    """It does not hold, and the environment file says why that is accepted and until when."""
    PASSED = "passed"
    NOT_APPLICABLE = "not_applicable"
    """The environment has nothing that the control is about."""


@dataclass(frozen=True)
class Control:
    """One security rule."""

    id: ControlId
    number: int
    """The row of the list of controls that this belongs to; rows that ask for several things have several controls."""
    title: str
    """What holds where the control holds, as a sentence without its full stop."""
    severity: Severity
    layer: str
    """The layer whose resources are looked at; one that this version does not have yet is possible."""
    evaluator: str
    """`module.function` in `ils_pipelines.operations.posture.evaluators`."""
    remedy: str
    """What to do about a finding."""
    absent: str
    """What is not there when there is nothing to look at, e.g. `no load balancer`."""
    checkov: tuple[str, ...] = ()
    fsbp: tuple[str, ...] = ()
    """Ids of the AWS Foundational Security Best Practices standard."""

    @property
    def references(self) -> str:
        return ", ".join((*self.checkov, *self.fsbp))


@dataclass(frozen=True)
class Observation:
    """One resource as an evaluator found it."""

    resource: str
    expected: str
    found: str
    holds: bool


@dataclass(frozen=True)
class Finding:
    """A resource for which a control does not hold."""

    control: Control
    resource: str
    expected: str
    found: str
    remedy: str


@dataclass(frozen=True)
class WaivedFinding:
    """A finding that is accepted."""

    finding: Finding
    waiver: PostureWaiver


@dataclass(frozen=True)
class Result:
    """What evaluating one control gave."""

    control: Control
    verdict: Verdict
    resources: tuple[str, ...] = ()
    """All that were looked at."""
    findings: tuple[Finding, ...] = ()
    """Those that no waiver covers."""
    waived: tuple[WaivedFinding, ...] = ()
    reason: str = ""
    """Why the verdict is `unknown` or `not_applicable`."""


@dataclass(frozen=True)
class WaiverProblem:
    """A waiver that covers nothing."""

    waiver: PostureWaiver
    reason: str


@dataclass(frozen=True)
class Report:
    """The posture of one environment at one moment."""

    environment: str
    taken_at: datetime
    """UTC."""
    duration: timedelta
    results: tuple[Result, ...]
    """In the order of the controls."""
    waiver_problems: tuple[WaiverProblem, ...]

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many controls have each verdict, those that none has included."""
        return {verdict: sum(result.verdict is verdict for result in self.results) for verdict in Verdict}

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for result in self.results for finding in result.findings)

    def of_layer(self, layer: str) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.control.layer == layer)
