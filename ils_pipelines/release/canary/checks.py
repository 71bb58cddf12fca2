"""What has to hold while a release is tried: addresses that answer, programs that succeed, measures within their bounds."""

from __future__ import annotations

import http.client
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from ils_pipelines.settings.canary import Canary, CloudWatchCheck, CommandCheck, HttpCheck, PrometheusCheck

LONGEST_OUTPUT = 300


class Check(Protocol):
    """Something to look at between two steps."""

    def problem(self) -> str:
        """What is wrong, with what was expected and found; empty when nothing is. Never raises for what it finds."""


@dataclass(frozen=True)
class AnswersHttp:
    settings: HttpCheck

    def problem(self) -> str:
        found = _get(self.settings.url, self.settings.timeout_seconds)
        if isinstance(found, str):
            return f"expected HTTP {self.settings.status} from {self.settings.url}, found no answer ({found})"
        if found.status != self.settings.status:
            return f"expected HTTP {self.settings.status} from {self.settings.url}, found {found.status}"
        return ""


@dataclass(frozen=True)
class Succeeds:
    settings: CommandCheck

    def problem(self) -> str:
        command = " ".join(self.settings.command)
        try:
            done = subprocess.run(
                list(self.settings.command),
                capture_output=True,
                text=True,
                timeout=self.settings.timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"expected `{command}` to succeed, but it had not ended after {self.settings.timeout_seconds} s"
        except OSError as error:
            return f"expected `{command}` to succeed, but it could not be started ({error})"
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-LONGEST_OUTPUT:]
            return f"expected `{command}` to succeed, found exit code {done.returncode}" + (f": {said}" if said else "")
        return ""


@dataclass(frozen=True)
class WithinQuery:
    settings: PrometheusCheck

    def problem(self) -> str:
        query = urllib.parse.urlencode({"query": self.settings.query})
        address = f"{self.settings.url.rstrip('/')}/api/v1/query?{query}"
        found = _get(address, self.settings.timeout_seconds)
        if isinstance(found, str) or found.status != 200:
            why = found if isinstance(found, str) else f"HTTP {found.status}"
            return f"expected values of `{self.settings.query}` from {self.settings.url}, found none ({why})"
        try:
            values = _values(json.loads(found.body))
        except (ValueError, KeyError, TypeError, IndexError):
            return f"expected values of `{self.settings.query}` from {self.settings.url}, found something else"
        if not values:
            return f"expected values of `{self.settings.query}`, found none: nothing is measured"
        # NaN, a rate over no requests, is not more than anything: it has to be asked for what it is not.
        worst = next((value for value in values if not value <= self.settings.at_most), None)
        return (
            ""
            if worst is None
            else f"expected `{self.settings.query}` at most {self.settings.at_most:g}, found {worst:g}"
        )


def _values(answer: Mapping[str, Any]) -> list[float]:
    data = answer["data"]
    if data["resultType"] == "scalar":
        return [float(data["result"][1])]
    return [float(each["value"][1]) for each in data["result"]]


@dataclass(frozen=True)
class WithinMeasures:
    """What CloudWatch has of the load balancer: of one target group, or of all pods together."""

    settings: CloudWatchCheck
    client: Any
    load_balancer: str
    """As CloudWatch calls it: `app/<name>/<id>`."""
    target_group: str = ""
    """Likewise `targetgroup/<name>/<id>`, of the new pods; empty where they have none of their own."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def problem(self) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            requests, errors, latency = self._measured()
        except (BotoCoreError, ClientError) as error:
            return f"expected measures of the load balancer from CloudWatch, found none ({error})"
        if requests < self.settings.least_requests:
            return (
                f"expected measures of {self.settings.least_requests} requests or more from CloudWatch, found "
                f"{requests:.0f} in {self.settings.minutes} minutes: the new pods have shown nothing yet"
            )
        share = 100 * errors / requests if requests else 0.0
        problems = []
        if share > self.settings.error_percent:
            problems.append(f"expected at most {self.settings.error_percent:g} % answers of 5xx, found {share:.1f} %")
        if latency > self.settings.latency_ms:
            problems.append(
                f"expected at most {self.settings.latency_ms:g} ms (95th percentile), found {latency:.0f} ms"
            )
        return " and ".join(problems)

    def _measured(self) -> tuple[float, float, float]:
        """Requests, answers of 5xx, and the response time in milliseconds."""
        end = self.now()
        answer = self.client.get_metric_data(
            StartTime=end - timedelta(minutes=self.settings.minutes),
            EndTime=end,
            MetricDataQueries=[
                self._query("requests", "RequestCount", "Sum"),
                self._query("errors", "HTTPCode_Target_5XX_Count", "Sum"),
                self._query("latency", "TargetResponseTime", "p95"),
            ],
        )
        values = {each["Id"]: each["Values"] for each in answer["MetricDataResults"]}
        latency = max(values.get("latency") or [0.0]) * 1000
        return sum(values.get("requests", ())), sum(values.get("errors", ())), latency

    def _query(self, id_: str, metric: str, statistic: str) -> dict[str, Any]:
        dimensions = [{"Name": "LoadBalancer", "Value": self.load_balancer}]
        if self.target_group:
            dimensions.insert(0, {"Name": "TargetGroup", "Value": self.target_group})
        named = {"Namespace": "AWS/ApplicationELB", "MetricName": metric, "Dimensions": dimensions}
        return {"Id": id_, "MetricStat": {"Metric": named, "Period": 60, "Stat": statistic}}


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes


def _get(address: str, timeout_seconds: int) -> _Answer | str:
    """The answer, whatever its status, or why there was none."""
    try:
        with urllib.request.urlopen(address, timeout=timeout_seconds) as response:  # noqa: S310 settings allow http(s)
            return _Answer(response.status, response.read(1 << 20))
    except urllib.error.HTTPError as error:
        with error:
            return _Answer(error.code, b"")
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def checks_of(canary: Canary, cloudwatch: Callable[[CloudWatchCheck], Check] | None = None) -> tuple[Check, ...]:
    """The checks that an environment's file asks for. `cloudwatch` makes the one that needs AWS."""
    checks = canary.checks
    found: list[Check] = [AnswersHttp(each) for each in checks.http]
    found += [WithinQuery(each) for each in checks.prometheus]
    if checks.cloudwatch is not None and cloudwatch is not None:
        found.append(cloudwatch(checks.cloudwatch))
    return (*found, *(Succeeds(each) for each in checks.commands))
