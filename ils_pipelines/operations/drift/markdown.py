"""Drift as a markdown table, for the Dagster UI and for evidence."""

from __future__ import annotations

from collections.abc import Sequence

from ils_pipelines.operations.drift.models import DriftFinding, DriftReport

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
    lines = [f"| {' | '.join(_HEADS)} |", "| " + " | ".join("---" for _ in _HEADS) + " |"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    if len(findings) > MOST_ROWS:
        lines.append(f"\n… and {len(findings) - MOST_ROWS} more rows.")
    return "\n".join(lines)


def _cell(text: str) -> str:
    shortened = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return shortened.replace("|", "\\|").replace("\n", " ")
