"""`ils certs`: every certificate of an environment, what ends first and what is to be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.commands.scanning import URGENCY_STYLES, print_finding, scanned
from ils_pipelines.operations.certificates.models import CertificateReport, Examined
from ils_pipelines.operations.certificates.scan import certificates
from ils_pipelines.settings.account import JobFamily

if TYPE_CHECKING:
    from rich.console import Console


def certs(environment: str, *, as_json: bool) -> ExitCode:
    """Look and show. Succeeds only when everything could be looked at and nothing is to be done. Raises an `IlsError`."""
    return scanned(
        environment,
        certificates,
        as_json=as_json,
        entry=_entry,
        show=_print,
        succeeded=lambda report: report.sound,
        family=JobFamily.CERTIFICATES,
    )


def _print(out: Console, report: CertificateReport) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = f"certificates of {report.environment}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for head in ("ends", "certificate", "state", "about it"):
        table.add_column(head, overflow="fold", no_wrap=head == "ends")
    for each in report.examined:
        ends = f"{each.ends:%Y-%m-%d}" if each.ends else "·"
        state = Text(each.urgency.value, style=URGENCY_STYLES[each.urgency])
        table.add_row(ends, Text(each.component), state, Text(each.note))
    out.print(table)
    for layer in report.layers:
        if layer.reason:
            out.print(Text(f"{layer.layer}: {layer.condition.words}: {layer.reason}", style="dim"))
    for finding in report.findings:
        print_finding(out, finding)
    counts = ", ".join(f"{count} {urgency}" for urgency, count in report.counts.items() if count)
    seconds = report.duration.total_seconds()
    out.print(Text(f"{len(report.examined)} looked at in {seconds:.1f} s: {counts or 'nothing to look at'}"))


def _entry(report: CertificateReport) -> dict[str, Any]:
    return {
        "counts": {urgency.value: count for urgency, count in report.counts.items()},
        "findings": [finding.entry() for finding in report.findings],
        "layers": [
            {
                "layer": layer.layer.value,
                "condition": layer.condition.value,
                "reason": layer.reason,
                "certificates": [_examined_entry(each) for each in layer.found],
            }
            for layer in report.layers
        ],
    }


def _examined_entry(each: Examined) -> dict[str, Any]:
    return {
        "certificate": each.component,
        "urgency": each.urgency.value,
        "ends": each.ends.isoformat() if each.ends else None,
        "about": each.note,
    }
