"""`ils drift`: what is not as it was left. Starts no run and does not need Dagster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.commands.scanning import scanned
from ils_pipelines.commands.summary import short_type
from ils_pipelines.operations.drift.models import DriftFinding, DriftReport, DriftState, LayerDrift
from ils_pipelines.operations.drift.scan import scan

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {
    DriftState.AS_APPLIED: "green",
    DriftState.DRIFTED: "red",
    DriftState.NOT_PROVISIONED: "dim",
    DriftState.UNKNOWN: "yellow",
}


def drift(environment: str, *, record: bool, as_json: bool) -> ExitCode:
    """Scan and show. Succeeds only when every layer is there and as it was left. Raises an `IlsError`.

    With `record`, what was found is what the next plan starts from.
    """

    def show(out: Console, report: DriftReport) -> None:
        _print(out, report)
        if report.findings:
            out.print(_next_step(report.environment, recorded=record), style="dim")

    look = partial(scan, record=record)
    return scanned(environment, look, as_json=as_json, entry=_entry, show=show, succeeded=lambda report: report.clean)


def _next_step(environment: str, *, recorded: bool) -> str:
    if recorded:
        return f"Recorded. See how it would be put back: ils plan {environment}"
    return f"Nothing was changed. To have it put back: ils drift {environment} --record, then ils plan {environment}"


def _print(out: Console, report: DriftReport) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    for layer in report.layers:
        _print_findings(out, layer)
    table = Table(title=f"drift of {report.environment}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("layer")
    table.add_column("state")
    for head in ("resources", "drifted", "seconds"):
        table.add_column(head, justify="right")
    for layer in report.layers:
        state = Text(layer.state.words, style=_STYLES[layer.state])
        counts = [str(count or "·") for count in (layer.checked, layer.drifted)]
        table.add_row(str(layer.layer), state, *counts, f"{layer.duration.total_seconds():.1f}")
    out.print(table)
    for layer in report.layers:
        if layer.state is DriftState.UNKNOWN:
            out.print(Text.assemble((f"{layer.layer}: ", "yellow"), layer.reason))
    properties = len(report.findings)
    resources = sum(layer.drifted for layer in report.layers)
    said = f"{properties} findings on {resources} resources" if properties else "nothing drifted"
    if absent := report.counts[DriftState.NOT_PROVISIONED]:
        said += f", {absent} {'layer' if absent == 1 else 'layers'} not provisioned"
    if unknown := report.counts[DriftState.UNKNOWN]:
        said += f", {unknown} {'layer' if unknown == 1 else 'layers'} unknown"
    out.print(Text(f"{said}; looked for {report.duration.total_seconds():.1f} s"))


def _print_findings(out: Console, layer: LayerDrift) -> None:
    """A head for each resource, and below it what is not as it was left; the console wraps with the indent kept."""
    from rich.padding import Padding
    from rich.text import Text

    by_resource: dict[tuple[str, str, str], list[DriftFinding]] = {}
    for finding in layer.findings:
        by_resource.setdefault((finding.type, finding.resource, finding.id), []).append(finding)
    for (type_, name, id_), findings in by_resource.items():
        head = Text.assemble((f"{layer.layer}  ", "red"), (f"{short_type(type_)} {name}", "bold"))
        out.print(head + Text(f"  {id_}" if id_ and id_ != name else "", style="dim"))
        for finding in findings:
            said = Text.assemble(
                f"{finding.subject}: expected ",
                (finding.expected_text, "green"),
                ", found ",
                (finding.found_text, "red"),
            )
            out.print(Padding(said, (0, 0, 0, 4)))
        out.print(Padding(Text(f"changed by {findings[0].changed_by_text}", style="dim"), (0, 0, 0, 4)))


def _entry(report: DriftReport) -> dict[str, Any]:
    return {
        "layers": [
            {
                "layer": layer.layer.value,
                "state": layer.state.value,
                "reason": layer.reason,
                "resources": layer.checked,
                "findings": [_finding_entry(finding) for finding in layer.findings],
            }
            for layer in report.layers
        ],
    }


def _finding_entry(finding: DriftFinding) -> dict[str, Any]:
    by = finding.changed_by
    return {
        "type": finding.type,
        "resource": finding.resource,
        "id": finding.id,
        "missing": finding.missing,
        "property": finding.path,
        "expected": finding.expected,
        "found": finding.found,
        "changed_by": {"who": by.who, "action": by.action, "at": by.at.isoformat()} if by else None,
    }
