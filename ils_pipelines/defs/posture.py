"""The security posture of an environment: every control against what is really there."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.scans import ByLayer, Metadata, Scan, Timetable
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.posture.markdown import (
    controls_table,
    findings_table,
    report_table,
    unknown_table,
    waived_table,
    words,
)
from ils_pipelines.operations.posture.models import Report, Severity, Verdict
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environment_names
from ils_pipelines.targets.protocol import Target

_GRAVE = {Severity.HIGH, Severity.CRITICAL}


def _look(target: Target, _layers: tuple[Layer, ...]) -> Report:
    """Of all layers, whatever was asked for: a control may need to see more than its own."""
    from ils_pipelines.operations.posture.report import posture

    return posture(target, others=environment_names())


def _check(report: Report, layer: Layer) -> AssetCheckResult:
    """Passes when every control is known to hold, is waived or has nothing to look at; an unknown one is a warning."""
    results = report.of_layer(layer)
    of = {verdict: [each for each in results if each.verdict is verdict] for verdict in Verdict}
    grave = any(each.control.severity in _GRAVE for each in of[Verdict.FAILED])
    counts = ", ".join(f"{len(found)} {words(verdict)}" for verdict, found in of.items() if found)
    return AssetCheckResult(
        asset_key=asset_key(layer),
        check_name=POSTURE.name,
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


def _findings(report: Report, layer: Layer) -> Iterator[Finding]:
    for result in report.of_layer(layer):
        urgency = Urgency.CRITICAL if result.control.severity in _GRAVE else Urgency.WARNING
        for each in result.findings:
            subject = f"{result.control.id}: {each.resource}"
            yield Finding(subject, urgency, each.expected, each.found, each.remedy)
        if result.verdict is Verdict.UNKNOWN:
            remedy = "See that the API can be reached and that these credentials may call it, then look again."
            yield Finding(result.control.id, Urgency.UNKNOWN, "an answer", result.reason, remedy)


def _told(report: Report) -> Metadata:
    return {
        "report": MetadataValue.md(report_table(report)),
        "findings": MetadataValue.int(len(report.findings)),
        "waivers_to_look_at": MetadataValue.int(len(report.waiver_problems)),
        "seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
        **{f"controls_{verdict}": MetadataValue.int(count) for verdict, count in report.counts.items()},
    }


POSTURE = Scan(
    name="posture",
    job="posture_report",
    description="Evaluate every security control against the live environment and report. Changes nothing.",
    report_description="What every security control found in the live environment, with what is waived and why.",
    look=_look,
    judged=ByLayer(
        tuple(Layer),
        "The security controls of the {layer} layer hold in the live environment, or are waived.",
        _check,
        _findings,
    ),
    report=_told,
    longest=timedelta(minutes=30),
    # After the look for drift, which explains most of what fails; environments ten minutes apart.
    timetable=Timetable(lambda position: f"{position * 10 % 60} 7 * * *", "evaluates its controls every morning."),
)
