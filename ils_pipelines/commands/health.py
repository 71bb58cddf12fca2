"""`ils health`: whether an environment works at this moment. Starts no run of Dagster, but one job in the cluster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.commands.scanning import print_problem, scanned
from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.health.look import health as look_at_health
from ils_pipelines.operations.health.models import HealthReport, HealthStatus, LayerHealth
from ils_pipelines.settings.account import JobFamily

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {
    HealthStatus.HEALTHY: "green",
    HealthStatus.DEGRADED: "yellow",
    HealthStatus.UNKNOWN: "magenta",
    HealthStatus.UNHEALTHY: "red",
}


def health(environment: str, *, as_json: bool) -> ExitCode:
    """Look and show. Succeeds only when everything is there and healthy. Raises an `IlsError`."""
    look = partial(look_at_health, jobs=run_cluster_job)
    return scanned(
        environment,
        look,
        as_json=as_json,
        entry=_entry,
        show=_print,
        succeeded=lambda report: report.sound,
        family=JobFamily.HEALTH,
    )


def _print(out: Console, report: HealthReport) -> None:
    """All components, then what to do about those that are not healthy. The console wraps what is too long."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"health of {report.environment}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for head in ("layer", "component", "status", "found"):
        table.add_column(head, overflow="fold")
    for layer in report.layers:
        if not layer.findings:
            table.add_row(str(layer.layer), "", Text(layer.condition.words, style="dim"), "")
        for number, finding in enumerate(layer.findings):
            status = Text(finding.status, style=_STYLES[finding.status])
            first = str(layer.layer) if number == 0 else ""
            table.add_row(first, Text(finding.component), status, Text(finding.found))
    out.print(table)
    for finding in report.problems:
        label = finding.status.value, _STYLES[finding.status]
        print_problem(out, label, finding.component, (finding.expected, finding.found, finding.remedy))
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    seconds = report.duration.total_seconds()
    out.print(Text(f"{len(report.findings)} components in {seconds:.1f} s: {counts or 'nothing to look at'}"))


def _entry(report: HealthReport) -> dict[str, Any]:
    return {
        "counts": {status.value: count for status, count in report.counts.items()},
        "layers": [_layer_entry(layer) for layer in report.layers],
    }


def _layer_entry(layer: LayerHealth) -> dict[str, Any]:
    return {
        "layer": layer.layer.value,
        "condition": layer.condition.value,
        "status": layer.status.value if layer.status else None,
        "reason": layer.reason,
        "components": [
            {
                "component": finding.component,
                "status": finding.status.value,
                "expected": finding.expected,
                "found": finding.found,
                "remedy": finding.remedy,
            }
            for finding in layer.findings
        ],
    }
