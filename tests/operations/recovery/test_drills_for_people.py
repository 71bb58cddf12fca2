"""Drills from a terminal and in Dagster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dagster import AssetKey, DagsterInstance, build_schedule_context

from ils_pipelines.definitions import defs
from ils_pipelines.defs.drill import DRILL, SWEEP
from ils_pipelines.defs.environments import register_environments
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.drill.models import Measure
from ils_pipelines.operations.restore.ground import lay_ground
from tests.operations.recovery.site import Site, of_drills

pytestmark = [pytest.mark.usefixtures("_here"), pytest.mark.timeout(600)]


def test_a_drill_from_a_terminal(site: Site, backup: Manifest) -> None:
    found = site.sandbox.ils_json("drill", "dev", "--scenario", "cache-loss", "--set", backup.set)
    assert (found["success"], found["set"], found["causes"]) == (True, backup.set, [])
    listed = site.sandbox.ils_json("drills", "dev")["drills"]
    assert listed[0]["drill"] == found["drill"], "the newest first"


@pytest.mark.long
def test_a_failed_drill_says_why_and_ends_with_1(site: Site, backup: Manifest) -> None:
    done = site.sandbox.ils("drill", "dev", "--scenario", "cache-loss", "--set", "2001-01-01T043000Z", code=1)
    assert "failed" in done.stdout
    assert "expected a manifest" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--scenario", "meteor"), 1, "expected one of full, database-loss"),
        (("--set", "x", "--random"), 2, "give one of them"),
    ],
)
def test_what_nobody_can_rehearse_is_refused(site: Site, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = site.sandbox.ils("drill", "dev", *arguments, code=code)
    assert said in " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def instance() -> DagsterInstance:
    made = DagsterInstance.ephemeral()
    register_environments(made)
    return made


def test_a_drill_is_materialized_with_its_evidence(site: Site, backup: Manifest, instance: DagsterInstance) -> None:
    config = {"ops": {DRILL: {"config": {"scenario": "cache-loss", "set": backup.set}}}}
    result = defs.resolve_job_def(f"{DRILL}_job").execute_in_process(
        instance=instance, partition_key="dev", run_config=config
    )
    (made,) = result.asset_materializations_for_node(DRILL)
    assert made.partition == "dev"
    assert made.metadata["manifest_sha256"].value == backup.digest
    assert "data:image/png" in str(made.metadata["trend"].value)
    assert made.metadata["rto_seconds"].value > 0
    checks = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    assert checks == {"drill_passed": True, "drill_times": True}


def test_a_failed_drill_is_materialized_and_fails_its_check(
    site: Site, backup: Manifest, instance: DagsterInstance
) -> None:
    config = {"ops": {DRILL: {"config": {"scenario": "cache-loss", "set": "2001-01-01T043000Z"}}}}
    result = defs.resolve_job_def(f"{DRILL}_job").execute_in_process(
        instance=instance, partition_key="dev", run_config=config
    )
    assert len(result.asset_materializations_for_node(DRILL)) == 1
    checks = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    assert checks == {"drill_passed": False, "drill_times": False}


def test_drills_are_scheduled_as_the_files_say() -> None:
    schedules = {each.name: each for each in defs.schedules or () if each.job_name == f"{DRILL}_job"}
    assert {name: each.cron_schedule for name, each in schedules.items()} == {
        "dr_drill_staging": "0 7 * * 0",
        "dr_drill_production": "0 7 1 * *",
    }
    with (
        DagsterInstance.local_temp() as instance,
        build_schedule_context(
            instance,
            scheduled_execution_time=datetime(2026, 11, 22, 7, tzinfo=UTC),
            repository_def=defs.get_repository_def(),
        ) as context,
    ):
        register_environments(instance)
        ticked = schedules["dr_drill_staging"].evaluate_tick(context)
    assert [request.partition_key for request in ticked.run_requests or ()] == ["staging"]


def test_the_asset_hangs_on_what_it_restores() -> None:
    spec = next(each for each in defs.resolve_all_asset_specs() if each.key == AssetKey(DRILL))
    assert {AssetKey("database"), AssetKey("backup_set")} <= {dep.asset_key for dep in spec.deps}
    assert spec.partitions_def is not None


def test_what_is_too_old_is_swept_every_three_hours(site: Site, drill: str, instance: DagsterInstance) -> None:
    place = site.place(drill, holder="a machine that is gone", started=datetime.now(UTC) - timedelta(hours=7))
    lay_ground(site.target, place)
    [schedule] = [each for each in defs.schedules or () if each.name == f"{SWEEP}_dev"]
    assert schedule.cron_schedule == "25 2-23/3 * * *"

    assert defs.resolve_job_def(SWEEP).execute_in_process(instance=instance, partition_key="dev").success

    assert of_drills(site.drills, drill) == ()


def test_where_nothing_is_nothing_is_swept(site: Site, instance: DagsterInstance) -> None:
    assert defs.resolve_job_def(SWEEP).execute_in_process(instance=instance, partition_key="staging").success


@pytest.mark.parametrize(("seconds", "verdict"), [(59.9, "met"), (60.1, "breached"), (None, "not measured")])
def test_a_time_is_held_against_its_target(seconds: float | None, verdict: str) -> None:
    assert Measure(seconds=seconds, target_seconds=60, basis="").verdict == verdict
