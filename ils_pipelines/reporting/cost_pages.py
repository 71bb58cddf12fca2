"""A cost report for people: as markdown with pictures for the Dagster UI, and as one HTML file that needs nothing else."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from ils_pipelines.reporting.markdown import table

if TYPE_CHECKING:
    from ils_pipelines.operations.costs.models import CostReport
    from ils_pipelines.operations.findings import Finding

MOST_ROWS = 15
_HEADS = ("urgency", "what", "expected", "found", "remedy")


def numbers(report: CostReport) -> Iterator[tuple[str, str]]:
    """The few that people look for first."""
    yield "this month", money(report.month_to_date, report.currency)
    if report.month_expected is not None:
        expected = report.month_expected
        between = f"{expected.low:,.2f} to {expected.high:,.2f}"
        yield "expected of the month", f"{money(expected.mean, report.currency)} ({between})"
    if report.budget is not None:
        yield "budget", money(report.budget, report.currency)
    if report.monthly_pace is not None:
        yield "pace, a month", money(report.monthly_pace, report.currency)
    if report.estimate is not None:
        yield "list prices of what is provisioned", money(report.estimate, report.currency)


def money(amount: Decimal, currency: str) -> str:
    return f"{amount:,.2f} {currency}"


def pictures(report: CostReport) -> Iterator[str]:
    """Every plot, as base64; none where no costs are known."""
    from ils_pipelines.reporting.cost_charts import daily_costs, month_and_forecast, top_movers

    if report.spends:
        for draw in (daily_costs, month_and_forecast, top_movers):
            yield b64encode(draw(report)).decode()


def markdown(report: CostReport) -> str:
    """Everything but the pictures."""
    parts = [
        f"# Costs of {report.environment}, {report.today}",
        table(("", ""), numbers(report)),
        f"Days after {report.settled} are not complete; nothing is concluded from them.",
        "## To do",
        findings_table(report.urgent),
    ]
    for title, rows in tables(report):
        parts += [f"## {title}", table(("", report.currency), rows)]
    for title, lines in (("Could be had for less", report.advice), ("Not known", report.notes)):
        if lines:
            parts += [f"## {title}", "\n".join(f"* {line}" for line in lines)]
    return "\n\n".join(parts) + "\n"


def findings_table(findings: Iterable[Finding]) -> str:
    rows = [(each.urgency.value, each.subject, each.expected, each.found, each.remedy) for each in findings]
    return table(_HEADS, rows) if rows else "Nothing."


def images(report: CostReport) -> str:
    """The plots as markdown, for the metadata of an asset."""
    return "\n\n".join(f"![plot](data:image/png;base64,{each})" for each in pictures(report))


def tables(report: CostReport) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Title and rows of each."""
    for title, amounts in (
        ("This month by service", report.by_service()),
        ("This month by usage type", report.by_usage_type()),
        ("The account this month, by environment", report.by_environment),
    ):
        shown = list(amounts.items())[:MOST_ROWS]
        if shown:
            yield title, [(name or "without the tag", f"{amount:,.2f}") for name, amount in shown]


def html(report: CostReport) -> str:
    from jinja2 import Environment, PackageLoader

    pages = Environment(loader=PackageLoader("ils_pipelines.reporting"), autoescape=True, trim_blocks=True)
    template = pages.get_template("costs.html")
    return template.render(
        report=report, numbers=list(numbers(report)), pictures=list(pictures(report)), tables=list(tables(report))
    )
