"""Certificates: which end soon, which are weak or wrong, and what servers really send."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.scans import ByLayer, Metadata, Scan, Timetable
from ils_pipelines.operations.certificates.markdown import examined_table, findings_table, report_text
from ils_pipelines.operations.certificates.models import LAYERS, CertificateReport, layer_sound
from ils_pipelines.operations.findings import Finding, Urgency, by_urgency, worst
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target


def _look(target: Target, layers: tuple[Layer, ...]) -> CertificateReport:
    from ils_pipelines.operations.certificates.scan import certificates

    return certificates(target, layers)


def _findings(report: CertificateReport, layer: Layer) -> Iterator[Finding]:
    for each in report.of(layer).found:
        yield from each.findings


def _check(report: CertificateReport, layer: Layer) -> AssetCheckResult:
    """Passes when nothing is to be done, or when the environment has nothing of the kind. What is critical is an error."""
    look, findings = report.of(layer), by_urgency(_findings(report, layer))
    counts = {urgency: sum(each.urgency is urgency for each in look.found) for urgency in Urgency}
    said = ", ".join(f"{count} {urgency}" for urgency, count in counts.items() if count)
    critical = worst(each.urgency for each in findings) is Urgency.CRITICAL
    return AssetCheckResult(
        asset_key=asset_key(layer),
        check_name=CERTIFICATES.name,
        passed=layer_sound(look),
        severity=AssetCheckSeverity.ERROR if critical else AssetCheckSeverity.WARN,
        description=said or f"{look.condition.words}: {look.reason}",
        metadata={
            "findings": MetadataValue.md(findings_table(findings)),
            "certificates": MetadataValue.md(examined_table(look.found) if look.found else look.reason),
            **{f"certificates_{urgency}": MetadataValue.int(count) for urgency, count in counts.items()},
        },
    )


def _told(report: CertificateReport) -> Metadata:
    ends = [each.ends for each in report.examined if each.ends]
    return {
        "report": MetadataValue.md(report_text(report)),
        "findings": MetadataValue.int(len(report.findings)),
        "next_end": MetadataValue.text(f"{min(ends):%Y-%m-%d}" if ends else "none known"),
        "seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
        **{f"certificates_{urgency}": MetadataValue.int(count) for urgency, count in report.counts.items()},
    }


CERTIFICATES = Scan(
    name="certificates",
    job="certificate_scan",
    description="Look at every certificate of an environment, those that servers send included. Changes nothing.",
    report_description="Every certificate of an environment, what ends first and what is to be done about it.",
    look=_look,
    judged=ByLayer(
        LAYERS, "The certificates of the {layer} layer have time left, and are what clients accept.", _check, _findings
    ),
    report=_told,
    longest=timedelta(minutes=30),
    # Before people come to work in Europe and long before they do in America; environments ten minutes apart.
    timetable=Timetable(lambda position: f"{position * 10 % 60} 5 * * *", "looks at its certificates every morning."),
    family=JobFamily.CERTIFICATES,
)
