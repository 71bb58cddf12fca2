"""Looking at every certificate of one live environment."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.certificates.catalog import SOURCES
from ils_pipelines.operations.certificates.models import LAYERS, CertificateReport, Examined
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.probing import Probe, look_at
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

_REMEDY = "See that the API can be reached and that these credentials may call it, then look again."


def certificates(target: Target, layers: Iterable[Layer] = LAYERS) -> CertificateReport:
    """Look at every certificate of `layers`, place by place, side by side. Reads only, and shakes hands with servers.

    Raises nothing for what cannot be learned: that is `unknown`, never `fine`.
    """
    started, taken_at = time.monotonic(), datetime.now(UTC)
    looks = look_at(target, SOURCES, layers, _unknown)
    duration = timedelta(seconds=time.monotonic() - started)
    return CertificateReport(target.environment.name, taken_at, duration, looks)


def _unknown(source: Probe[Examined], why: str) -> Examined:
    finding = Finding(source.components, Urgency.UNKNOWN, "an answer", why, _REMEDY)
    return Examined(source.components, "", findings=(finding,))
