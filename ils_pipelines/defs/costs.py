"""Costs: what an environment costs each day, and the whole of each month once it is over."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from ils_pipelines.defs.scans import AsAWhole, Metadata, Scan, Timetable
from ils_pipelines.operations.costs.models import CostReport
from ils_pipelines.operations.findings import Finding, Urgency, worst
from ils_pipelines.reporting.cost_pages import findings_table, html, images, markdown
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.folders import state_directory
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target


def _look(target: Target, _layers: tuple[Layer, ...]) -> CostReport:
    from ils_pipelines.operations.costs.look import costs

    return costs(target)


def _look_back(target: Target, _layers: tuple[Layer, ...]) -> CostReport:
    """At the month before, as of its last day: by the time of the schedule AWS has restated what it restates."""
    from ils_pipelines.operations.costs.look import costs

    return costs(target, datetime.now(UTC).date().replace(day=1) - timedelta(days=1))


def _check(report: CostReport) -> AssetCheckResult:
    """Passes when nothing is to be done; what is critical is an error, what is not known a warning."""
    critical = worst(each.urgency for each in report.findings) is Urgency.CRITICAL
    spent = f"{report.month_to_date:.2f} {report.currency} this month"
    return AssetCheckResult(
        passed=report.sound,
        severity=AssetCheckSeverity.ERROR if critical else AssetCheckSeverity.WARN,
        description=f"{spent}, {len(report.findings)} findings",
        metadata={"findings": MetadataValue.md(findings_table(report.urgent))},
    )


def _findings(report: CostReport) -> Iterable[Finding]:
    return report.findings


def _told(report: CostReport) -> Metadata:
    folder = state_directory() / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"costs-{report.environment}-{report.today}.html"
    page.write_text(html(report), encoding="utf-8")
    return {
        "report": MetadataValue.md(markdown(report)),
        "plots": MetadataValue.md(images(report) or "No costs are known."),
        "page": MetadataValue.path(page),
        "month_to_date": MetadataValue.float(float(round(report.month_to_date, 2))),
        "currency": MetadataValue.text(report.currency),
        "findings": MetadataValue.int(len(report.findings)),
        "anomalies": MetadataValue.int(len(report.anomalies)),
        "seconds": MetadataValue.float(round(report.duration.total_seconds(), 3)),
    }


COSTS = Scan(
    name="costs",
    job="cost_report",
    description="Read what an environment costs, and judge it. Changes nothing; each report costs about a tenth of a dollar.",
    report_description="What an environment costs by service, day and tag, beside its budget, estimate and own past.",
    look=_look,
    judged=AsAWhole(
        "Costs are within the budget, like those of other days, tagged, and for what is used.", _check, _findings
    ),
    report=_told,
    longest=timedelta(minutes=30),
    # In the afternoon, when Cost Explorer has most of the day before; environments ten minutes apart.
    timetable=Timetable(lambda position: f"{position * 10 % 60} 14 * * *", "reads its costs every afternoon."),
    family=JobFamily.COSTS,
)

MONTHLY_COSTS = Scan(
    name="monthly_costs",
    job="monthly_cost_report",
    description="Read what an environment cost in the month before. Changes nothing.",
    report_description="What an environment cost in the whole month before.",
    look=_look_back,
    judged=AsAWhole("The month before was within the budget.", _check, _findings),
    report=_told,
    longest=timedelta(minutes=30),
    # On the fifth, when the bill of the month is all but final.
    timetable=Timetable(lambda position: f"{position * 10 % 60} 15 5 * *", "reads the month before on the 5th."),
    family=JobFamily.COSTS,
)
