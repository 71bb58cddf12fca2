"""Cost Explorer: a year of costs that are the same whenever they are asked for, with the habits of real ones.

Amounts follow the list prices of what an environment is made of: traffic falls at weekends, storage grows, what depends on
use goes up and down, support and tax come once a month without a tag, and the last two days are not complete. In staging,
every 37 days, somebody sends twenty times as much through the NAT gateway: who looks for anomalies finds that and no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

CURRENCY = "USD"
HISTORY = timedelta(days=366)
PAGE = 45
"""Periods in one answer."""
ANOMALY = ("staging", "NatGateway-Bytes", Decimal(20))
"""Environment, usage type, and how many times as much."""
_SIZES = {"dev": Decimal(1), "staging": Decimal(2), "production": Decimal(6), "": Decimal(1)}
_COMPLETE = {0: Decimal("0.45"), 1: Decimal("0.93")}
"""What is known of the day so many days ago."""


@dataclass(frozen=True)
class Usage:
    """What one day of one kind of use costs in dev."""

    service: str
    type: str
    daily: Decimal
    noise: Decimal = Decimal(0)
    """How far up and down it goes, as a share."""
    weekend: Decimal = Decimal(1)
    """Of a working day."""
    growth: Decimal = Decimal(0)
    """Over a year, as a share."""


def _use(service: str, type_: str, daily: str, noise: str = "0", weekend: str = "1", growth: str = "0") -> Usage:
    return Usage(service, type_, Decimal(daily), Decimal(noise), Decimal(weekend), Decimal(growth))


_TAGGED = (
    _use("Amazon Elastic Container Service for Kubernetes", "AmazonEKS-Hours:perCluster", "2.40"),
    _use("Amazon Elastic Compute Cloud - Compute", "BoxUsage:t3.medium", "2.00", "0.04"),
    _use("EC2 - Other", "NatGateway-Hours", "1.08"),
    _use("EC2 - Other", "NatGateway-Bytes", "0.45", "0.25", "0.4"),
    _use("EC2 - Other", "EBS:VolumeUsage.gp3", "0.16"),
    _use("Amazon Relational Database Service", "InstanceUsage:db.t4g.medium", "1.75"),
    _use("Amazon Relational Database Service", "Aurora:StorageUsage", "0.25", "0.02", "1", "0.8"),
    _use("Amazon Relational Database Service", "Aurora:StorageIOUsage", "0.35", "0.3", "0.5"),
    _use("Amazon ElastiCache", "NodeUsage:cache.t4g.micro", "0.38"),
    _use("Amazon Elastic Load Balancing", "LoadBalancerUsage", "0.54"),
    _use("Amazon Elastic Load Balancing", "LCUUsage", "0.19", "0.3", "0.3"),
    _use("AmazonCloudWatch", "DataProcessing-Bytes", "0.40", "0.3", "0.6"),
    _use("AWS Key Management Service", "KMS-Keys", "0.33"),
    _use("AWS Secrets Manager", "AWSSecretsManager-Secrets", "0.08"),
    _use("Amazon DynamoDB", "PayPerRequestThroughput", "0.09", "0.35", "0.4"),
    _use("Amazon Simple Storage Service", "TimedStorage-ByteHrs", "0.11", "0.02", "1", "0.5"),
    _use("AWS Backup", "WarmStorage-ByteHrs-EBS", "0.15", "0.05", "1", "0.4"),
)
_UNTAGGED = (_use("EC2 - Other", "EBS:SnapshotUsage", "0.12", "0.02", "1", "0.3"),)
_MONTHLY = (_use("Tax", "Tax", "24.00"), _use("AWS Support (Developer)", "Dollar", "29.00"))
"""Charged whole on the first of a month, without a tag."""


@dataclass(frozen=True)
class Amount:
    """One line of a day."""

    environment: str
    usage: Usage
    amount: Decimal

    def value(self, group: Mapping[str, str]) -> str:
        if group["Type"] == "TAG":
            return f"{group['Key']}${self.environment if group['Key'] == 'environment' else ''}"
        return {"SERVICE": self.usage.service, "USAGE_TYPE": self.usage.type, "REGION": "us-east-1"}.get(
            group["Key"], ""
        )


def get_cost_and_usage(call: Call, _world: World) -> Result:
    periods = list(_periods(call))
    start = int(call.params.get("NextPageToken") or 0)
    page = periods[start : start + PAGE]
    groups = call.params.get("GroupBy") or []
    answer: Result = {
        "ResultsByTime": [_result(call, begin, end, groups) for begin, end in page],
        "DimensionValueAttributes": [],
    }
    if start + PAGE < len(periods):
        answer["NextPageToken"] = str(start + PAGE)
    return answer


def get_cost_and_usage_with_resources(call: Call, world: World) -> Result:
    """Of the last two weeks, as AWS has them; the resources are those that are there now."""
    begin, end = _range(call)
    if begin < _today() - timedelta(days=14):
        raise AwsError("ValidationException", "Start date must be within the last 14 days.")
    groups = call.params.get("GroupBy") or []
    results = []
    for first, last in _days(begin, end):
        found = []
        for line in lines(first, call.params.get("Filter")):
            resource = _resource(call, world, line)
            found.append({"Keys": [resource], "Metrics": _metrics(call, line.amount)})
        results.append({**_period(first, last), "Total": {}, "Groups": found if groups else [], "Estimated": True})
    return {"ResultsByTime": results, "DimensionValueAttributes": []}


def get_cost_forecast(call: Call, _world: World) -> Result:
    begin, end = _range(call)
    if begin < _today():
        raise AwsError("ValidationException", "Start date must not be in the past.")
    spread = Decimal("0.12") if int(call.params.get("PredictionIntervalLevel") or 80) <= 80 else Decimal("0.2")
    lines = [line for line in _all() if _wanted(line, call.params.get("Filter"))]
    days = [
        (first, last, sum((_daily(line, first, noise=False) for line in lines), Decimal(0)))
        for first, last in _days(begin, end)
    ]
    return {
        "Total": {"Amount": str(sum((mean for *_, mean in days), Decimal(0))), "Unit": CURRENCY},
        "ForecastResultsByTime": [
            {
                **_period(first, last),
                "MeanValue": str(mean),
                "PredictionIntervalLowerBound": str(mean * (1 - spread)),
                "PredictionIntervalUpperBound": str(mean * (1 + spread)),
            }
            for first, last, mean in days
        ],
    }


def _result(call: Call, begin: date, end: date, groups: list[Mapping[str, str]]) -> Result:
    sums: dict[tuple[str, ...], Decimal] = {}
    for day, _ in _days(begin, end):
        for line in lines(day, call.params.get("Filter")):
            keys = tuple(line.value(group) for group in groups)
            sums[keys] = sums.get(keys, Decimal(0)) + line.amount
    found = [{"Keys": list(keys), "Metrics": _metrics(call, amount)} for keys, amount in sums.items() if amount]
    total = {} if groups else _metrics(call, sums.get((), Decimal(0)))
    # What is not invoiced yet may still change, as AWS says it.
    estimated = (end.year, end.month) >= (_today().year, _today().month)
    return {**_period(begin, end), "Total": total, "Groups": found if groups else [], "Estimated": estimated}


def lines(day: date, wanted: Any = None) -> Iterator[Amount]:
    """What a day cost, as far as a filter wants it."""
    for line in _all():
        if _wanted(line, wanted) and (amount := _daily(line, day)):
            yield Amount(line.environment, line.usage, amount)


def _all() -> Iterator[Amount]:
    for environment in ("dev", "staging", "production"):
        yield from (Amount(environment, usage, usage.daily * _SIZES[environment]) for usage in _TAGGED)
    yield from (Amount("", usage, usage.daily) for usage in (*_UNTAGGED, *_MONTHLY))


def _daily(line: Amount, day: date, *, noise: bool = True) -> Decimal:
    usage, today = line.usage, _today()
    if usage in _MONTHLY and day.day != 1:
        return Decimal(0)
    amount = line.amount * (usage.weekend if day.weekday() >= 5 else 1)
    amount *= 1 + usage.growth * Decimal((day - date(2026, 1, 1)).days) / 365
    if noise:
        amount *= 1 + usage.noise * _swing(f"{line.environment}/{usage.type}/{day}")
        amount *= _COMPLETE.get((today - day).days, Decimal(1))
        if is_planted(day) and (line.environment, usage.type) == ANOMALY[:2]:
            amount *= ANOMALY[2]
    return amount.quantize(Decimal("0.0000000001"))


def is_planted(day: date) -> bool:
    """Whether it is one of the days with the anomaly: never the same of two months that follow each other."""
    return day.toordinal() % 37 == 5


def _swing(name: str) -> Decimal:
    """From -1 to 1, the same for a name at any time."""
    return Decimal(int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")) / 2**31 - 1


def _wanted(line: Amount, expression: Any) -> bool:
    """Whether the line is in what a filter of Cost Explorer asks for."""
    if not expression:
        return True
    if "And" in expression:
        return all(_wanted(line, each) for each in expression["And"])
    if "Or" in expression:
        return any(_wanted(line, each) for each in expression["Or"])
    if "Not" in expression:
        return not _wanted(line, expression["Not"])
    if tags := expression.get("Tags"):
        value = line.environment if tags["Key"] == "environment" else ""
        return not value if "ABSENT" in tags.get("MatchOptions", ()) else value in tags.get("Values", ())
    dimension = expression.get("Dimensions", {})
    return line.value({"Type": "DIMENSION", "Key": dimension.get("Key", "")}) in dimension.get("Values", ())


def _resource(call: Call, world: World, line: Amount) -> str:
    """A resource of the environment that this use is of."""
    if line.usage.type.startswith("NatGateway"):
        gateways = world.invoke(call, "ec2", "DescribeNatGateways").get("NatGateways", [])
        for gateway in gateways:
            tags = {tag["Key"]: tag["Value"] for tag in gateway.get("Tags", [])}
            if tags.get("environment") == line.environment:
                return str(gateway["NatGatewayId"])
    return "NoResourceId"


def _periods(call: Call) -> Iterator[tuple[date, date]]:
    begin, end = _range(call)
    if begin < _today() - HISTORY - timedelta(days=31):
        raise AwsError("ValidationException", "You haven't enabled historical data beyond 14 months")
    if call.params["Granularity"] == "DAILY":
        yield from _days(begin, end)
        return
    while begin < end:
        first_of_next = (begin.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield begin, min(first_of_next, end)
        begin = first_of_next


def _range(call: Call) -> tuple[date, date]:
    period = call.params["TimePeriod"]
    begin, end = (date.fromisoformat(period[key][:10]) for key in ("Start", "End"))
    if begin >= end:
        raise AwsError("ValidationException", "Start date (and hour) should be before end date (and hour)")
    return begin, end


def _days(begin: date, end: date) -> Iterator[tuple[date, date]]:
    while begin < end:
        yield begin, begin + timedelta(days=1)
        begin += timedelta(days=1)


def _period(begin: date, end: date) -> Result:
    return {"TimePeriod": {"Start": begin.isoformat(), "End": end.isoformat()}}


def _metrics(call: Call, amount: Decimal) -> Result:
    return {
        metric: {"Amount": str(amount), "Unit": CURRENCY} for metric in call.params.get("Metrics", ["UnblendedCost"])
    }


def _today() -> date:
    return datetime.now(UTC).date()


ROUTES: Routes = {
    "GetCostAndUsage": get_cost_and_usage,
    "GetCostAndUsageWithResources": get_cost_and_usage_with_resources,
    "GetCostForecast": get_cost_forecast,
}
