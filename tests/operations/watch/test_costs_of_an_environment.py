"""Costs of a live environment, read from the Cost Explorer of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ils_pipelines.operations.costs.advice import old_versions
from ils_pipelines.operations.costs.anomalies import LOOKED_AT, anomalies
from ils_pipelines.operations.costs.explorer import Explorer
from ils_pipelines.operations.costs.look import UNSETTLED, costs
from ils_pipelines.operations.costs.models import Anomaly
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import Live
from ils_pipelines.reporting.cost_charts import daily_costs, month_and_forecast, top_movers
from ils_pipelines.reporting.cost_pages import html, markdown
from ils_pipelines.settings.costs import Costs
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.settings.versions import TABLE_DATE, TABLE_LASTS
from ils_sandbox.aws.overlay.cost_explorer import is_planted
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.site import Change, Site, change

pytestmark = pytest.mark.timeout(600)

EKS_REFUSES = {"service": "eks", "operation": "DescribeClusterVersions", "error_code": "AccessDenied", "status": 403}
TAGS = [{"Key": "environment", "Value": "dev"}, {"Key": "project", "Value": "ils"}]


def _today() -> date:
    return datetime.now(UTC).date()


def _with(site: Site, **changes: object) -> Site:
    environment = site.target.environment.model_copy(update={"costs": Costs(**changes)})  # type: ignore[arg-type]
    return site.sibling(environment)


def _planted() -> date:
    """The last day with the anomaly that has settled."""
    day = _today() - UNSETTLED
    while not is_planted(day):
        day -= timedelta(days=1)
    return day


def test_a_clean_environment_has_no_finding_and_amounts_that_add_up(site: Site) -> None:
    report = costs(site.target)

    assert report.findings == ()
    assert report.currency == "USD"
    assert isinstance(report.month_to_date, Decimal)
    assert sum(report.by_service().values()) == report.month_to_date == sum(report.by_usage_type().values())
    assert abs(report.by_environment["dev"] - report.month_to_date) < Decimal("0.01")
    assert report.estimate is not None
    assert report.estimate < (report.monthly_pace or 0) < report.estimate * 2
    expected = report.month_expected
    assert expected is not None
    assert report.month_to_date < expected.low < expected.mean < expected.high


def test_the_planted_anomaly_is_found_and_nothing_else(site: Site) -> None:
    staging = site.sibling(load_environment("staging"))
    report = costs(staging.target, _planted() + UNSETTLED + timedelta(days=1))

    [anomaly] = report.anomalies
    assert (anomaly.day, anomaly.usage_type) == (_planted(), "NatGateway-Bytes")
    assert anomaly.amount > anomaly.usual * 5
    [finding] = report.findings
    assert finding.urgency is Urgency.WARNING
    assert "more than usual" in finding.found


@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_a_year_of_noise_holds_no_anomaly_but_those_planted(site: Site, environment: str) -> None:
    end = _today() - UNSETTLED
    begin = end - timedelta(days=360)
    _, spends = Explorer(Live(site.target), environment).daily(begin, end + timedelta(days=1))
    weeks = [end - LOOKED_AT * number for number in range(41)]  # the first ten weeks are what others are compared with

    found = {each.day for week in weeks for each in anomalies([each for each in spends if each.day <= week], week)}

    judged = [end - timedelta(days=age) for age in range(LOOKED_AT.days * len(weeks))]
    planted = {day for day in judged if is_planted(day)}
    assert len(planted) >= 7
    assert found == (planted if environment == "staging" else set())


def test_the_resources_behind_an_anomaly_are_named(site: Site) -> None:
    yesterday = _today() - timedelta(days=1)
    anomaly = Anomaly(yesterday, "EC2 - Other", "NatGateway-Bytes", Decimal(9), Decimal(1))

    [resource] = Explorer(Live(site.target), "dev").resources(anomaly)

    assert resource.startswith("nat-")


@pytest.mark.parametrize(("budget", "urgency"), [("1", Urgency.CRITICAL), ("100000", None)])
def test_a_month_is_held_against_its_budget(site: Site, budget: str, urgency: Urgency | None) -> None:
    found = costs(_with(site, budget_monthly=budget).target).findings

    assert [each.urgency for each in found if each.subject == "budget of the month"] == ([urgency] if urgency else [])


def test_a_budget_that_the_forecast_exceeds_is_a_warning(site: Site) -> None:
    report = costs(site.target)
    expected = report.month_expected
    assert expected is not None
    between = (report.month_to_date + expected.mean) / 2

    [finding] = costs(_with(site, budget_monthly=between.quantize(Decimal("0.01"))).target).findings

    assert finding.urgency is Urgency.WARNING
    assert "expected" in finding.found


def test_what_carries_no_tag_is_a_finding_above_its_limit(site: Site) -> None:
    [finding] = costs(_with(site, untagged_percent=0).target).findings

    assert finding.subject == "untagged spend"


def test_a_bill_far_from_the_estimate_is_a_finding(site: Site) -> None:
    [finding] = costs(_with(site, estimate_percent=10).target).findings

    assert finding.subject == "estimate and bill"


def test_what_could_be_had_for_less_is_advised_with_what_it_saves(site: Site) -> None:
    """Costs of dev, staging and production together are nine times those of dev: an instance each of what dev has one of."""
    found = costs(site.target).advice

    databases, nodes, computing = (
        next(each for each in found if what in each) for what in ("Relational", "ElastiCache", "savings plan")
    )
    assert "9 x db.t4g.medium" in databases
    assert "would save 158.27 USD a month" in databases  # 0.073 x 730 x 9, a third of it
    assert "9 x cache.t4g.micro" in nodes
    assert 0.25 * 9 * 60 < float(computing.partition("would save ")[2].split()[0]) < 0.29 * 9 * 62


def _versions(site: Site, day: date, **changed: str) -> list[Finding]:
    environment = site.target.environment
    sections = {name: {"version" if name == "cluster" else "engine_version": each} for name, each in changed.items()}
    update = {name: getattr(environment, name).model_copy(update=fields) for name, fields in sections.items()}
    return list(old_versions(site.sibling(environment.model_copy(update=update)).target, day))


@pytest.mark.parametrize(
    ("day", "changed", "extra"),
    [
        # 0.50 USD an hour more than in standard support.
        (date(2026, 11, 23), {"cluster": "1.33"}, "365.00 USD a month extra (AWS)"),
        # One instance of two vCPUs, 0.10 USD an hour for each, twice that in the last year.
        (date(2026, 11, 23), {"database": "13"}, "146.00 USD a month extra (AWS)"),
        (date(2028, 3, 1), {"database": "13", "cluster": "1.36"}, "292.00 USD a month extra (AWS)"),
    ],
)
def test_a_version_in_extended_support_is_a_finding_with_what_it_costs(
    site: Site, day: date, changed: dict[str, str], extra: str
) -> None:
    said = {each.subject.split(".")[0]: each for each in _versions(site, day, **changed)}

    found = said[next(iter(changed))]
    assert found.urgency is Urgency.WARNING
    assert found.found.endswith(extra)


def test_versions_that_only_an_old_table_knows_are_unknown_and_not_fine(site: Site) -> None:
    site.sandbox.control("faults", {**EKS_REFUSES, "times": 5, "after": 0}, method="POST")
    try:
        [finding] = _versions(site, TABLE_DATE + TABLE_LASTS + timedelta(days=1), cluster="1.36")
    finally:
        site.sandbox.control("faults", method="DELETE")

    assert (finding.subject, finding.urgency) == ("cluster.version 1.36", Urgency.UNKNOWN)
    assert "table of 2026-11-01, as AWS did not answer" in finding.found


@change
def _address(site: Site) -> Iterator[None]:
    ec2 = site.client("ec2")
    tags = [{"ResourceType": "elastic-ip", "Tags": TAGS}]
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]
    try:
        yield
    finally:
        ec2.release_address(AllocationId=address)


@change
def _volume(site: Site) -> Iterator[None]:
    ec2 = site.client("ec2")
    tags = [{"ResourceType": "volume", "Tags": TAGS}]
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=100, TagSpecifications=tags)["VolumeId"]
    try:
        yield
    finally:
        ec2.delete_volume(VolumeId=volume)


@change
def _no_targets(site: Site) -> Iterator[None]:
    elb, group = site.client("elbv2"), site.output(Layer.LOAD_BALANCER, "target_group_arn")
    targets = [
        {"Id": each["Target"]["Id"], "Port": each["Target"]["Port"]}
        for each in elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    ]
    elb.deregister_targets(TargetGroupArn=group, Targets=targets)
    try:
        yield
    finally:
        elb.register_targets(TargetGroupArn=group, Targets=targets)


@change
def _no_connections(site: Site) -> Iterator[None]:
    """Nothing takes what is told to CloudWatch back: a later hour of this test run has connections again."""
    cloudwatch = site.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="AWS/RDS",
        MetricData=[
            {
                "MetricName": "DatabaseConnections",
                "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "ils-dev-1"}],
                "Timestamp": datetime.now(UTC) - timedelta(hours=2),
                "Value": 0.0,
            }
        ],
    )
    try:
        yield
    finally:
        cloudwatch.put_metric_data(
            Namespace="AWS/RDS",
            MetricData=[
                {
                    "MetricName": "DatabaseConnections",
                    "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "ils-dev-1"}],
                    "Timestamp": datetime.now(UTC) - timedelta(hours=2),
                    "Value": 3.0,
                }
            ],
        )


@change
def _empty_nodes(site: Site) -> Iterator[None]:
    from kubernetes import client

    core = client.CoreV1Api(site.kubernetes())
    names = [f"idle-{number}" for number in range(30)]
    amounts = {"cpu": "2", "memory": "4Gi", "pods": "17"}
    for name in names:
        core.create_node({"metadata": {"name": name}})
        core.patch_node_status(name, {"status": {"allocatable": amounts, "capacity": amounts}})
    try:
        yield
    finally:
        for name in names:
            core.delete_node(name)


@pytest.mark.parametrize(
    ("breaks", "subject", "found"),
    [
        (_address, "address ", "3.65 USD a month"),
        (_volume, "volume vol-", "8.00 USD a month"),
        (_no_targets, "load balancer ils-dev", "USD a month"),
        (_no_connections, "database instance ils-dev-1", "USD a month"),
        (_empty_nodes, "32 nodes", "of cpu"),
    ],
    ids=["address", "volume", "load balancer", "database", "nodes"],
)
def test_what_is_idle_is_found_with_its_price(site: Site, breaks: Change, subject: str, found: str) -> None:
    with breaks(site):
        report = costs(site.target)

    [finding] = report.findings
    assert finding.subject.startswith(subject)
    assert found in finding.found
    assert costs(site.target).findings == ()


@pytest.mark.parametrize(
    ("service", "operation", "subject"),
    [
        ("ce", "GetCostAndUsage", "costs"),
        ("ce", "GetCostForecast", "forecast"),
        ("ce", "GetReservationPurchaseRecommendation", "advice on reservations"),
        ("ce", "GetSavingsPlansPurchaseRecommendation", "advice on savings plans"),
        ("ec2", "DescribeAddresses", "idle addresses"),
        ("ec2", "DescribeVolumes", "idle volumes"),
        ("elbv2", "DescribeLoadBalancers", "idle load balancers"),
        ("rds", "DescribeDBInstances", "idle databases"),
    ],
)
def test_what_does_not_answer_is_unknown_and_no_amount_stands_for_it(
    site: Site, service: str, operation: str, subject: str
) -> None:
    fault = {"service": service, "operation": operation, "error_code": "AccessDenied", "status": 403}
    site.sandbox.control("faults", {**fault, "times": 20, "after": 0}, method="POST")
    try:
        report = costs(site.target)
    finally:
        site.sandbox.control("faults", method="DELETE")

    [finding] = report.findings
    assert (finding.subject, finding.urgency) == (subject, Urgency.UNKNOWN)


def test_the_report_is_a_page_with_plots_that_needs_nothing_else(site: Site) -> None:
    report = costs(_with(site, budget_monthly="1").target)

    page = html(report)

    assert page.count('src="data:image/png;base64,') == 3
    assert "http" not in page.replace("data:image", "")
    assert "budget of the month" in page
    assert "| Amazon ElastiCache |" in markdown(report)
    for draw in (daily_costs, month_and_forecast, top_movers):
        assert draw(report).startswith(b"\x89PNG")


def test_the_command_shows_amounts_within_100_columns_and_writes_the_page(
    sandbox: LocalSandbox, site: Site, tmp_path: Path
) -> None:
    page = tmp_path / "costs.html"

    shown = sandbox.ils("costs", "dev", "--html", str(page)).stdout
    document = sandbox.ils_json("costs", "dev")

    assert "expected of the month" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100
    assert page.read_text().startswith("<!doctype html>")
    assert document["success"] is True
    assert Decimal(document["month_to_date"]) == sum(Decimal(each) for each in document["by_service"].values())


def test_a_look_changes_nothing_and_asks_cost_explorer_a_few_times(site: Site, sandbox: LocalSandbox) -> None:
    sandbox.forget_requests()

    costs(site.target)

    requests = sandbox.requests()
    assert [request for request in requests if request["mutating"]] == []
    assert sum(request["service"] == "ce" for request in requests) <= 10
