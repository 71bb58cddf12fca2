"""Looking at what one environment costs."""

from __future__ import annotations

import time
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.costs import advice as advising
from ils_pipelines.operations.costs.anomalies import anomalies
from ils_pipelines.operations.costs.explorer import Explorer
from ils_pipelines.operations.costs.idle import idle
from ils_pipelines.operations.costs.models import ZERO, Anomaly, CostReport, ForecastDay, Spend
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import ApiUnavailable, Live

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target

DAYS = 92
UNSETTLED = timedelta(days=2)
"""Cost Explorer has a day whole after one or two more."""
MOST_TRACED = 5
"""Anomalies whose resources are asked for: each question costs a cent."""
_ASK = "See that these credentials may ask Cost Explorer, and that it is turned on for the account."


def costs(target: Target, today: date | None = None) -> CostReport:
    """What the environment costs as of `today`, held against budget, estimate and its own past. Reads only.

    Raises nothing for what cannot be learned: that is a finding of its own, and no amount stands for it.
    """
    started, taken_at = time.monotonic(), datetime.now(UTC)
    today = today or taken_at.date()
    environment, live = target.environment, Live(target)
    explorer = Explorer(live, environment.name)
    unknown: list[Finding] = []
    notes: list[str] = []
    currency, spends = "USD", tuple[Spend, ...]()
    forecast, by_environment = tuple[ForecastDay, ...](), dict[str, Decimal]()
    first = today.replace(day=1)
    try:
        currency, spends = explorer.daily(min(first, today - timedelta(days=DAYS)), today + timedelta(days=1))
        by_environment = explorer.by_environment(first, today + timedelta(days=1))
    except ApiUnavailable as unavailable:
        unknown.append(Finding("costs", Urgency.UNKNOWN, "an answer", str(unavailable), _ASK))
    end = first.replace(day=monthrange(first.year, first.month)[1]) + timedelta(days=1)
    if today >= taken_at.date() and spends:
        try:
            forecast = explorer.forecast(today, end)
        except ApiUnavailable as unavailable:
            unknown.append(Finding("forecast", Urgency.UNKNOWN, "an answer", str(unavailable), _ASK))
    settled = today - UNSETTLED
    found = [_traced(explorer, each, position, notes) for position, each in enumerate(anomalies(spends, settled))]
    unused = idle(live)
    bought, untold = advising.purchases(live.in_region("us-east-1"))
    report = CostReport(
        environment=environment.name,
        taken_at=taken_at,
        duration=timedelta(0),
        today=today,
        settled=settled,
        currency=currency,
        spends=spends,
        budget=environment.costs.budget_monthly,
        forecast=forecast,
        anomalies=tuple(found),
        by_environment=by_environment,
        estimate=_estimate(target, notes),
        findings=(),
        advice=(*advising.advice(environment), *bought),
        notes=tuple(filter(None, (*notes, unused.note))),
    )
    judged = (*_judged(report, environment), *unused.findings, *advising.old_versions(target, today))
    findings = (*unknown, *untold, *judged)
    return replace(report, findings=findings, duration=timedelta(seconds=time.monotonic() - started))


def _traced(explorer: Explorer, anomaly: Anomaly, position: int, notes: list[str]) -> Anomaly:
    if position >= MOST_TRACED:
        return anomaly
    try:
        return replace(anomaly, resources=explorer.resources(anomaly))
    except ApiUnavailable as unavailable:
        notes.append(f"resources behind {anomaly.usage_type} on {anomaly.day} are not told: {unavailable}")
        return anomaly


def _estimate(target: Target, notes: list[str]) -> Decimal | None:
    from ils_pipelines.provisioning.estimate import estimate, total
    from ils_pipelines.provisioning.layers import layer_work
    from ils_pipelines.settings.layers import Layer

    try:
        resources = {layer: layer_work(target, layer).resources() for layer in Layer}
    except IlsError as error:
        notes.append(f"no estimate of what is provisioned: {error}")
        return None
    if not any(resources.values()):
        return None
    return total(estimate(target.environment, each) for each in resources.values() if each).before


def _judged(report: CostReport, environment: Environment) -> Iterator[Finding]:
    yield from _budget(report)
    for each in report.anomalies:
        behind = f", mostly of {', '.join(each.resources[:3])}" if each.resources else ""
        found = f"{each.amount:.2f} {report.currency} on {each.day}, {each.extra:.2f} more than usual{behind}"
        remedy = "See what used it that day; `ils drift` says what was changed, CloudTrail who did it."
        subject = f"{each.service}, {each.usage_type}, {each.day}"
        yield Finding(subject, Urgency.WARNING, f"about {each.usual:.2f} {report.currency} a day", found, remedy)
    account, untagged = sum(report.by_environment.values(), ZERO), report.by_environment.get("", ZERO)
    most = environment.costs.untagged_percent
    if account and untagged * 100 > account * most:
        found = f"{untagged:.2f} {report.currency} of this month, {untagged / account:.0%}"
        remedy = "Give what carries none the tag `environment` (`ils leftovers` finds ours), and activate it for costs."
        yield Finding("untagged spend", Urgency.WARNING, f"{most} % of the account's costs or less", found, remedy)
    pace = report.monthly_pace
    if report.estimate and pace is not None:
        differs = abs(pace - report.estimate) / report.estimate
        if differs * 100 > environment.costs.estimate_percent:
            expected = f"about {report.estimate:.2f} {report.currency} a month, the list prices of what is provisioned"
            remedy = (
                "What depends on use is not estimated: see which usage type it is. Else something runs beside the file."
            )
            found = f"a pace of {pace:.2f} {report.currency} a month"
            yield Finding("estimate and bill", Urgency.WARNING, expected, found, remedy)


def _budget(report: CostReport) -> Iterator[Finding]:
    budget, expected = report.budget, report.month_expected
    if budget is None:
        return
    wanted = f"{budget:.2f} {report.currency} or less in a month"
    remedy = "See the top movers and what is idle, or raise costs.budget_monthly in the environment's file."
    if report.month_to_date > budget:
        found = f"{report.month_to_date:.2f} {report.currency} by {report.today}"
        yield Finding("budget of the month", Urgency.CRITICAL, wanted, found, remedy)
    elif expected is not None and expected.mean > budget:
        found = f"{expected.mean:.2f} {report.currency} expected ({expected.low:.2f} to {expected.high:.2f})"
        yield Finding("budget of the month", Urgency.WARNING, wanted, found, remedy)
