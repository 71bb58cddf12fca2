"""Drift and health in Dagster: partitioned checks, scans and their schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    DefaultScheduleStatus,
    Definitions,
    ExecuteInProcessResult,
    build_schedule_context,
)

from ils_pipelines.definitions import defs as code_location
from ils_pipelines.defs.environments import register_environments
from ils_pipelines.defs.scans import FINDINGS
from ils_pipelines.operations.health.catalog import PROBED
from ils_pipelines.settings.layers import Layer
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch import certificate_cases, drift_cases, health_cases
from tests.operations.watch.site import Site

pytestmark = pytest.mark.timeout(600)

ENVIRONMENTS = ("dev", "staging", "production")


@pytest.fixture
def defs(monkeypatch: pytest.MonkeyPatch, sandbox: LocalSandbox) -> Definitions:
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))
    return code_location


def _run(defs: Definitions, job: str, environment: str = "dev") -> ExecuteInProcessResult:
    with DagsterInstance.ephemeral() as instance:
        register_environments(instance)
        return defs.resolve_job_def(job).execute_in_process(instance=instance, partition_key=environment)


def test_every_check_of_the_code_location_has_the_partitions_of_its_asset() -> None:
    graph = code_location.resolve_asset_graph()

    assert {key.name for key in graph.asset_check_keys} >= {"certificates", "drift", "health", "posture"}
    for key in graph.asset_check_keys:
        partitions = graph.get(key).partitions_def
        assert partitions is not None, key
        assert partitions == graph.get(key.asset_key).partitions_def, key
        assert not graph.get(key).blocking, key


def test_every_layer_has_a_drift_check_and_those_with_components_a_health_check() -> None:
    checks = code_location.resolve_asset_graph().asset_check_keys

    assert {key.asset_key for key in checks if key.name == "drift"} == {AssetKey(str(layer)) for layer in Layer}
    assert {key.asset_key for key in checks if key.name == "health"} == {AssetKey(str(layer)) for layer in PROBED}


@pytest.mark.parametrize(
    "job", ["certificate_scan", "cost_report", "monthly_cost_report", "drift_scan", "health_scan", "posture_report"]
)
def test_each_environment_has_a_schedule_in_utc_that_is_off_in_the_sandbox(job: str) -> None:
    schedules = {each.name: each for each in code_location.schedules or () if each.job_name == job}

    assert set(schedules) == {f"{job}_{environment}" for environment in (*ENVIRONMENTS, "ephemeral")}
    for environment in ENVIRONMENTS:
        schedule = schedules[f"{job}_{environment}"]
        assert schedule.execution_timezone == "UTC"
        assert schedule.default_status is DefaultScheduleStatus.STOPPED
        with (
            DagsterInstance.local_temp() as instance,
            build_schedule_context(
                instance,
                repository_def=code_location.get_repository_def(),
                scheduled_execution_time=datetime(2026, 11, 25, tzinfo=UTC),
            ) as context,
        ):
            register_environments(instance)
            [request] = schedule.evaluate_tick(context).run_requests or ()
        assert request.partition_key == environment
    lasting = [schedules[f"{job}_{environment}"] for environment in ENVIRONMENTS]
    assert len({schedule.cron_schedule for schedule in lasting}) == len(ENVIRONMENTS)


def test_a_scan_of_a_clean_environment_passes_every_check(defs: Definitions, site: Site) -> None:
    evaluations = _run(defs, "drift_scan").get_asset_check_evaluations()

    assert {each.asset_key.to_user_string() for each in evaluations} == {str(layer) for layer in Layer}
    assert all(each.passed and each.partition == "dev" for each in evaluations)


def test_drift_is_named_in_the_metadata_of_the_check(defs: Definitions, site: Site) -> None:
    case = next(case for case in drift_cases.CASES if case.path == "backupRetentionPeriod")
    with case.breaks(site):
        result = _run(defs, "drift_scan")

    failed = {each.asset_key.to_user_string(): each for each in result.get_asset_check_evaluations() if not each.passed}
    assert set(failed) == {"database"}
    assert failed["database"].severity.value == "ERROR"
    table = str(failed["database"].metadata["drift"].value)
    assert "| database | aws:rds/cluster:Cluster | ils-dev | backupRetentionPeriod | 7 | 1 | unknown |" in table
    [report] = result.asset_materializations_for_node("write_drift_report")
    assert report.metadata["findings"].value == 1
    assert "## database: drifted" in str(report.metadata["report"].value)


def test_what_was_never_provisioned_passes_no_check(defs: Definitions, site: Site) -> None:
    evaluations = _run(defs, "drift_scan", "staging").get_asset_check_evaluations()
    evaluations += _run(defs, "health_scan", "staging").get_asset_check_evaluations()

    assert len(evaluations) == len(Layer) + len(PROBED)
    assert not any(each.passed for each in evaluations)
    assert all(each.description and each.description.startswith("not provisioned") for each in evaluations)
    assert all(each.severity.value == "WARN" for each in evaluations)


def test_what_is_unwell_fails_the_check_of_its_layer_alone(defs: Definitions, site: Site) -> None:
    case = next(case for case in health_cases.CASES if case.component == "KMS key database")
    with case.breaks(site):
        evaluations = _run(defs, "health_scan").get_asset_check_evaluations()

    failed = {each.asset_key.to_user_string(): each for each in evaluations if not each.passed}
    assert set(failed) == {"encryption"}
    assert failed["encryption"].severity.value == "ERROR"
    assert "| KMS key database | unhealthy | Enabled | Disabled | Enable the key" in str(
        failed["encryption"].metadata["components"].value
    )


def test_what_a_check_finds_is_in_its_metadata_in_the_shape_of_all_scans(defs: Definitions, site: Site) -> None:
    case = next(case for case in certificate_cases.CASES if "tls.key" in case.subject)
    with case.breaks(site):
        result = _run(defs, "certificate_scan")

    failed = {each.asset_key.to_user_string(): each for each in result.get_asset_check_evaluations() if not each.passed}
    assert set(failed) == {"cluster"}
    assert failed["cluster"].severity.value == "ERROR"
    [finding] = failed["cluster"].metadata[FINDINGS].value
    assert finding["subject"].startswith(case.subject)
    assert (finding["urgency"], finding["due"]) == ("critical", None)
    [report] = result.asset_materializations_for_node("write_certificates_report")
    assert "## To do" in str(report.metadata["report"].value)


def test_costs_are_judged_as_a_whole_and_told_with_plots(defs: Definitions, site: Site) -> None:
    result = _run(defs, "cost_report")

    [evaluation] = result.get_asset_check_evaluations()
    assert (evaluation.asset_key, evaluation.check_name) == (AssetKey("costs_report"), "costs")
    assert (evaluation.passed, evaluation.partition) == (True, "dev")
    assert evaluation.metadata[FINDINGS].value == []
    [report] = result.asset_materializations_for_node("write_costs_report")
    assert str(report.metadata["plots"].value).count("![plot](data:image/png;base64,") == 3
    page = Path(str(report.metadata["page"].value))
    assert page.parent == site.sandbox.directory / "reports"
    assert page.read_text().startswith("<!doctype html>")


def test_the_monthly_report_is_of_the_whole_month_before(defs: Definitions, site: Site) -> None:
    result = _run(defs, "monthly_cost_report")

    [report] = result.asset_materializations_for_node("write_monthly_costs_report")
    last_day = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
    assert str(report.metadata["page"].value).endswith(f"costs-dev-{last_day}.html")


def test_checks_and_report_of_a_run_share_one_look(defs: Definitions, site: Site, sandbox: LocalSandbox) -> None:
    sandbox.forget_requests()

    _run(defs, "drift_scan")

    asked = [request["operation"] for request in sandbox.requests()]
    assert asked.count("DescribeVpcs") == 1
