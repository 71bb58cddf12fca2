"""What Cost Explorer advises to buy: it follows from the invented costs of the 30 days before, of the whole account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.cost_explorer import CURRENCY, lines
from ils_sandbox.aws.overlay.world import Result, Routes, World

_LOOKED_BACK = {"SEVEN_DAYS": 7, "THIRTY_DAYS": 30, "SIXTY_DAYS": 60}
_HOURS = Decimal(730)
_CENTS = Decimal("0.01")
_PLAN_SAVES = Decimal("0.27")
"""Of what is on demand, about what a year's plan without upfront payment saves."""


@dataclass(frozen=True)
class Reservable:
    """What of a service can be reserved."""

    usage: str
    """What its usage type begins with."""
    hourly: Decimal
    """On demand, of the one type that the invented costs have."""
    saves: Decimal
    member: str
    """Of InstanceDetails."""
    described: dict[str, object]


_RESERVABLE = {
    "Amazon Relational Database Service": Reservable(
        "InstanceUsage:",
        Decimal("0.073"),
        Decimal("0.33"),
        "RDSInstanceDetails",
        {"DatabaseEngine": "Aurora PostgreSQL", "DeploymentOption": "Single-AZ", "LicenseModel": "No license required"},
    ),
    "Amazon ElastiCache": Reservable(
        "NodeUsage:", Decimal("0.016"), Decimal("0.31"), "ElastiCacheInstanceDetails", {"ProductDescription": "Redis"}
    ),
}
_ON_DEMAND = "BoxUsage:"


def get_reservation_purchase_recommendation(call: Call, _world: World) -> Result:
    service = call.params["Service"]
    reservable = _RESERVABLE.get(service)
    monthly = _monthly(call, service, reservable.usage) if reservable else Decimal(0)
    # Whole instances that ran nearly all the time; what is left of one is not worth a reservation.
    number = int(monthly / (reservable.hourly * _HOURS) + Decimal("0.2")) if reservable else 0
    if reservable is None or not number:
        return {"Metadata": _metadata(), "Recommendations": []}
    demand = (reservable.hourly * _HOURS * number).quantize(_CENTS)
    saved = (demand * reservable.saves).quantize(_CENTS)
    kind = _kind(service, reservable.usage)
    name = "InstanceType" if reservable.member.startswith("RDS") else "NodeType"
    details = {
        "AccountId": call.account,
        "InstanceDetails": {
            reservable.member: {
                name: kind,
                "Family": kind.split(".")[1],
                "Region": "us-east-1",
                "CurrentGeneration": True,
                "SizeFlexEligible": True,
                **reservable.described,
            }
        },
        "RecommendedNumberOfInstancesToPurchase": str(number),
        "AverageUtilization": "100",
        "CurrencyCode": CURRENCY,
        "EstimatedMonthlySavingsAmount": str(saved),
        "EstimatedMonthlySavingsPercentage": str(reservable.saves * 100),
        "EstimatedMonthlyOnDemandCost": str(demand),
        "UpfrontCost": "0",
        "RecurringStandardMonthlyCost": str(demand - saved),
    }
    recommendation = {
        **_asked(call),
        "RecommendationDetails": [details],
        "RecommendationSummary": {
            "TotalEstimatedMonthlySavingsAmount": str(saved),
            "TotalEstimatedMonthlySavingsPercentage": str(reservable.saves * 100),
            "CurrencyCode": CURRENCY,
        },
    }
    return {"Metadata": _metadata(), "Recommendations": [recommendation]}


def get_savings_plans_purchase_recommendation(call: Call, _world: World) -> Result:
    monthly = _monthly(call, "Amazon Elastic Compute Cloud - Compute", _ON_DEMAND).quantize(_CENTS)
    saved = (monthly * _PLAN_SAVES).quantize(_CENTS)
    summary = {
        "CurrencyCode": CURRENCY,
        "CurrentOnDemandSpend": str(monthly),
        "EstimatedMonthlySavingsAmount": str(saved),
        "EstimatedSavingsPercentage": str(_PLAN_SAVES * 100),
        "HourlyCommitmentToPurchase": str(((monthly - saved) / _HOURS).quantize(Decimal("0.001"))),
        "DailyCommitmentToPurchase": str(((monthly - saved) / _HOURS * 24).quantize(Decimal("0.001"))),
        "TotalRecommendationCount": "1",
    }
    recommendation = {
        **_asked(call),
        "SavingsPlansType": call.params["SavingsPlansType"],
        "SavingsPlansPurchaseRecommendationDetails": [],
        "SavingsPlansPurchaseRecommendationSummary": summary,
    }
    return {"Metadata": _metadata(), "SavingsPlansPurchaseRecommendation": recommendation}


def _monthly(call: Call, service: str, usage: str) -> Decimal:
    """What such use costs in a month, by the days that the advice looks back on."""
    days = _LOOKED_BACK[call.params.get("LookbackPeriodInDays", "SEVEN_DAYS")]
    cost = sum((amount for _, amount in _used(service, usage, days)), Decimal(0))
    return cost / days * _HOURS / 24


def _kind(service: str, usage: str) -> str:
    """The instance type of its usage type."""
    return next(type_.partition(":")[2] for type_, _ in _used(service, usage, 7))


def _used(service: str, usage: str, days: int) -> Iterator[tuple[str, Decimal]]:
    last = datetime.now(UTC).date() - timedelta(days=2)  # the newest day that is complete
    for age in range(days):
        for line in lines(last - timedelta(days=age)):
            if line.usage.service == service and line.usage.type.startswith(usage):
                yield line.usage.type, line.amount


def _asked(call: Call) -> Result:
    names = ("LookbackPeriodInDays", "TermInYears", "PaymentOption")
    return {"AccountScope": "PAYER", **{name: call.params[name] for name in names if name in call.params}}


def _metadata() -> Result:
    return {"GenerationTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


ROUTES: Routes = {
    "GetReservationPurchaseRecommendation": get_reservation_purchase_recommendation,
    "GetSavingsPlansPurchaseRecommendation": get_savings_plans_purchase_recommendation,
}
