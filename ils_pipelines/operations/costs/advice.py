"""What could be had for less: reservations, savings plans, spot; and what old versions cost extra."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import ApiUnavailable, Live, Record
from ils_pipelines.provisioning.versions import verdicts
from ils_pipelines.settings.price_cache import prices_for
from ils_pipelines.settings.problems import Severity
from ils_pipelines.settings.tiers import Tier
from ils_pipelines.settings.versions import Product, Support

if TYPE_CHECKING:
    from datetime import date

    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target

RESERVABLE = ("Amazon Relational Database Service", "Amazon ElastiCache")


def advice(environment: Environment) -> Iterator[str]:
    """What the file itself says could be cheaper."""
    if environment.tier is Tier.PRODUCTION:
        return
    for group in environment.cluster.node_groups:
        if group.capacity.value != "spot":
            yield (
                f"node group {group.name} is on demand: spot nodes cost about a third, and an environment that is not "
                "production can bear losing one (cluster.node_groups.capacity)"
            )


def purchases(live: Live) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What Cost Explorer advises to buy for the account, and what it said nothing of, and why."""
    found, silent = [], []
    try:
        answer = live.get(
            "ce",
            "get_savings_plans_purchase_recommendation",
            SavingsPlansType="COMPUTE_SP",
            TermInYears="ONE_YEAR",
            PaymentOption="NO_UPFRONT",
            LookbackPeriodInDays="THIRTY_DAYS",
        )
        summary = answer.get("SavingsPlansPurchaseRecommendation", {}).get(
            "SavingsPlansPurchaseRecommendationSummary", {}
        )
        found += _saving("a compute savings plan for a year", summary, "EstimatedMonthlySavingsAmount", "CurrencyCode")
    except ApiUnavailable as unavailable:
        silent.append(f"no advice on savings plans: {unavailable}")
    for service in RESERVABLE:
        try:
            answer = live.get(
                "ce",
                "get_reservation_purchase_recommendation",
                Service=service,
                TermInYears="ONE_YEAR",
                PaymentOption="NO_UPFRONT",
                LookbackPeriodInDays="THIRTY_DAYS",
            )
        except ApiUnavailable as unavailable:
            silent.append(f"no advice on reservations of {service}: {unavailable}")
            continue
        for each in answer.get("Recommendations", ()):
            summary = each.get("RecommendationSummary", {})
            what = f"reservations of {service} for a year"
            found += _saving(what, summary, "TotalEstimatedMonthlySavingsAmount", "CurrencyCode")
    return tuple(found), tuple(silent)


def _saving(what: str, summary: Record, amount: str, currency: str) -> list[str]:
    saved = summary.get(amount)
    if not saved or float(saved) <= 0:
        return []
    return [f"{what} would save {saved} {summary.get(currency, '')} a month of the account's costs"]


def old_versions(target: Target, today: date) -> Iterator[Finding]:
    """Versions that cost a surcharge, or will within 90 days: the calendar that is checked before anything is provisioned."""
    environment = target.environment
    for verdict in verdicts(target, today):
        standing = verdict.standing
        for each in verdict.findings:
            urgency = Urgency.CRITICAL if each.severity is Severity.ERROR else Urgency.WARNING
            found = (
                f"{each.message}{_surcharge(environment) if _is_charged(standing.product, standing.support) else ''}"
            )
            yield Finding(
                f"{verdict.path} {standing.version}", urgency, "a version in standard support", found, each.remedy
            )


def _is_charged(product: Product, support: Support) -> bool:
    """Of the others the surcharge goes by capacity, which the price table has no rows for."""
    return product is Product.EKS and support is Support.EXTENDED


def _surcharge(environment: Environment) -> str:
    table, region = prices_for(environment), environment.aws.region
    standard, extended = (table.find(f"eks/{kind}", region) for kind in ("standard", "extended"))
    if standard is None or extended is None:
        return ""
    return f": {extended.monthly - standard.monthly:.2f} {table.currency} a month extra"
