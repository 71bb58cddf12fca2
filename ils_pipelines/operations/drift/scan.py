"""Scanning the layers of an environment for drift."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.drift.models import DriftFinding, DriftReport, DriftState, LayerDrift
from ils_pipelines.operations.drift.trail import Trail
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.engine.models import ResourceDrift
    from ils_pipelines.targets.protocol import Target


def scan(target: Target, layers: Iterable[Layer] = Layer, *, record: bool = False) -> DriftReport:
    """Compare every resource of `layers` with what is really there, all layers side by side. Makes no mutating call.

    There is one read for each resource, together: a network's rules, routes and subnets are read in one call for many, while
    AWS tells of a KMS key or a table in three calls and of a secret and a role in one each, and of no two in one. With
    `record`, what is found is written into the checkpoints, from which the next up puts it back.

    Raises nothing for a layer that cannot be looked at: its state is then `unknown`.
    """
    started, taken_at = time.monotonic(), datetime.now(UTC)
    trail = Trail(target)
    chosen = [layer for layer in Layer if layer in set(layers)]
    with ThreadPoolExecutor(max(len(chosen), 1), thread_name_prefix="drift") as pool:
        found = tuple(pool.map(lambda layer: scan_layer(target, layer, trail, record=record), chosen))
    return DriftReport(target.environment.name, taken_at, timedelta(seconds=time.monotonic() - started), found)


def scan_layer(target: Target, layer: Layer, trail: Trail, *, record: bool = False) -> LayerDrift:
    """One layer. Raises nothing that it expects."""
    started = time.monotonic()
    try:
        work = layer_work(target, layer)
        if holder := work.lock_holder():
            return LayerDrift(
                layer,
                DriftState.UNKNOWN,
                reason=f"{holder.operation} by {holder.user} is under way (process {holder.pid} on {holder.host}): "
                "scan again when it is done",
            )
        drift = work.refresh(record=record)
    except IlsError as error:
        return LayerDrift(layer, DriftState.UNKNOWN, reason=str(error))
    except Exception as error:  # noqa: BLE001 what a provider cannot understand of one layer says nothing of the others
        return LayerDrift(layer, DriftState.UNKNOWN, reason=f"{type(error).__name__}: {error}")
    if not drift.checked and layer not in target.environment.layers:
        return LayerDrift(layer, DriftState.AS_APPLIED, reason=f"{target.environment.name} has no {layer} layer")
    if not drift.checked:
        return LayerDrift(
            layer,
            DriftState.NOT_PROVISIONED,
            reason=f"there is nothing of the {layer} layer in {target.environment.name} to compare: it was never "
            f"provisioned, or was taken down. Provision it with: ils up {target.environment.name}",
        )
    findings = tuple(found for resource in drift.drifted for found in _findings(layer, resource, trail))
    return LayerDrift(
        layer,
        DriftState.DRIFTED if findings else DriftState.AS_APPLIED,
        checked=drift.checked,
        findings=findings,
        duration=timedelta(seconds=time.monotonic() - started),
    )


def _findings(layer: Layer, resource: ResourceDrift, trail: Trail) -> Iterator[DriftFinding]:
    changed_by = trail.last_change(resource)
    subject = (layer, resource.type, resource.name, resource.id)
    if resource.missing:
        yield DriftFinding(*subject, path="", expected=None, found=None, changed_by=changed_by)
    for diff in resource.diffs:
        yield DriftFinding(*subject, path=diff.path, expected=diff.old, found=diff.new, changed_by=changed_by)
