"""CloudWatch: dashboards and alarms."""

from __future__ import annotations

from typing import Any

from ils_sandbox.provider.errors import AlreadyExists
from ils_sandbox.provider.fields import block, collection, flag, json_text, mapping, number, text
from ils_sandbox.provider.resource import AutoName, Call, Custom, Detail, FindNamed, ResourceType, Scope, Update
from ils_sandbox.provider.tagging import pair_tags
from ils_sandbox.provider.values import Plain


def _put_dashboard(scope: Scope, inputs: Plain, request: Plain) -> Plain:
    scope.call("put_dashboard", **request)
    return {"DashboardName": inputs["dashboardName"]}


DASHBOARD = ResourceType(
    name="aws:cloudwatch/dashboard:Dashboard",
    service="cloudwatch",
    inputs=(text("dashboardName", required=True, replace=True), json_text("dashboardBody", required=True)),
    outputs=(text("dashboardArn"),),
    create=_put_dashboard,
    id="DashboardName",
    reread=True,
    read=Call("get_dashboard", {"DashboardName": "$id"}),
    missing=frozenset({"ResourceNotFound", "DashboardNotFoundError"}),
    updates=(Update(frozenset({"dashboardBody"}), Call("put_dashboard", {"DashboardName": "$id"})),),
    delete=Call("delete_dashboards", {"DashboardNames": ["$id"]}),
    find=FindNamed(lambda _scope, inputs: inputs.get("dashboardName")),
)


def _dimensions(values: Plain) -> list[Plain]:
    return [{"Name": name, "Value": str(value)} for name, value in values.items()]


def _by_name(dimensions: list[Plain] | None) -> dict[str, str] | None:
    return {each["Name"]: each["Value"] for each in dimensions or ()} or None


def _refuse_taken_name(scope: Scope, inputs: Plain) -> None:
    """CloudWatch would overwrite the alarm."""
    if scope.call("describe_alarms", AlarmNames=[inputs["name"]])["MetricAlarms"]:
        detail = f"The alarm {inputs['name']} already exists."
        raise AlreadyExists("cloudwatch", "put_metric_alarm", "AlarmAlreadyExists", detail)


def _put_alarm(scope: Scope, inputs: Plain, request: Plain) -> Plain:
    scope.call("put_metric_alarm", **request)
    return {"AlarmName": inputs["name"]}


def _replace_settings(scope: Scope, _name: str, _old: Plain, new: Plain) -> None:
    """An alarm is written as a whole; its tags stay."""
    entry = scope.type
    scope.call("put_metric_alarm", **entry.codec.request(entry.inputs, new))


def _problems(inputs: Plain) -> Any:
    if (inputs.get("metricName") is None) == (not inputs.get("metricQueries")):
        yield "metricName", "expected either metricName or metricQueries"


_SETTINGS = (
    text("alarmDescription"),
    flag("actionsEnabled", default=True),
    collection("alarmActions"),
    collection("okActions", member="OKActions"),
    collection("insufficientDataActions"),
    text("comparisonOperator", required=True),
    number("evaluationPeriods", required=True),
    number("datapointsToAlarm"),
    number("threshold"),
    text("thresholdMetricId"),
    text("metricName"),
    text("namespace"),
    mapping("dimensions", encode=_dimensions, decode=_by_name),
    number("period"),
    text("statistic", choices=("SampleCount", "Average", "Sum", "Minimum", "Maximum")),
    text("extendedStatistic"),
    text("unit"),
    text("treatMissingData", default="missing", choices=("breaching", "notBreaching", "ignore", "missing")),
    text("evaluateLowSampleCountPercentiles", member="EvaluateLowSampleCountPercentile", computed=True),
    collection(
        "metricQueries",
        text("id", required=True),
        text("accountId"),
        text("expression"),
        text("label"),
        number("period"),
        flag("returnData"),
        block(
            "metric",
            text("metricName", member="Metric.MetricName", required=True),
            text("namespace", member="Metric.Namespace"),
            mapping("dimensions", member="Metric.Dimensions", encode=_dimensions, decode=_by_name),
            number("period", required=True),
            text("stat", required=True),
            text("unit"),
            member="MetricStat",
        ),
        member="Metrics",
    ),
)

METRIC_ALARM = ResourceType(
    name="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    inputs=(text("name", member="AlarmName", replace=True), *_SETTINGS),
    outputs=(text("arn", source="AlarmArn"),),
    naming=AutoName(longest=255),
    tagging=pair_tags("tag_resource", "untag_resource", {"ResourceARN": "$arn"}),
    precheck=_refuse_taken_name,
    create=_put_alarm,
    id="AlarmName",
    reread=True,
    read=Call("describe_alarms", {"AlarmNames": ["$id"]}, "MetricAlarms[0]"),
    missing=frozenset({"ResourceNotFound"}),
    details=(
        Detail(
            "Tags",
            Call("list_tags_for_resource", {"ResourceARN": "$arn"}, "Tags"),
            missing=frozenset({"ResourceNotFoundException"}),
        ),
    ),
    updates=(Custom(frozenset(field.name for field in _SETTINGS), _replace_settings),),
    delete=Call("delete_alarms", {"AlarmNames": ["$id"]}),
    find=FindNamed(lambda _scope, inputs: inputs.get("name")),
    validate=_problems,
)

TYPES = (DASHBOARD, METRIC_ALARM)
