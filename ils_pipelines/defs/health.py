"""Health: whether what an environment is made of works at this moment."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.scans import ByLayer, Metadata, Scan, Timetable
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.health.catalog import PROBED
from ils_pipelines.operations.health.markdown import components_table, report_text
from ils_pipelines.operations.health.models import HealthReport, HealthStatus
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target


def _look(target: Target, layers: tuple[Layer, ...]) -> HealthReport:
    from ils_pipelines.operations.health.look import health

    return health(target, layers, run_cluster_job)


def _check(report: HealthReport, layer: Layer) -> AssetCheckResult:
    """Passes when everything is healthy, or when the environment has nothing of the kind; what is unhealthy is an error,
    what is degraded, unknown or not provisioned a warning."""
    found = next(each for each in report.layers if each.layer is layer)
    counts = {status: sum(each.status is status for each in found.findings) for status in HealthStatus}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return AssetCheckResult(
        asset_key=asset_key(layer),
        check_name=HEALTH.name,
        passed=found.sound,
        severity=AssetCheckSeverity.ERROR if counts[HealthStatus.UNHEALTHY] else AssetCheckSeverity.WARN,
        description=said or f"{found.condition.words}: {found.reason}",
        metadata={
            "status": MetadataValue.text(found.says),
            "components": MetadataValue.md(components_table(found.findings) if found.findings else found.reason),
            **{f"components_{status}": MetadataValue.int(count) for status, count in counts.items()},
        },
    )


_URGENCIES = {
    HealthStatus.DEGRADED: Urgency.WARNING,
    HealthStatus.UNKNOWN: Urgency.UNKNOWN,
    HealthStatus.UNHEALTHY: Urgency.CRITICAL,
}


def _findings(report: HealthReport, layer: Layer) -> Iterator[Finding]:
    found = next(each for each in report.layers if each.layer is layer)
    for each in found.findings:
        if each.status is not HealthStatus.HEALTHY:
            yield Finding(each.component, _URGENCIES[each.status], each.expected, each.found, each.remedy)


def _told(report: HealthReport) -> Metadata:
    return {
        "report": MetadataValue.md(report_text(report)),
        "seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
        **{f"components_{status}": MetadataValue.int(count) for status, count in report.counts.items()},
    }


HEALTH = Scan(
    name="health",
    job="health_scan",
    description="Look at every component of an environment. Reports, changes nothing.",
    report_description="Whether every component of an environment works, with what to do about those that do not.",
    look=_look,
    judged=ByLayer(PROBED, "What the {layer} layer is made of works at this moment.", _check, _findings),
    report=_told,
    longest=timedelta(minutes=10),
    # Environments five minutes apart.
    timetable=Timetable(lambda position: f"{position * 5 % 60} * * * *", "looks at its health every hour."),
    family=JobFamily.HEALTH,
)
