"""Health as markdown tables, for the Dagster UI and for evidence."""

from __future__ import annotations

from collections.abc import Iterable

from ils_pipelines.operations.health.models import HealthFinding, HealthReport
from ils_pipelines.reporting.markdown import table

_HEADS = ("component", "status", "expected", "found", "remedy")


def report_text(report: HealthReport) -> str:
    """Every component of every layer."""
    parts = [f"# Health of {report.environment}, {report.taken_at:%Y-%m-%d %H:%M} UTC"]
    for layer in report.layers:
        parts += [
            f"## {layer.layer}: {layer.says}",
            components_table(layer.findings) if layer.findings else layer.reason,
        ]
    return "\n\n".join(parts) + "\n"


def components_table(findings: Iterable[HealthFinding]) -> str:
    return table(
        _HEADS, ((each.component, each.status.value, each.expected, each.found, each.remedy) for each in findings)
    )
