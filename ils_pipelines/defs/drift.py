"""Drift: what is not as the last provisioning left it. Mends nothing."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.scans import ByLayer, Metadata, Scan, Timetable
from ils_pipelines.operations.drift.markdown import findings_table, report_text
from ils_pipelines.operations.drift.models import DriftReport, DriftState
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target


def _look(target: Target, layers: tuple[Layer, ...]) -> DriftReport:
    from ils_pipelines.operations.drift.scan import scan

    return scan(target, layers)


def _check(report: DriftReport, layer: Layer) -> AssetCheckResult:
    """Passes only for a layer that was looked at and is as it was left; drift is an error, what is not known a warning."""
    found = next(each for each in report.layers if each.layer is layer)
    described = {
        DriftState.AS_APPLIED: f"{found.checked} resources are as they were left",
        DriftState.DRIFTED: f"{found.drifted} of {found.checked} resources drifted, in {len(found.findings)} places",
    }
    drifted = found.state is DriftState.DRIFTED
    return AssetCheckResult(
        asset_key=asset_key(layer),
        check_name=DRIFT.name,
        passed=found.state is DriftState.AS_APPLIED,
        severity=AssetCheckSeverity.ERROR if drifted else AssetCheckSeverity.WARN,
        description=described.get(found.state, f"{found.state.words}: {found.reason}"),
        metadata={
            "state": MetadataValue.text(found.state.words),
            "drift": MetadataValue.md(findings_table(found.findings)),
            "resources": MetadataValue.int(found.checked),
            "resources_drifted": MetadataValue.int(found.drifted),
            "seconds": MetadataValue.float(round(found.duration.total_seconds(), 3)),
        },
    )


def _findings(report: DriftReport, layer: Layer) -> Iterator[Finding]:
    """What drifted may be meant, so that only what is gone is critical."""
    found = next(each for each in report.layers if each.layer is layer)
    for each in found.findings:
        urgency = Urgency.CRITICAL if each.missing else Urgency.WARNING
        subject = f"{each.type} {each.resource}: {each.subject}"
        remedy = (
            f"See who changed it ({each.changed_by_text}). To put it back: `ils drift {report.environment} --record`, then "
            f"`ils plan {report.environment}` and `ils up {report.environment}`."
        )
        yield Finding(subject, urgency, each.expected_text, each.found_text, remedy)
    if found.state is DriftState.UNKNOWN:
        remedy = f"See why it cannot be told, then: ils drift {report.environment}"
        yield Finding(f"the {layer} layer", Urgency.UNKNOWN, "an answer", found.reason, remedy)


def _told(report: DriftReport) -> Metadata:
    return {
        "report": MetadataValue.md(report_text(report)),
        "findings": MetadataValue.int(len(report.findings)),
        "seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
        **{f"layers_{state}": MetadataValue.int(count) for state, count in report.counts.items()},
    }


DRIFT = Scan(
    name="drift",
    job="drift_scan",
    description="Compare every resource of an environment with what is really there. Reports, changes nothing.",
    report_description="What of an environment is not as the last provisioning left it, and who changed it.",
    look=_look,
    judged=ByLayer(
        tuple(Layer), "Every resource of the {layer} layer is as the last provisioning left it.", _check, _findings
    ),
    report=_told,
    longest=timedelta(minutes=30),
    # In the morning, after the windows for backups and maintenance; environments ten minutes apart.
    timetable=Timetable(lambda position: f"{position * 10 % 60} 6 * * *", "looks for drift every morning."),
)
