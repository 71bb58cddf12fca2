"""What could be had for less: reservations, savings plans, spot; and what old versions cost extra."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import ApiUnavailable, Live, Record
from ils_pipelines.provisioning.charges import Charge, extended_support
from ils_pipelines.provisioning.versions import verdicts
from ils_pipelines.settings.price_cache import prices_for
from ils_pipelines.settings.problems import Severity
from ils_pipelines.settings.tiers import Tier
from ils_pipelines.settings.versions import Product, Standing, Support

if TYPE_CHECKING:
    from datetime import date

    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target

RESERVABLE = ("Amazon Relational Database Service", "Amazon ElastiCache")
_TERMS = {"TermInYears": "ONE_YEAR", "PaymentOption": "NO_UPFRONT", "LookbackPeriodInDays": "THIRTY_DAYS"}


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


def purchases(live: Live) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """What Cost Explorer advises to buy for the account, and what it did not tell."""
    found: list[str] = []
    silent: dict[str, str] = {}
    try:
        found += _savings_plan(live)
    except ApiUnavailable as unavailable:
        silent["savings plans"] = str(unavailable)
    for service in RESERVABLE:
        try:
            found += _reservations(live, service)
        except ApiUnavailable as unavailable:
            silent["reservations"] = str(unavailable)
    remedy = (
        "See that these credentials may ask Cost Explorer for it, and that the account has been in use for some weeks."
    )
    unknown = (Finding(f"advice on {what}", Urgency.UNKNOWN, "an answer", why, remedy) for what, why in silent.items())
    return tuple(found), tuple(unknown)


def _savings_plan(live: Live) -> Iterator[str]:
    asked = {**_TERMS, "SavingsPlansType": "COMPUTE_SP"}
    answer = live.get("ce", "get_savings_plans_purchase_recommendation", **asked)
    summary = answer.get("SavingsPlansPurchaseRecommendation", {}).get("SavingsPlansPurchaseRecommendationSummary", {})
    committed = summary.get("HourlyCommitmentToPurchase", "")
    what = f"a compute savings plan for a year, of {committed} {summary.get('CurrencyCode', '')} an hour,"
    yield from _saving(what, summary, "EstimatedMonthlySavingsAmount")


def _reservations(live: Live, service: str) -> Iterator[str]:
    answer = live.get("ce", "get_reservation_purchase_recommendation", **_TERMS, Service=service)
    for each in answer.get("Recommendations", ()):
        wanted = [
            f"{_plain(detail.get('RecommendedNumberOfInstancesToPurchase', '?'))} x {_kind(detail)}"
            for detail in each.get("RecommendationDetails", ())
        ]
        what = f"reservations of {service} for a year ({', '.join(wanted)})" if wanted else f"reservations of {service}"
        yield from _saving(what, each.get("RecommendationSummary", {}), "TotalEstimatedMonthlySavingsAmount")


def _kind(detail: Record) -> str:
    """The instance type, whichever service's."""
    for instance in detail.get("InstanceDetails", {}).values():
        return str(instance.get("InstanceType") or instance.get("NodeType") or "instances")
    return "instances"


def _plain(number: object) -> str:
    return str(number).removesuffix(".0")


def _saving(what: str, summary: Record, amount: str) -> Iterator[str]:
    saved = Decimal(summary.get(amount) or 0)
    if saved > 0:
        yield f"{what} would save {saved:.2f} {summary.get('CurrencyCode', '')} a month of the account's costs"


def old_versions(target: Target, today: date) -> Iterator[Finding]:
    """Versions that cost a surcharge, or will within 90 days, and those of which nobody can tell: the calendar that is
    checked before anything is provisioned, each time with who says so."""
    for verdict in verdicts(target, today):
        standing = verdict.standing
        subject = f"{verdict.path} {standing.version}"
        for each in verdict.findings:
            urgency = Urgency.CRITICAL if each.severity is Severity.ERROR else Urgency.WARNING
            found = f"{each.message}{_surcharge(target.environment, standing, today)} ({verdict.source})"
            yield Finding(subject, urgency, "a version in standard support", found, each.remedy)
        if not verdict.current and not verdict.findings:
            found = f"{verdict.says} ({verdict.source})"
            remedy = "See that these credentials may ask AWS for its versions, or bring this software up to date."
            yield Finding(subject, Urgency.UNKNOWN, "a version in standard support", found, remedy)


def _surcharge(environment: Environment, standing: Standing, today: date) -> str:
    """Of the cache there is none: Redis OSS 7 and Valkey have no extended support."""
    if standing.support is not Support.EXTENDED:
        return ""
    table, region = prices_for(environment), environment.aws.region
    if standing.product is Product.EKS:
        standard, extended = (table.find(f"eks/{kind}", region) for kind in ("standard", "extended"))
        monthly = extended.monthly - standard.monthly if standard and extended else None
    else:
        monthly = _of_instances(environment, standing, today)
    return (
        f", at a price nobody knows in {region}"
        if monthly is None
        else f": {monthly:.2f} {table.currency} a month extra"
    )


def _of_instances(environment: Environment, standing: Standing, today: date) -> Decimal | None:
    table, region = prices_for(environment), environment.aws.region
    total = Decimal(0)
    for charge in extended_support(environment.database.instance_class, standing, today):
        price = table.find(charge.product, region) if isinstance(charge, Charge) else None
        if price is None or not isinstance(charge, Charge):
            return None
        total += price.monthly * charge.quantity * environment.database.instances
    return total
