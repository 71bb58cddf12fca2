"""What a drift scan reports. No secret is in it: the engine masks what is one before it says anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ils_pipelines.settings.layers import Layer

NOTHING = "nothing"
"""Stands for a value that is not there."""


class DriftState(StrEnum):
    """What can be said of a layer. Only one that was looked at whole and found as it was left is `as_applied`."""

    AS_APPLIED = "as_applied"
    DRIFTED = "drifted"
    NOT_PROVISIONED = "not_provisioned"
    """There is nothing to compare with: the layer was never brought up, or was taken down."""
    UNKNOWN = "unknown"
    """It is being changed at this moment, or what would tell did not answer."""

    @property
    def words(self) -> str:
        return self.replace("_", " ")


@dataclass(frozen=True)
class TrailEvent:
    """The last change of a resource that CloudTrail knows of."""

    who: str
    """ARN or name of the caller."""
    action: str
    """Name of the API call."""
    at: datetime
    """UTC."""

    def __str__(self) -> str:
        return f"{self.who} ({self.action}, {self.at:%Y-%m-%d %H:%M} UTC)"


@dataclass(frozen=True)
class DriftFinding:
    """One property that is not as it was left, or a resource that is gone."""

    layer: Layer
    type: str
    """Pulumi's or Kubernetes' type, e.g. `aws:ec2/vpc:Vpc`."""
    resource: str
    """Its name in the program."""
    id: str
    """The provider's id."""
    path: str
    """Of the property as Pulumi writes it, e.g. `tags.Name`; empty when the resource is missing."""
    expected: Any
    """JSON value; None is nothing."""
    found: Any
    changed_by: TrailEvent | None
    """None: not known."""

    @property
    def missing(self) -> bool:
        return not self.path

    @property
    def subject(self) -> str:
        """The property, or what stands for the whole resource."""
        return self.path or "the resource itself"

    @property
    def expected_text(self) -> str:
        return "there" if self.missing else text_of(self.expected)

    @property
    def found_text(self) -> str:
        return "missing" if self.missing else text_of(self.found)

    @property
    def changed_by_text(self) -> str:
        return str(self.changed_by or "unknown")


@dataclass(frozen=True)
class LayerDrift:
    """One layer at one moment."""

    layer: Layer
    state: DriftState
    checked: int = 0
    """Resources that were compared."""
    findings: tuple[DriftFinding, ...] = ()
    reason: str = ""
    """Why the state is `not_provisioned` or `unknown`, or that the environment does without the layer."""
    duration: timedelta = timedelta(0)

    @property
    def drifted(self) -> int:
        """Resources that have a finding."""
        return len({(finding.type, finding.resource, finding.id) for finding in self.findings})


@dataclass(frozen=True)
class DriftReport:
    """One environment at one moment."""

    environment: str
    taken_at: datetime
    """UTC."""
    duration: timedelta
    layers: tuple[LayerDrift, ...]
    """In the order of the layers; those that were asked for."""

    @property
    def clean(self) -> bool:
        """Whether every layer was looked at and is as it was left. One that was not provisioned is not."""
        return all(layer.state is DriftState.AS_APPLIED for layer in self.layers)

    @property
    def findings(self) -> tuple[DriftFinding, ...]:
        return tuple(finding for layer in self.layers for finding in layer.findings)

    @property
    def counts(self) -> dict[DriftState, int]:
        """How many layers are in each state, those that none is in included."""
        return {state: sum(layer.state is state for layer in self.layers) for state in DriftState}


def text_of(value: Any) -> str:
    """A JSON value for people."""
    if value is None:
        return NOTHING
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
