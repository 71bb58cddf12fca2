"""Drift as a markdown table, for the Dagster UI and for evidence."""

from __future__ import annotations

from collections.abc import Sequence

from ils_pipelines.operations.drift.models import DriftFinding, DriftReport
from ils_pipelines.reporting.markdown import table

LONGEST_CELL = 160
MOST_ROWS = 400
"""The text is kept in the event log, and a browser has to show it."""
_HEADS = ("resource", "type", "id", "property", "expected", "found", "changed by")


def report_text(report: DriftReport) -> str:
    """The state of every layer and all findings."""
    parts = [f"# Drift of {report.environment}, {report.taken_at:%Y-%m-%d %H:%M} UTC"]
    for layer in report.layers:
        parts.append(f"## {layer.layer}: {layer.state.words}")
        parts.append(layer.reason or f"{layer.drifted} of {layer.checked} resources drifted.")
        if layer.findings:
            parts.append(findings_table(layer.findings))
    return "\n\n".join(parts) + "\n"


def findings_table(findings: Sequence[DriftFinding]) -> str:
    """A row for each property that differs; one in all for a resource that is missing."""
    if not findings:
        return "None."
    rows = [
        (
            finding.resource,
            finding.type,
            finding.id,
            finding.subject,
            finding.expected_text,
            finding.found_text,
            finding.changed_by_text,
        )
        for finding in findings[:MOST_ROWS]
    ]
    text = table(_HEADS, rows, LONGEST_CELL)
    if len(findings) > MOST_ROWS:
        text += f"\n\n… and {len(findings) - MOST_ROWS} more rows."
    return text
