"""Certificates as markdown tables, for the Dagster UI and for evidence."""

from __future__ import annotations

from collections.abc import Iterable

from ils_pipelines.operations.certificates.models import CertificateReport, Examined
from ils_pipelines.operations.findings import Finding
from ils_pipelines.reporting.markdown import table

_FINDING_HEADS = ("urgency", "what", "expected", "found", "remedy")
_CERTIFICATE_HEADS = ("urgency", "certificate", "ends", "about it")


def report_text(report: CertificateReport) -> str:
    """What is to be done, the most urgent first; then every certificate."""
    parts = [f"# Certificates of {report.environment}, {report.taken_at:%Y-%m-%d %H:%M} UTC"]
    parts += ["## To do", findings_table(report.findings), "## All", examined_table(report.examined)]
    reasons = [f"{layer.layer}: {layer.reason}" for layer in report.layers if layer.reason]
    return "\n\n".join([*parts, *reasons]) + "\n"


def findings_table(findings: Iterable[Finding]) -> str:
    rows = [(each.urgency.value, each.subject, each.expected, each.found, each.remedy) for each in findings]
    return table(_FINDING_HEADS, rows) if rows else "Nothing."


def examined_table(examined: Iterable[Examined]) -> str:
    return table(
        _CERTIFICATE_HEADS,
        (
            (each.urgency.value, each.component, f"{each.ends:%Y-%m-%d}" if each.ends else "", each.note)
            for each in examined
        ),
    )
