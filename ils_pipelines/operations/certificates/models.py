"""What a look at the certificates of an environment reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ils_pipelines.operations.findings import Finding, Urgency, by_urgency, worst
from ils_pipelines.operations.probing import LayerCondition, LayerLook
from ils_pipelines.settings.layers import Layer

LAYERS = (Layer.CLUSTER, Layer.DATABASE, Layer.CACHE, Layer.LOAD_BALANCER)
"""Those that have certificates at all."""


@dataclass(frozen=True)
class Examined:
    """One certificate, or one thing about certificates, as it was found."""

    component: str
    """Where it is and what it is for, e.g. `TLS secret ils-dev/web, tls.crt: web.example.com`."""
    note: str
    """What else is worth knowing: issuer, key, renewal, who uses it."""
    ends: datetime | None = None
    """UTC; None where that is not said."""
    findings: tuple[Finding, ...] = ()

    @property
    def urgency(self) -> Urgency:
        return worst(finding.urgency for finding in self.findings)


@dataclass(frozen=True)
class CertificateReport:
    """One environment at one moment."""

    environment: str
    taken_at: datetime
    """UTC."""
    duration: timedelta
    layers: tuple[LayerLook[Examined], ...]

    def of(self, layer: Layer) -> LayerLook[Examined]:
        return next(each for each in self.layers if each.layer is layer)

    @property
    def examined(self) -> tuple[Examined, ...]:
        """The most urgent first, then what ends first."""
        return tuple(sorted(self._all(), key=_order))

    @property
    def findings(self) -> tuple[Finding, ...]:
        return by_urgency(finding for each in self._all() for finding in each.findings)

    @property
    def counts(self) -> dict[Urgency, int]:
        """How many of what was examined have each urgency."""
        return {urgency: sum(each.urgency is urgency for each in self._all()) for urgency in Urgency}

    @property
    def sound(self) -> bool:
        return all(layer_sound(layer) for layer in self.layers)

    def _all(self) -> Iterator[Examined]:
        for layer in self.layers:
            yield from layer.found


def layer_sound(look: LayerLook[Examined]) -> bool:
    """Whether nothing is to be done. Of what was never provisioned nobody can say that."""
    if look.condition is LayerCondition.LOOKED_AT:
        return not any(each.findings for each in look.found)
    return look.condition is LayerCondition.NOT_APPLICABLE


_URGENT_FIRST = {urgency: -position for position, urgency in enumerate(Urgency)}


def _order(each: Examined) -> tuple[int, float, str]:
    return _URGENT_FIRST[each.urgency], each.ends.timestamp() if each.ends else float("inf"), each.component
