"""What is collected and watched, and who is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.provisioning.charges import METRICS_OF_ALARMS
from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
Changed = Callable[..., Runs]


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.MONITORING]


def alarms(run: Any) -> dict[str, dict[str, Any]]:
    return {alarm.name: dict(alarm.inputs) for alarm in run.of("MetricAlarm")}


def widgets(run: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run.one("Dashboard", "overview").inputs["dashboardBody"])["widgets"]
    return found


def shown(run: Any) -> set[str]:
    """The metrics that the dashboard shows."""
    return {metric[1] for widget in widgets(run) for metric in widget["properties"].get("metrics", ())}


# -- alarms


def test_alarms_are_told_and_so_is_their_end(run: Any) -> None:
    topic = run.outputs["alarm_topic_arn"]
    for alarm in alarms(run).values():
        assert alarm["alarmActions"] == alarm["okActions"] == [topic]
        assert alarm.get("actionsEnabled", True) is True


def test_every_alarm_says_what_it_means(run: Any) -> None:
    assert all(len(alarm["alarmDescription"]) > 40 for alarm in alarms(run).values())


def test_what_gives_no_numbers_wakes_nobody(run: Any) -> None:
    assert {alarm["treatMissingData"] for alarm in alarms(run).values()} == {"notBreaching"}


def test_there_are_alarms_for_every_part(run: Any, tier: str) -> None:
    parts = {name.split("-")[0] for name in alarms(run)}
    always = {"requests", "targets", "database", "cache", "sessions", "analytics", "backups"}
    assert parts == (always if tier == "dev" else {*always, "nodes"})


def test_the_alarms_are_handed_on_by_name(run: Any) -> None:
    assert sorted(run.outputs["alarm_names"]) == sorted(alarm["name"] for alarm in alarms(run).values())


@pytest.mark.parametrize(("name", "nodes"), [("dev", 1), ("staging", 2), ("production", 3)])
def test_every_node_of_the_cache_is_watched(of_tier: Callable[[str], Runs], name: str, nodes: int) -> None:
    found = alarms(of_tier(name)[Layer.MONITORING])
    watched = {alarm["dimensions"]["CacheClusterId"] for key, alarm in found.items() if key.startswith("cache-")}
    assert watched == {f"ils-{name}-{number:03d}" for number in range(1, nodes + 1)}


@pytest.mark.parametrize(("name", "watched"), [("dev", False), ("staging", True), ("production", True)])
def test_lag_is_watched_where_there_are_readers(of_tier: Callable[[str], Runs], name: str, watched: bool) -> None:
    assert ("database-replica-lag" in alarms(of_tier(name)[Layer.MONITORING])) is watched


def test_thresholds_are_the_file_s(apply_changed: Changed) -> None:
    limits = {"database_cpu_percent": 55, "database_free_memory_mib": 100, "response_milliseconds": 250}
    found = alarms(apply_changed(monitoring={"thresholds": limits})[Layer.MONITORING])
    assert found["database-cpu"]["threshold"] == 55
    assert found["database-memory"]["threshold"] == 100 * 2**20
    assert found["database-memory"]["comparisonOperator"] == "LessThanThreshold"
    assert (found["requests-slow"]["threshold"], found["requests-slow"]["extendedStatistic"]) == (0.25, "p95")


def test_errors_are_counted_as_a_share_of_all_requests(run: Any, applied: Runs) -> None:
    queries = {query["id"]: query for query in alarms(run)["requests-failing"]["metricQueries"]}
    assert queries["value"]["returnData"] is True
    assert re.fullmatch(r"100 \* \(.*m1.*m2.*\) / m3", queries["value"]["expression"])
    balancer = {"LoadBalancer": applied[Layer.LOAD_BALANCER].outputs["load_balancer_arn_suffix"]}
    assert {queries[each]["metric"]["metricName"] for each in ("m1", "m2", "m3")} == {
        "HTTPCode_Target_5XX_Count",
        "HTTPCode_ELB_5XX_Count",
        "RequestCount",
    }
    assert all(queries[each]["metric"]["dimensions"] == balancer for each in ("m1", "m2", "m3"))


def test_the_price_knows_how_many_metrics_an_alarm_looks_at(run: Any) -> None:
    counted = {
        name: sum("metric" in query for query in alarm["metricQueries"])
        for name, alarm in alarms(run).items()
        if alarm.get("metricQueries")
    }
    assert counted == METRICS_OF_ALARMS


# -- topic


def test_the_topic_lies_under_the_key_that_cloudwatch_may_use(run: Any, applied: Runs) -> None:
    assert run.one("Topic").inputs["kmsMasterKeyId"].endswith("Key/alarms")
    (key,) = [key for key in applied[Layer.ENCRYPTION].of("Key") if key.name == "alarms" and not key.component]
    (_, use) = json.loads(key.inputs["policy"])["Statement"]
    assert use["Principal"] == {"Service": ["cloudwatch.amazonaws.com"]}
    assert use["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_only_alarms_of_this_account_publish_and_only_over_tls(run: Any) -> None:
    publish, tls = json.loads(run.one("TopicPolicy").inputs["policy"])["Statement"]
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert publish["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dev", {("email", "ils-dev@example.com")}),
        ("production", {("email", "ils-on-call@example.com"), ("https", "https://events.example.com/ils-production")}),
    ],
)
def test_those_whom_the_file_names_are_told(
    of_tier: Callable[[str], Runs], name: str, told: set[tuple[str, str]]
) -> None:
    found = [each.inputs for each in of_tier(name)[Layer.MONITORING].of("TopicSubscription")]
    assert {(each["protocol"], each["endpoint"]) for each in found} == told


# -- dashboard


@pytest.mark.parametrize(
    "metric",
    [
        *("RequestCount", "TargetResponseTime", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"),
        *("DatabaseConnections", "CommitLatency", "DBLoad", "VolumeBytesUsed", "TotalBackupStorageBilled"),
        *("EngineCPUUtilization", "DatabaseMemoryUsagePercentage", "NumberOfBackupJobsCompleted"),
        "scheduler_pending_pods",
    ],
)
def test_the_dashboard_shows_requests_database_cache_and_backups(run: Any, metric: str) -> None:
    assert metric in shown(run)


def test_nodes_and_pods_are_shown_where_they_are_measured(run: Any, tier: str) -> None:
    measured = {"node_cpu_utilization", "node_memory_utilization", "pod_number_of_container_restarts"}
    assert (measured <= shown(run)) is (tier != "dev")
    assert bool(measured & shown(run)) is (tier != "dev")


def test_the_dashboard_shows_every_alarm(run: Any) -> None:
    (widget,) = [widget for widget in widgets(run) if widget["type"] == "alarm"]
    assert len(widget["properties"]["alarms"]) == len(alarms(run))


def test_widgets_fill_the_dashboard_and_do_not_overlap(run: Any) -> None:
    taken = [
        (x, y)
        for widget in widgets(run)
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_slow_statements_are_found_in_the_database_s_log(run: Any, applied: Runs) -> None:
    (log,) = [widget for widget in widgets(run) if widget["type"] == "log"]
    group = applied[Layer.DATABASE].one("LogGroup").inputs["name"]
    assert f"SOURCE '{group}'" in log["properties"]["query"]


# -- telemetry


def configuration(run: Any, addon: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.one("Addon", addon).inputs["configurationValues"])
    return found


@pytest.mark.parametrize(
    ("name", "addons", "groups"),
    [
        ("dev", ["cert-manager", "adot"], []),
        (
            "production",
            ["amazon-cloudwatch-observability", "cert-manager", "adot"],
            ["application", "dataplane", "host", "performance", "prometheus"],
        ),
    ],
)
def test_what_the_file_asks_for_is_collected(
    of_tier: Callable[[str], Runs], name: str, addons: list[str], groups: list[str]
) -> None:
    run = of_tier(name)[Layer.MONITORING]
    assert run.outputs["addon_names"] == addons
    assert run.outputs["log_group_names"] == [f"/aws/containerinsights/ils-{name}/{group}" for group in groups]


def test_log_groups_end_and_are_there_before_what_writes_to_them(of_tier: Callable[[str], Runs]) -> None:
    run = of_tier("production")[Layer.MONITORING]
    groups = {group.name: group for group in run.of("LogGroup")}
    assert {group.inputs["retentionInDays"] for group in groups.values()} == {30}
    assert all(group.inputs["kmsKeyId"].endswith("Key/logs") for group in groups.values())
    of_agent = {groups[name].urn for name in ("application", "dataplane", "host", "performance")}
    assert of_agent <= run.one("Addon", "amazon-cloudwatch-observability").dependencies
    assert groups["prometheus"].urn in run.one("Addon", "adot").dependencies


def test_traces_go_to_x_ray_through_a_collector_that_may_do_nothing_else(run: Any) -> None:
    assert configuration(run, "adot")["collector"]["otlpIngest"] == {
        "pipelines": {"traces": {"xray": {"enabled": True}}}
    }
    assert run.outputs["otlp_endpoint"].endswith(":4318")
    policies = {
        attachment.name: attachment.inputs["policyArn"].rpartition("/")[2]
        for attachment in run.of("RolePolicyAttachment")
        if attachment.name.startswith("adot-col-otlp-ingest")
    }
    assert list(policies.values()) == ["AWSXrayWriteOnlyAccess"]


@pytest.mark.parametrize(("name", "rate"), [("dev", 1), ("staging", 0.25), ("production", 0.05)])
def test_x_ray_traces_as_many_requests_of_the_environment_as_its_file_says(
    of_tier: Callable[[str], Runs], name: str, rate: float
) -> None:
    run = of_tier(name)[Layer.MONITORING]
    rule, group = run.one("SamplingRule").inputs, run.one("Group").inputs
    assert (rule["ruleName"], rule["serviceName"], rule["fixedRate"]) == (f"ils-{name}", f"ils-{name}", rate)
    assert (group["groupName"], group["filterExpression"]) == (f"ils-{name}", f'service("ils-{name}")')


def test_the_collectors_wait_for_the_operator_s_certificates(run: Any) -> None:
    assert run.one("Addon", "cert-manager").urn in run.one("Addon", "adot").dependencies


def test_agents_have_their_roles_before_they_start(run: Any) -> None:
    identities = {association.name: association.urn for association in run.of("PodIdentityAssociation")}
    assert set(identities) == {role.name for role in run.of("Role")}
    agents = {addon.name: addon.dependencies for addon in run.of("Addon")}
    for name, urn in identities.items():
        assert urn in agents["adot" if name.startswith("adot-") else "amazon-cloudwatch-observability"]


def test_versions_of_agents_are_pinned_where_those_of_other_add_ons_are(apply_changed: Changed) -> None:
    run = apply_changed(cluster={"addon_versions": {"adot": "v0.127.0-eksbuild.1"}})[Layer.MONITORING]
    assert run.one("Addon", "adot").inputs["addonVersion"] == "v0.127.0-eksbuild.1"
    assert "addonVersion" not in run.one("Addon", "cert-manager").inputs


def test_prometheus_metrics_go_to_a_workspace_when_that_is_asked_for(apply_changed: Changed) -> None:
    run = apply_changed(monitoring={"prometheus": "managed"})[Layer.MONITORING]
    metrics = configuration(run, "adot")["collector"]["prometheusMetrics"]
    assert metrics["pipelines"] == {"metrics": {"amp": {"enabled": True}}}
    endpoint = run.outputs["prometheus_endpoint"]
    assert metrics["exporters"]["prometheusremotewrite"] == {"endpoint": f"{endpoint}api/v1/remote_write"}
    assert run.one("Workspace").inputs["alias"] == "ils-dev"
    policies = {attachment.inputs["policyArn"].rpartition("/")[2] for attachment in run.of("RolePolicyAttachment")}
    assert policies == {"AWSXrayWriteOnlyAccess", "AmazonPrometheusRemoteWriteAccess"}


def test_nothing_is_installed_where_nothing_is_asked_for(apply_changed: Changed) -> None:
    run = apply_changed(monitoring={"tracing": False, "prometheus": "none"})[Layer.MONITORING]
    assert [run.of(kind) for kind in ("Addon", "Role", "LogGroup", "SamplingRule", "Group")] == [[]] * 5
    assert run.outputs["otlp_endpoint"] == ""
