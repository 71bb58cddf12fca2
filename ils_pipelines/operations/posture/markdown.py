"""The posture of an environment as markdown tables, for the Dagster UI and for evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ils_pipelines.operations.posture.models import Report, Result, Verdict
from ils_pipelines.reporting.markdown import table


def report_table(report: Report) -> str:
    """Everything: a table of all controls, and one for each kind of thing that asks for attention."""
    counts = ", ".join(f"{count} {words(verdict)}" for verdict, count in report.counts.items() if count)
    parts = [
        f"# Posture of {report.environment}, {report.taken_at:%Y-%m-%d %H:%M} UTC",
        f"{len(report.results)} controls: {counts}.",
        "## Failed",
        findings_table(report.results),
        "## Unknown",
        unknown_table(report.results),
        "## Waived",
        waived_table(report.results),
    ]
    if report.waiver_problems:
        rows = [(each.waiver.control, each.waiver.resource, each.reason) for each in report.waiver_problems]
        parts += ["## Waivers to look at", _table(("waiver of", "resource", "what is wrong"), rows)]
    return "\n\n".join([*parts, "## All controls", controls_table(report.results)]) + "\n"


def findings_table(results: Iterable[Result]) -> str:
    rows = [
        (
            f"{result.control.id} ({result.control.severity})",
            finding.resource,
            finding.expected,
            finding.found,
            finding.remedy,
        )
        for result in results
        for finding in result.findings
    ]
    return _table(("control", "resource", "expected", "found", "remedy"), rows)


def waived_table(results: Iterable[Result]) -> str:
    rows = [
        (result.control.id, each.finding.resource, each.finding.found, each.waiver.reason, str(each.waiver.expires))
        for result in results
        for each in result.waived
    ]
    return _table(("control", "resource", "found", "accepted because", "until"), rows)


def unknown_table(results: Iterable[Result]) -> str:
    rows = [(result.control.id, result.reason) for result in results if result.verdict is Verdict.UNKNOWN]
    return _table(("control", "why"), rows)


def controls_table(results: Iterable[Result]) -> str:
    rows = [
        (
            str(result.control.number),
            result.control.id,
            result.control.title,
            result.control.references,
            result.control.severity,
            words(result.verdict),
            result.reason or ", ".join(result.resources),
        )
        for result in results
    ]
    return _table(("row", "control", "what holds", "ids", "severity", "verdict", "looked at"), rows)


def words(verdict: Verdict) -> str:
    return verdict.value.replace("_", " ")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table(head, rows) if rows else "None."
