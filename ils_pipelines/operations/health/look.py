"""Looking at the health of one live environment."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.health.catalog import PROBED, PROBES, Probe
from ils_pipelines.operations.health.models import (
    HealthFinding,
    HealthReport,
    HealthStatus,
    LayerCondition,
    LayerHealth,
)
from ils_pipelines.operations.health.view import View
from ils_pipelines.operations.live import ApiUnavailable, Live
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.engine.models import Outputs
    from ils_pipelines.targets.protocol import Target

THREADS = len(PROBES)
"""Every probe waits for AWS or Kubernetes most of its time."""

Known = Mapping[Layer, "Outputs | IlsError | None"]
"""What each layer handed out; None when it was never provisioned, an error when that cannot be said."""


def health(target: Target, layers: Iterable[Layer] = PROBED) -> HealthReport:
    """Look at every component of `layers`, side by side. Reads only.

    Raises nothing for what cannot be learned: that is `unknown`, never `healthy`.
    """
    started, taken_at = time.monotonic(), datetime.now(UTC)
    chosen = [layer for layer in PROBED if layer in set(layers)]
    probes = [probe for probe in PROBES if probe.speaks_for in chosen]
    live = Live(target)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="health") as pool:
        needed = sorted({layer for probe in probes for layer in (probe.reads, probe.speaks_for)}, key=list(Layer).index)
        known: Known = dict(zip(needed, pool.map(lambda layer: _outputs(target, layer), needed), strict=True))
        found = dict(zip(probes, pool.map(lambda probe: _look(probe, live, known), probes), strict=True))
    return HealthReport(
        environment=target.environment.name,
        taken_at=taken_at,
        duration=timedelta(seconds=time.monotonic() - started),
        layers=tuple(_layer(layer, target.environment.name, known, found) for layer in chosen),
    )


def _outputs(target: Target, layer: Layer) -> Outputs | IlsError | None:
    if layer is Layer.APP_RELEASE:
        return None  # a release keeps no record beside the cluster: its probe says whether it is there
    try:
        return layer_work(target, layer).outputs()
    except IlsError as error:
        return error


def _look(probe: Probe, live: Live, known: Known) -> tuple[HealthFinding, ...]:
    outputs = known[probe.reads]
    if outputs is None:
        return ()
    if isinstance(outputs, IlsError):
        return (_unknown(probe, str(outputs)),)
    found: list[HealthFinding] = []
    try:
        # One by one, so that what was found before a call failed is kept.
        for finding in probe.look(View(live, outputs)):
            found.append(finding)  # noqa: PERF402
    except ApiUnavailable as unavailable:
        found.append(_unknown(probe, str(unavailable)))
    except Exception as error:  # noqa: BLE001 an answer we do not understand is no proof, and the other probes go on
        found.append(_unknown(probe, f"the answer could not be understood ({type(error).__name__}: {error})"))
    return tuple(found)


def _unknown(probe: Probe, why: str) -> HealthFinding:
    return HealthFinding(
        component=probe.components,
        status=HealthStatus.UNKNOWN,
        expected="an answer",
        found=why,
        remedy="See that the API can be reached and that these credentials may call it, then look again.",
    )


def _layer(
    layer: Layer, environment: str, known: Known, found: Mapping[Probe, tuple[HealthFinding, ...]]
) -> LayerHealth:
    own = [probe for probe in found if probe.speaks_for is layer]
    findings = tuple(finding for probe in own for finding in found[probe])
    if findings:
        return LayerHealth(layer, LayerCondition.LOOKED_AT, findings)
    if known[layer] is None:
        return LayerHealth(
            layer,
            LayerCondition.NOT_PROVISIONED,
            reason=f"there is nothing of the {layer} layer in {environment}: provision it with: ils up {environment}",
        )
    kinds = ", ".join(probe.components for probe in own)
    return LayerHealth(layer, LayerCondition.NOT_APPLICABLE, reason=f"{environment} has no {kinds}")
