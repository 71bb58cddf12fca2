"""The security posture of an environment: a check on every layer's asset, and a report of all controls. Changes nothing."""

import threading
from collections.abc import Iterator

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetSelection,
    AssetSpec,
    ConfigurableResource,
    Failure,
    MaterializeResult,
    MetadataValue,
    define_asset_job,
    multi_asset,
    multi_asset_check,
)
from pydantic import PrivateAttr

from ils_pipelines.defs.checks import layer_check_spec
from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.layers import OWNERS, asset_key
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.errors import IlsError
from ils_pipelines.operations.posture.markdown import (
    controls_table,
    findings_table,
    report_table,
    unknown_table,
    waived_table,
    words,
)
from ils_pipelines.operations.posture.models import Report, Result, Severity, Verdict
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environment_names

CHECK = "posture"
REPORT = "posture_report"

_GRAVE = {Severity.HIGH, Severity.CRITICAL}


class PostureReports(ConfigurableResource):  # type: ignore[type-arg]
    """The report of a run's environment, made by the first step that asks for it and shared by the others."""

    _reports: dict[tuple[str, str], Report] = PrivateAttr(default_factory=dict)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def report(self, run_id: str, environment: str, targets: EnvironmentTargets) -> Report:
        """Raises `Failure` when the environment's file is wrong or its target does not answer."""
        from ils_pipelines.operations.posture.report import posture

        with self._lock:
            key = (run_id, environment)
            if key not in self._reports:
                try:
                    self._reports[key] = posture(targets.open(environment), others=environment_names())
                except IlsError as error:
                    raise Failure(description=str(error), allow_retries=False) from error
            return self._reports[key]


@multi_asset_check(
    name="check_posture",
    specs=[
        layer_check_spec(
            layer, CHECK, f"The security controls of the {layer} layer hold in the live environment, or are waived."
        )
        for layer in Layer
    ],
    can_subset=True,
)
def posture_checks(
    context: AssetCheckExecutionContext, targets: EnvironmentTargets, posture_reports: PostureReports
) -> Iterator[AssetCheckResult]:
    report = posture_reports.report(context.run.run_id, context.partition_key, targets)
    for layer in Layer:
        if any(key.asset_key == asset_key(layer) for key in context.selected_asset_check_keys):
            yield check_result(layer, report.of_layer(layer))


def check_result(layer: Layer, results: tuple[Result, ...]) -> AssetCheckResult:
    """Passes when every control is known to hold, is waived or has nothing to look at; an unknown one is a warning."""
    of = {verdict: [each for each in results if each.verdict is verdict] for verdict in Verdict}
    grave = any(each.control.severity in _GRAVE for each in of[Verdict.FAILED])
    counts = ", ".join(f"{len(found)} {words(verdict)}" for verdict, found in of.items() if found)
    return AssetCheckResult(
        asset_key=asset_key(layer),
        check_name=CHECK,
        passed=not of[Verdict.FAILED] and not of[Verdict.UNKNOWN],
        severity=AssetCheckSeverity.ERROR if grave else AssetCheckSeverity.WARN,
        description=f"{len(results)} controls: {counts or 'none'}",
        metadata={
            "failed": MetadataValue.md(findings_table(results)),
            "unknown": MetadataValue.md(unknown_table(results)),
            "waived": MetadataValue.md(waived_table(results)),
            "controls": MetadataValue.md(controls_table(results)),
            **{f"controls_{verdict}": MetadataValue.int(len(found)) for verdict, found in of.items()},
        },
    )


@multi_asset(
    name="write_posture_report",
    specs=[
        AssetSpec(
            REPORT,
            deps=[asset_key(layer) for layer in Layer],
            description="What every security control found in the live environment, with what is waived and why.",
            group_name="reports",
            kinds={"aws", "kubernetes", "markdown"},
            owners=list(OWNERS),
            partitions_def=ENVIRONMENTS,
        )
    ],
)
def posture_report_asset(
    context: AssetExecutionContext, targets: EnvironmentTargets, posture_reports: PostureReports
) -> MaterializeResult:  # type: ignore[type-arg]
    report = posture_reports.report(context.run.run_id, context.partition_key, targets)
    return MaterializeResult(
        asset_key=REPORT,
        metadata={
            "report": MetadataValue.md(report_table(report)),
            "findings": MetadataValue.int(len(report.findings)),
            "waivers_to_look_at": MetadataValue.int(len(report.waiver_problems)),
            "seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
            **{f"controls_{verdict}": MetadataValue.int(count) for verdict, count in report.counts.items()},
        },
    )


posture_report_job = define_asset_job(
    REPORT,
    selection=AssetSelection.assets(REPORT) | AssetSelection.checks(posture_checks),
    description="Evaluate every security control against the live environment and report. Changes nothing.",
    tags={"ils/action": "posture", "dagster/max_runtime": str(30 * 60)},
)
