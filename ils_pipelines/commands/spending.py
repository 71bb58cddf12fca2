"""`ils costs`: what an environment costs, and what about that asks for attention."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode
from ils_pipelines.commands.scanning import print_finding, scanned
from ils_pipelines.operations.costs.look import costs as look
from ils_pipelines.operations.costs.models import CostReport
from ils_pipelines.reporting.cost_pages import html, money, numbers
from ils_pipelines.settings.account import JobFamily

if TYPE_CHECKING:
    from rich.console import Console

    from ils_pipelines.targets.protocol import Target


def costs(environment: str, *, page: Path | None, as_json: bool) -> ExitCode:
    """Look and show; `page` gets the report as HTML. Succeeds only when nothing is to be done. Raises an `IlsError`."""

    def looked(target: Target) -> CostReport:
        report = look(target)
        if page is not None:
            page.write_text(html(report), encoding="utf-8")
        return report

    return scanned(
        environment,
        looked,
        as_json=as_json,
        entry=_entry,
        show=_print,
        succeeded=lambda report: report.sound,
        family=JobFamily.COSTS,
    )


def _print(out: Console, report: CostReport) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    title = f"costs of {report.environment} this month"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.add_column("service")
    table.add_column(report.currency, justify="right")
    for service, amount in report.by_service().items():
        table.add_row(service, f"{amount:,.2f}")
    table.add_row("total", f"{report.month_to_date:,.2f}", style="bold")
    out.print(table)
    for name, value in numbers(report):
        out.print(Text(f"{name:<36}{value}"))
    untagged = report.by_environment.get("")
    if untagged:
        out.print(Text(f"{'account, without the tag':<36}{money(untagged, report.currency)}"))
    for finding in report.urgent:
        print_finding(out, finding)
    for line in report.advice:
        out.print(Text(f"cheaper: {line}", style="cyan"))
    for line in report.notes:
        out.print(Text(f"not known: {line}", style="dim"))
    found = f"{len(report.findings)} findings" if report.findings else "no finding"
    out.print(Text(f"{found}; days after {report.settled} are not complete and not judged"))


def _entry(report: CostReport) -> dict[str, Any]:
    """Amounts are text, so that none is rounded on the way."""
    expected = report.month_expected
    return {
        "as_of": report.today.isoformat(),
        "settled": report.settled.isoformat(),
        "currency": report.currency,
        "month_to_date": str(report.month_to_date),
        "budget": _text(report.budget),
        "expected": {part: str(getattr(expected, part)) for part in ("mean", "low", "high")} if expected else None,
        "pace": _text(report.monthly_pace),
        "estimate": _text(report.estimate),
        "by_service": {name: str(amount) for name, amount in report.by_service().items()},
        "by_usage_type": {name: str(amount) for name, amount in report.by_usage_type().items()},
        "by_environment": {name: str(amount) for name, amount in report.by_environment.items()},
        "anomalies": [
            {
                "day": each.day.isoformat(),
                "service": each.service,
                "usage_type": each.usage_type,
                "amount": str(each.amount),
                "usual": str(each.usual),
                "resources": list(each.resources),
            }
            for each in report.anomalies
        ],
        "findings": [finding.entry() for finding in report.urgent],
        "advice": list(report.advice),
        "not_known": list(report.notes),
    }


def _text(amount: object) -> str | None:
    return None if amount is None else str(amount)
