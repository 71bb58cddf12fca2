"""Looking at the health of one live environment."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.health.catalog import PROBED, PROBES
from ils_pipelines.operations.health.models import HealthFinding, HealthReport, HealthStatus, LayerHealth
from ils_pipelines.operations.health.vitals.probes import vitals_probes
from ils_pipelines.operations.probing import Probe, look_at
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.jobs import JobRunner
    from ils_pipelines.targets.protocol import Target


def health(target: Target, layers: Iterable[Layer] = PROBED, jobs: JobRunner | None = None) -> HealthReport:
    """Look at every component of `layers`, side by side.

    With `jobs`, which runs one in the environment's cluster, database, cache and application are asked themselves, too.
    Without, only AWS and Kubernetes are asked about them, which reads only.

    Raises nothing for what cannot be learned: that is `unknown`, never `healthy`.
    """
    started, taken_at = time.monotonic(), datetime.now(UTC)
    probes = PROBES if jobs is None else (*PROBES, *vitals_probes(target, jobs))
    looks = look_at(target, probes, layers, _unknown)
    return HealthReport(
        environment=target.environment.name,
        taken_at=taken_at,
        duration=timedelta(seconds=time.monotonic() - started),
        layers=tuple(LayerHealth(each.layer, each.condition, each.found, each.reason) for each in looks),
    )


def _unknown(probe: Probe[HealthFinding], why: str) -> HealthFinding:
    return HealthFinding(
        component=probe.components,
        status=HealthStatus.UNKNOWN,
        expected="an answer",
        found=why,
        remedy="See that the API can be reached and that these credentials may call it, then look again.",
    )
