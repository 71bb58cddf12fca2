"""CloudWatch: percentiles of metrics, which moto has none of."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


def get_metric_data(call: Call, world: World) -> Result:
    """moto finds the periods that hold values; the percentiles of each are computed here."""
    asked = {each["Id"]: each["MetricStat"] for each in call.params["MetricDataQueries"] if "MetricStat" in each}
    wanted = {id_: stat for id_, stat in asked.items() if _PERCENTILE.fullmatch(stat["Stat"])}
    if not wanted:
        return world.forward(call)
    if len(asked) < len(call.params["MetricDataQueries"]):
        raise AwsError("ValidationError", "Expressions beside percentiles are unsupported in the sandbox")
    queries = [
        {**each, "MetricStat": {**each["MetricStat"], "Stat": "Maximum"}} if each["Id"] in wanted else each
        for each in call.params["MetricDataQueries"]
    ]
    result = world.forward(call, {**call.params, "MetricDataQueries": queries})
    metrics = world.backend(call, "cloudwatch").metric_data
    for found in result["MetricDataResults"]:
        if (stat := wanted.get(found["Id"])) is not None:
            found["Label"] = f"{stat['Metric']['MetricName']} {stat['Stat']}"
            found["Values"] = [
                _percentile(sorted(_values(metrics, stat, begin)), stat["Stat"]) for begin in found["Timestamps"]
            ]
    return result


def _values(metrics: Sequence[Any], stat: dict[str, Any], begin: datetime) -> Iterator[float]:
    """Of one period."""
    metric = stat["Metric"]
    dimensions = {(each["Name"], each["Value"]) for each in metric.get("Dimensions", ())}
    start = begin.astimezone(UTC)
    end = start + timedelta(seconds=int(stat["Period"]))
    for datum in metrics:
        same = (datum.namespace, datum.name) == (metric["Namespace"], metric["MetricName"])
        if same and {(each.name, each.value) for each in datum.dimensions} == dimensions:
            at = datum.timestamp if datum.timestamp.tzinfo else datum.timestamp.replace(tzinfo=UTC)
            if start <= at < end and hasattr(datum, "value"):  # of a set of statistics there is no percentile
                yield float(datum.value)


def _percentile(values: Sequence[float], stat: str) -> float:
    """The smallest of the values that so many percent of them do not exceed."""
    share = float(stat.removeprefix("p")) / 100
    return values[max(0, math.ceil(share * len(values)) - 1)]


ROUTES: Routes = {"GetMetricData": get_metric_data}
