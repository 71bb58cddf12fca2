"""Maintenance that runs by itself: in the window of the file, where nobody has to confirm it, one run at a time."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest
from dagster import DagsterInstance, DagsterRunStatus, DefaultScheduleStatus, ScheduleDefinition, build_schedule_context
from dagster._core.test_utils import create_run_for_test

from ils_pipelines.defs.environments import register_environments
from ils_pipelines.defs.launch import PARTITION_TAG
from ils_pipelines.defs.liveness import HOST_TAG
from ils_pipelines.defs.upgrade import DATABASE, REFRESH, maintenance_schedules

SCHEDULES = {schedule.name: schedule for schedule in maintenance_schedules}


def test_it_comes_with_the_window_and_never_by_default_where_a_person_decides() -> None:
    """staging asks for approval, and production is production."""
    assert {name: each.cron_schedule for name, each in SCHEDULES.items()} == {
        "node_refresh_dev": "0 5 * * 0",
        "database_upgrade_dev": "0 3 * * 0",
        "node_refresh_staging": "0 5 * * 6",
    }
    assert {each.execution_timezone for each in SCHEDULES.values()} == {"UTC"}
    assert {each.default_status for each in SCHEDULES.values()} == {DefaultScheduleStatus.STOPPED}, "of the sandbox"


@pytest.mark.parametrize("job", [REFRESH, DATABASE])
def test_a_tick_asks_for_one_run_and_for_none_while_that_is_at_work(job: str) -> None:
    from ils_pipelines.definitions import defs

    schedule: ScheduleDefinition = SCHEDULES[f"{job}_dev"]
    with DagsterInstance.local_temp() as instance:
        register_environments(instance)
        moment = datetime(2026, 11, 22, 5, tzinfo=UTC)
        with build_schedule_context(
            instance, scheduled_execution_time=moment, repository_def=defs.get_repository_def()
        ) as context:
            (request,) = schedule.evaluate_tick(context).run_requests or ()
            tags = {PARTITION_TAG: "dev"}
            under_way = create_run_for_test(instance, job_name=job, status=DagsterRunStatus.STARTED, tags=tags)
            refused = schedule.evaluate_tick(context)
    assert (request.partition_key, request.run_config) == ("dev", {})
    assert not refused.run_requests
    assert f"run {under_way.run_id} of {job} is still started for dev" in (refused.skip_message or "")


def test_a_tick_takes_the_slot_of_a_run_whose_terminal_was_killed() -> None:
    from ils_pipelines.definitions import defs

    with DagsterInstance.local_temp() as instance:
        register_environments(instance)
        tags = {PARTITION_TAG: "dev", HOST_TAG: socket.gethostname()}
        killed = create_run_for_test(instance, job_name=REFRESH, status=DagsterRunStatus.STARTED, tags=tags)
        with build_schedule_context(
            instance,
            scheduled_execution_time=datetime(2026, 11, 22, 5, tzinfo=UTC),
            repository_def=defs.get_repository_def(),
        ) as context:
            assert SCHEDULES[f"{REFRESH}_dev"].evaluate_tick(context).run_requests
        ended = instance.get_run_by_id(killed.run_id)

    assert ended is not None
    assert ended.status is DagsterRunStatus.FAILURE
