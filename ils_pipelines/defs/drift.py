"""Drift: a check on every layer's asset that says what is not as it was left, a report, a daily scan. Mends nothing."""

from collections.abc import Iterator

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetSelection,
    AssetSpec,
    MaterializeResult,
    MetadataValue,
    define_asset_job,
    multi_asset,
    multi_asset_check,
)

from ils_pipelines.defs.checks import layer_check_spec
from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.layers import OWNERS, asset_key
from ils_pipelines.defs.looks import Looks
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.schedules import environment_schedules
from ils_pipelines.operations.drift.markdown import findings_table, report_text
from ils_pipelines.operations.drift.models import DriftReport, DriftState, LayerDrift
from ils_pipelines.settings.layers import Layer

CHECK = "drift"
REPORT = "drift_report"
JOB = "drift_scan"


@multi_asset_check(
    name="check_drift",
    specs=[
        layer_check_spec(layer, CHECK, f"Every resource of the {layer} layer is as the last provisioning left it.")
        for layer in Layer
    ],
    can_subset=True,
)
def drift_checks(
    context: AssetCheckExecutionContext, targets: EnvironmentTargets, looks: Looks
) -> Iterator[AssetCheckResult]:
    asked = {key.asset_key for key in context.selected_asset_check_keys}
    layers = tuple(layer for layer in Layer if asset_key(layer) in asked)
    for layer in _report(context.run.run_id, context.partition_key, layers, targets, looks).layers:
        yield check_result(layer)


def check_result(layer: LayerDrift) -> AssetCheckResult:
    """Passes only for a layer that was looked at and is as it was left; drift is an error, what is not known a warning."""
    described = {
        DriftState.AS_APPLIED: f"{layer.checked} resources are as they were left",
        DriftState.DRIFTED: f"{layer.drifted} of {layer.checked} resources drifted, in {len(layer.findings)} places",
    }
    drifted = layer.state is DriftState.DRIFTED
    return AssetCheckResult(
        asset_key=asset_key(layer.layer),
        check_name=CHECK,
        passed=layer.state is DriftState.AS_APPLIED,
        severity=AssetCheckSeverity.ERROR if drifted else AssetCheckSeverity.WARN,
        description=described.get(layer.state, f"{layer.state.words}: {layer.reason}"),
        metadata={
            "state": MetadataValue.text(layer.state.words),
            "drift": MetadataValue.md(findings_table(layer.findings)),
            "resources": MetadataValue.int(layer.checked),
            "resources_drifted": MetadataValue.int(layer.drifted),
            "seconds": MetadataValue.float(round(layer.duration.total_seconds(), 3)),
        },
    )


@multi_asset(
    name="write_drift_report",
    specs=[
        AssetSpec(
            REPORT,
            deps=[asset_key(layer) for layer in Layer],
            description="What of an environment is not as the last provisioning left it, and who changed it.",
            group_name="reports",
            kinds={"aws", "kubernetes", "markdown"},
            owners=list(OWNERS),
            partitions_def=ENVIRONMENTS,
        )
    ],
)
def drift_report_asset(context: AssetExecutionContext, targets: EnvironmentTargets, looks: Looks) -> MaterializeResult:  # type: ignore[type-arg]
    report = _report(context.run_id, context.partition_key, tuple(Layer), targets, looks)
    return MaterializeResult(
        asset_key=REPORT,
        metadata={
            "report": MetadataValue.md(report_text(report)),
            "findings": MetadataValue.int(len(report.findings)),
            "seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
            **{f"layers_{state}": MetadataValue.int(count) for state, count in report.counts.items()},
        },
    )


def _report(
    run_id: str, environment: str, layers: tuple[Layer, ...], targets: EnvironmentTargets, looks: Looks
) -> DriftReport:
    from ils_pipelines.operations.drift.scan import scan

    return looks.share(run_id, (JOB, environment, layers), lambda: scan(targets.open(environment), layers))


drift_job = define_asset_job(
    JOB,
    selection=AssetSelection.assets(REPORT) | AssetSelection.checks(drift_checks),
    description="Compare every resource of an environment with what is really there. Reports, changes nothing.",
    tags={"ils/action": "drift", "dagster/max_runtime": str(30 * 60)},
)

# In the morning, after the windows for backups and maintenance; environments ten minutes apart.
drift_schedules = environment_schedules(
    drift_job,
    lambda position: f"{position * 10 % 60} 6 * * *",
    "looks for drift every morning.",
)
