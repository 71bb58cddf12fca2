"""Cost Explorer, in a few calls: each costs a cent, and none is made twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ils_pipelines.operations.costs.models import ZERO, Anomaly, ForecastDay, Spend
from ils_pipelines.operations.live import ApiUnavailable, Live, Record

REGION = "us-east-1"
"""Where Cost Explorer is, whatever region the costs are of."""
METRIC = "UnblendedCost"
TAG = "environment"
"""Has to be activated as a cost allocation tag, once for the account (docs/production.md)."""
LEVEL = 80
"""Percent: how often the truth is within a forecast's bounds."""
NOT_OURS = frozenset({"Tax", "AWS Support (Developer)", "AWS Support (Business)", "AWS Support (Enterprise)"})
"""Services whose charges carry no tag, whatever anybody does."""


@dataclass(frozen=True)
class Costs:
    """Costs by what they were asked by, in one currency."""

    currency: str
    rows: tuple[tuple[date, tuple[str, ...], Decimal], ...]
    """Begin of the period, keys of the groups, amount."""


class Explorer:
    """Raises `ApiUnavailable` for what is not answered, or not in one currency."""

    def __init__(self, live: Live, environment: str) -> None:
        self._live = live.in_region(REGION)
        self._own = {"Tags": {"Key": TAG, "Values": [environment]}}

    def daily(self, begin: date, end: date) -> tuple[str, tuple[Spend, ...]]:
        """The currency, and what the environment cost each day before `end`, by service and usage type."""
        costs = self._usage(begin, end, "DAILY", ("SERVICE", "USAGE_TYPE"), self._own)
        rows = costs.rows
        return costs.currency, tuple(Spend(day, service, usage, amount) for day, (service, usage), amount in rows)

    def by_environment(self, begin: date, end: date) -> dict[str, Decimal]:
        """What the account cost by the tag; `` is what has none and could have."""
        ours = {"Not": {"Dimensions": {"Key": "SERVICE", "Values": sorted(NOT_OURS)}}}
        group = [{"Type": "TAG", "Key": TAG}]
        costs = self._asked(begin, end, "MONTHLY", {"GroupBy": group, "Filter": ours})
        found: dict[str, Decimal] = {}
        for _, (key,), amount in costs.rows:
            name = key.partition("$")[2]
            found[name] = found.get(name, ZERO) + amount
        return found

    def forecast(self, begin: date, end: date) -> tuple[ForecastDay, ...]:
        """Of each day from `begin` to before `end`."""
        answer = self._live.get(
            "ce",
            "get_cost_forecast",
            TimePeriod=_period(begin, end),
            Granularity="DAILY",
            Metric="UNBLENDED_COST",
            PredictionIntervalLevel=LEVEL,
            Filter=self._own,
        )
        return tuple(
            ForecastDay(
                date.fromisoformat(each["TimePeriod"]["Start"]),
                Decimal(each["MeanValue"]),
                Decimal(each["PredictionIntervalLowerBound"]),
                Decimal(each["PredictionIntervalUpperBound"]),
            )
            for each in answer["ForecastResultsByTime"]
        )

    def resources(self, anomaly: Anomaly) -> tuple[str, ...]:
        """Those behind it, the dearest first. Cost Explorer keeps them for 14 days, where that is turned on."""
        kind = [
            {"Dimensions": {"Key": "SERVICE", "Values": [anomaly.service]}},
            {"Dimensions": {"Key": "USAGE_TYPE", "Values": [anomaly.usage_type]}},
        ]
        answer = self._live.get(
            "ce",
            "get_cost_and_usage_with_resources",
            TimePeriod=_period(anomaly.day, anomaly.day + timedelta(days=1)),
            Granularity="DAILY",
            Metrics=[METRIC],
            Filter={"And": [self._own, *kind]},
            GroupBy=[{"Type": "DIMENSION", "Key": "RESOURCE_ID"}],
        )
        found = [
            (Decimal(group["Metrics"][METRIC]["Amount"]), str(group["Keys"][0]))
            for period in answer["ResultsByTime"]
            for group in period["Groups"]
        ]
        return tuple(name for _, name in sorted(found, reverse=True) if name != "NoResourceId")

    def _usage(
        self, begin: date, end: date, granularity: str, dimensions: tuple[str, ...], wanted: Mapping[str, Any]
    ) -> Costs:
        groups = [{"Type": "DIMENSION", "Key": name} for name in dimensions]
        return self._asked(begin, end, granularity, {"GroupBy": groups, "Filter": wanted})

    def _asked(self, begin: date, end: date, granularity: str, more: Mapping[str, Any]) -> Costs:
        rows, currencies = [], set()
        for period in self._periods(begin, end, granularity, more):
            start = date.fromisoformat(period["TimePeriod"]["Start"])
            for group in period["Groups"]:
                cost = group["Metrics"][METRIC]
                currencies.add(str(cost["Unit"]))
                rows.append((start, tuple(group["Keys"]), Decimal(cost["Amount"])))
        if len(currencies) > 1:
            raise ApiUnavailable(f"ce get_cost_and_usage: expected one currency, found {', '.join(sorted(currencies))}")
        return Costs(currencies.pop() if currencies else "USD", tuple(rows))

    def _periods(self, begin: date, end: date, granularity: str, more: Mapping[str, Any]) -> Iterator[Record]:
        """botocore has no paginator for it."""
        token: dict[str, str] = {}
        while True:
            answer = self._live.get(
                "ce",
                "get_cost_and_usage",
                TimePeriod=_period(begin, end),
                Granularity=granularity,
                Metrics=[METRIC],
                **more,
                **token,
            )
            yield from answer["ResultsByTime"]
            if not answer.get("NextPageToken"):
                return
            token = {"NextPageToken": answer["NextPageToken"]}


def _period(begin: date, end: date) -> dict[str, str]:
    return {"Start": begin.isoformat(), "End": end.isoformat()}
