"""What a look at an environment's health reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ils_pipelines.operations.probing import LayerCondition
from ils_pipelines.settings.layers import Layer


class HealthStatus(StrEnum):
    """From best to worst. Only what answered, and answered as expected, is healthy."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """It works, with less than it should have, or is being worked on."""
    UNKNOWN = "unknown"
    """What would tell did not answer, or not in a way that could be understood."""
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class HealthFinding:
    """One component as it was found, well or not."""

    component: str
    """What and which, e.g. `database instance ils-dev-1`."""
    status: HealthStatus
    expected: str
    found: str
    remedy: str
    """What to do; empty for what is healthy."""


@dataclass(frozen=True)
class LayerHealth:
    """One layer at one moment."""

    layer: Layer
    condition: LayerCondition
    findings: tuple[HealthFinding, ...] = ()
    reason: str = ""
    """Why there was nothing to look at."""

    @property
    def status(self) -> HealthStatus | None:
        """The worst of its components; None when there is nothing to look at."""
        return worst(finding.status for finding in self.findings)

    @property
    def sound(self) -> bool:
        """Whether all is well. What was never provisioned is not."""
        if self.condition is LayerCondition.LOOKED_AT:
            return self.status is HealthStatus.HEALTHY
        return self.condition is LayerCondition.NOT_APPLICABLE

    @property
    def says(self) -> str:
        """Its status or, where there is none, why."""
        return self.condition.words if self.status is None else self.status.value


@dataclass(frozen=True)
class HealthReport:
    """One environment at one moment."""

    environment: str
    taken_at: datetime
    """UTC."""
    duration: timedelta
    layers: tuple[LayerHealth, ...]
    """In the order of the layers; those that were asked for and have something to look at."""

    @property
    def sound(self) -> bool:
        return all(layer.sound for layer in self.layers)

    @property
    def findings(self) -> tuple[HealthFinding, ...]:
        return tuple(finding for layer in self.layers for finding in layer.findings)

    @property
    def problems(self) -> tuple[HealthFinding, ...]:
        """What is not healthy, the worst first."""
        found = [finding for finding in self.findings if finding.status is not HealthStatus.HEALTHY]
        return tuple(sorted(found, key=lambda finding: -_SEVERITY[finding.status]))

    @property
    def counts(self) -> dict[HealthStatus, int]:
        """How many components have each status, those that none has included."""
        return {status: sum(each.status is status for each in self.findings) for status in HealthStatus}


_SEVERITY = {status: position for position, status in enumerate(HealthStatus)}


def worst(statuses: Iterable[HealthStatus]) -> HealthStatus | None:
    return max(statuses, key=lambda status: _SEVERITY[status], default=None)
