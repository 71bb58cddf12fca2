"""Health: a check on the asset of every layer that can be unwell, a report, a look every quarter of an hour."""

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
from ils_pipelines.operations.health.catalog import PROBED
from ils_pipelines.operations.health.markdown import components_table, report_text
from ils_pipelines.operations.health.models import HealthReport, HealthStatus, LayerHealth
from ils_pipelines.settings.layers import Layer

CHECK = "health"
REPORT = "health_report"
JOB = "health_scan"


@multi_asset_check(
    name="check_health",
    specs=[
        layer_check_spec(layer, CHECK, f"What the {layer} layer is made of works at this moment.") for layer in PROBED
    ],
    can_subset=True,
)
def health_checks(
    context: AssetCheckExecutionContext, targets: EnvironmentTargets, looks: Looks
) -> Iterator[AssetCheckResult]:
    asked = {key.asset_key for key in context.selected_asset_check_keys}
    layers = tuple(layer for layer in PROBED if asset_key(layer) in asked)
    for layer in _report(context.run.run_id, context.partition_key, layers, targets, looks).layers:
        yield check_result(layer)


def check_result(layer: LayerHealth) -> AssetCheckResult:
    """Passes when everything is healthy, or when the environment has nothing of the kind; what is unhealthy is an error,
    what is degraded, unknown or not provisioned a warning."""
    counts = {status: sum(each.status is status for each in layer.findings) for status in HealthStatus}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return AssetCheckResult(
        asset_key=asset_key(layer.layer),
        check_name=CHECK,
        passed=layer.sound,
        severity=AssetCheckSeverity.ERROR if counts[HealthStatus.UNHEALTHY] else AssetCheckSeverity.WARN,
        description=said or f"{layer.condition.words}: {layer.reason}",
        metadata={
            "status": MetadataValue.text(layer.says),
            "components": MetadataValue.md(components_table(layer.findings) if layer.findings else layer.reason),
            **{f"components_{status}": MetadataValue.int(count) for status, count in counts.items()},
        },
    )


@multi_asset(
    name="write_health_report",
    specs=[
        AssetSpec(
            REPORT,
            deps=[asset_key(layer) for layer in PROBED],
            description="Whether every component of an environment works, with what to do about those that do not.",
            group_name="reports",
            kinds={"aws", "kubernetes", "markdown"},
            owners=list(OWNERS),
            partitions_def=ENVIRONMENTS,
        )
    ],
)
def health_report_asset(context: AssetExecutionContext, targets: EnvironmentTargets, looks: Looks) -> MaterializeResult:  # type: ignore[type-arg]
    report = _report(context.run_id, context.partition_key, PROBED, targets, looks)
    return MaterializeResult(
        asset_key=REPORT,
        metadata={
            "report": MetadataValue.md(report_text(report)),
            "seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
            **{f"components_{status}": MetadataValue.int(count) for status, count in report.counts.items()},
        },
    )


def _report(
    run_id: str, environment: str, layers: tuple[Layer, ...], targets: EnvironmentTargets, looks: Looks
) -> HealthReport:
    from ils_pipelines.operations.health.look import health

    return looks.share(run_id, (JOB, environment, layers), lambda: health(targets.open(environment), layers))


health_job = define_asset_job(
    JOB,
    selection=AssetSelection.assets(REPORT) | AssetSelection.checks(health_checks),
    description="Look at every component of an environment. Reports, changes nothing.",
    tags={"ils/action": "health", "dagster/max_runtime": str(10 * 60)},
)

# Environments five minutes apart, each every quarter of an hour.
health_schedules = environment_schedules(
    health_job,
    lambda position: f"{position * 5 % 15}-59/15 * * * *",
    "looks at its health every quarter of an hour.",
)
