"""A scan looks at an environment and changes nothing: checks on its layers' assets, a report, a job, and schedules.

What is looked at and how it is told is the business of the module that declares the scan; how it runs is the same for all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSelection,
    AssetSpec,
    MaterializeResult,
    MetadataValue,
    ScheduleDefinition,
    define_asset_job,
    multi_asset,
    multi_asset_check,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ils_pipelines.defs.checks import check_spec
from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.layers import OWNERS, asset_key
from ils_pipelines.defs.looks import Looks
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.schedules import environment_schedules
from ils_pipelines.operations.findings import Finding, by_urgency
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target

Report = TypeVar("Report")
Metadata = Mapping[str, MetadataValue]
FINDINGS = "to_do"
"""In the metadata of every check of a scan: what asks for attention, in the shape that all scans share."""
MOST_FINDINGS = 100
"""They are kept in the event log."""


@dataclass(frozen=True)
class Timetable:
    """When a scan runs by itself, in UTC."""

    cron: Callable[[int], str]
    """Given the environment's position among all, so that their runs stay apart."""
    description: str


@dataclass(frozen=True)
class ByLayer(Generic[Report]):
    """A check on the asset of each layer."""

    layers: tuple[Layer, ...]
    description: str
    """With `{layer}` in it."""
    check: Callable[[Report, Layer], AssetCheckResult]
    findings: Callable[[Report, Layer], Iterable[Finding]]
    """What of a layer asks for attention."""


@dataclass(frozen=True)
class AsAWhole(Generic[Report]):
    """One check, on the report: what is looked at does not come by layers."""

    description: str
    check: Callable[[Report], AssetCheckResult]
    findings: Callable[[Report], Iterable[Finding]]
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True)
class Scan(Generic[Report]):
    """What is looked at and how it is told."""

    name: str
    """Of the checks; the report is `<name>_report`."""
    job: str
    description: str
    """Of the job."""
    report_description: str
    look: Callable[[Target, tuple[Layer, ...]], Report]
    """Raises an `IlsError` when nothing can be looked at."""
    judged: "ByLayer[Report] | AsAWhole[Report]"
    report: Callable[[Report], Metadata]
    longest: timedelta
    """A run that takes longer is stuck."""
    timetable: Timetable
    family: JobFamily = JobFamily.READ_ONLY
    """Whose role looks."""


@dataclass(frozen=True)
class ScanDefinitions:
    """What Dagster knows of a scan."""

    checks: AssetChecksDefinition
    report: AssetsDefinition
    job: UnresolvedAssetJobDefinition
    schedules: tuple[ScheduleDefinition, ...]


def scan_definitions(scan: Scan[Report]) -> ScanDefinitions:
    """The checks and the report of a run share one look at the environment."""
    report_name = f"{scan.name}_report"

    def look(
        run_id: str, environment: str, layers: tuple[Layer, ...], targets: EnvironmentTargets, looks: Looks
    ) -> Report:
        return looks.share(
            run_id, (scan.name, environment, layers), lambda: scan.look(targets.open(environment, scan.family), layers)
        )

    @multi_asset_check(name=f"check_{scan.name}", specs=_check_specs(scan, report_name), can_subset=True)
    def checks(
        context: AssetCheckExecutionContext, targets: EnvironmentTargets, looks: Looks
    ) -> Iterator[AssetCheckResult]:
        asked = {key.asset_key for key in context.selected_asset_check_keys}
        layers = tuple(layer for layer in scan.judged.layers if asset_key(layer) in asked)
        yield from _judge(scan.judged, look(context.run.run_id, context.partition_key, layers, targets, looks), layers)

    @multi_asset(
        name=f"write_{report_name}",
        specs=[
            AssetSpec(
                report_name,
                deps=[asset_key(layer) for layer in scan.judged.layers],
                description=scan.report_description,
                group_name="reports",
                kinds={"aws", "kubernetes", "markdown"},
                owners=list(OWNERS),
                partitions_def=ENVIRONMENTS,
            )
        ],
    )
    def report(context: AssetExecutionContext, targets: EnvironmentTargets, looks: Looks) -> MaterializeResult:  # type: ignore[type-arg]
        found = look(context.run.run_id, context.partition_key, scan.judged.layers, targets, looks)
        return MaterializeResult(asset_key=report_name, metadata=dict(scan.report(found)))

    job = define_asset_job(
        scan.job,
        selection=AssetSelection.assets(report_name) | AssetSelection.checks(checks),
        description=scan.description,
        tags={"ils/action": scan.name, "dagster/max_runtime": str(int(scan.longest.total_seconds()))},
    )
    return ScanDefinitions(
        checks,
        report,
        job,
        environment_schedules(job, scan.timetable.cron, scan.timetable.description, setting=scan.name),
    )


def _check_specs(scan: Scan[Report], report_name: str) -> list[AssetCheckSpec]:
    if isinstance(scan.judged, AsAWhole):
        return [check_spec(AssetKey(report_name), scan.name, scan.judged.description)]
    described = scan.judged.description
    return [check_spec(asset_key(each), scan.name, described.format(layer=each)) for each in scan.judged.layers]


def _judge(
    judged: ByLayer[Report] | AsAWhole[Report], found: Report, layers: tuple[Layer, ...]
) -> Iterator[AssetCheckResult]:
    if isinstance(judged, AsAWhole):
        yield _with_findings(judged.check(found), by_urgency(judged.findings(found)))
        return
    for layer in layers:
        yield _with_findings(judged.check(found, layer), by_urgency(judged.findings(found, layer)))


def _with_findings(result: AssetCheckResult, findings: Sequence[Finding]) -> AssetCheckResult:
    entries = MetadataValue.json([finding.entry() for finding in findings[:MOST_FINDINGS]])
    return result._replace(metadata={**result.metadata, FINDINGS: entries})
