"""What a cost report holds. Amounts are Decimal, all in the report's one currency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from ils_pipelines.operations.findings import Finding, by_urgency

ZERO = Decimal(0)


@dataclass(frozen=True)
class Spend:
    """What one kind of use cost on one day."""

    day: date
    service: str
    usage_type: str
    amount: Decimal


@dataclass(frozen=True)
class Anomaly:
    """A day on which one kind of use cost far more than it does."""

    day: date
    service: str
    usage_type: str
    amount: Decimal
    usual: Decimal
    resources: tuple[str, ...] = ()
    """Behind it, the dearest first; empty where Cost Explorer keeps no costs by resource."""

    @property
    def extra(self) -> Decimal:
        return self.amount - self.usual


@dataclass(frozen=True)
class ForecastDay:
    """What Cost Explorer expects of one day; the truth is between low and high four times out of five."""

    day: date
    mean: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class CostReport:
    """One environment, as its costs were known at one moment."""

    environment: str
    taken_at: datetime
    """UTC."""
    duration: timedelta
    today: date
    settled: date
    """The last day whose costs are all but complete. Later days are shown and judged by nothing."""
    currency: str
    spends: tuple[Spend, ...]
    """Of about three months."""
    budget: Decimal | None
    """Of a month."""
    forecast: tuple[ForecastDay, ...]
    """Of the rest of the month; empty where it is not known."""
    anomalies: tuple[Anomaly, ...]
    by_environment: Mapping[str, Decimal]
    """Of the month and the whole account; `` is what has no tag."""
    estimate: Decimal | None
    """List prices of what is provisioned, a month; None when nothing is."""
    findings: tuple[Finding, ...]
    advice: tuple[str, ...]
    notes: tuple[str, ...]
    """What could not be learned or is left out, and why."""

    @property
    def sound(self) -> bool:
        return not self.findings

    @property
    def urgent(self) -> tuple[Finding, ...]:
        return by_urgency(self.findings)

    @property
    def month(self) -> tuple[Spend, ...]:
        """Those of the month so far."""
        return tuple(each for each in self.spends if each.day >= self.today.replace(day=1))

    @property
    def month_to_date(self) -> Decimal:
        return sum((each.amount for each in self.month), ZERO)

    @property
    def month_expected(self) -> ForecastDay | None:
        """The whole month: what it cost so far and what is expected of its rest."""
        if not self.forecast:
            return None
        so_far = sum((each.amount for each in self.month if each.day < self.forecast[0].day), ZERO)
        mean, low, high = (
            so_far + sum((getattr(day, part) for day in self.forecast), ZERO) for part in ("mean", "low", "high")
        )
        return ForecastDay(self.forecast[-1].day, mean, low, high)

    @property
    def monthly_pace(self) -> Decimal | None:
        """What a month costs at the pace of the last thirty settled days; None when fewer are known."""
        days = {each.day for each in self.spends if self.settled - timedelta(days=30) < each.day <= self.settled}
        if len(days) < 30:
            return None
        spent = sum((each.amount for each in self.spends if each.day in days), ZERO)
        return spent / 30 * Decimal(365) / 12

    def by_service(self) -> dict[str, Decimal]:
        """Of the month so far, the dearest first."""
        return _sums((each.service, each.amount) for each in self.month)

    def by_usage_type(self) -> dict[str, Decimal]:
        """Likewise, as `service: usage type`."""
        return _sums((f"{each.service}: {each.usage_type}", each.amount) for each in self.month)

    def movers(self) -> dict[str, Decimal]:
        """By how much each service's last settled week differs from the one before, the largest first."""
        sums: dict[str, Decimal] = {}
        for each in self.spends:
            age = (self.settled - each.day).days
            if 0 <= age < 14:
                sums[each.service] = sums.get(each.service, ZERO) + (each.amount if age < 7 else -each.amount)
        return dict(sorted(sums.items(), key=lambda item: -abs(item[1])))


def _sums(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for name, amount in amounts:
        found[name] = found.get(name, ZERO) + amount
    return dict(sorted(found.items(), key=lambda item: -item[1]))
