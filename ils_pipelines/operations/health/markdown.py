"""Health as markdown tables, for the Dagster UI and for evidence."""

from __future__ import annotations

from collections.abc import Iterable

from ils_pipelines.operations.health.models import HealthFinding, HealthReport

LONGEST_CELL = 300
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
    rows = [(each.component, each.status.value, each.expected, each.found, each.remedy) for each in findings]
    lines = [f"| {' | '.join(_HEADS)} |", "| " + " | ".join("---" for _ in _HEADS) + " |"]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)])


def _cell(text: str) -> str:
    shortened = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return shortened.replace("|", "\\|").replace("\n", " ")
