"""Office hours: two schedules for each environment, off unless its file or a person turns them on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from dagster import DagsterInstance, DefaultScheduleStatus, ScheduleDefinition, build_schedule_context

from ils_pipelines.defs.environments import register_environments
from ils_pipelines.defs.scaling import office_hours_schedules

SCHEDULES = {schedule.name: schedule for schedule in office_hours_schedules}


def config_of(schedule: ScheduleDefinition) -> dict[str, object]:
    from ils_pipelines.definitions import defs

    with DagsterInstance.local_temp() as instance:
        register_environments(instance)
        moment = datetime(2026, 11, 25, 19, tzinfo=UTC)
        with build_schedule_context(
            instance, scheduled_execution_time=moment, repository_def=defs.get_repository_def()
        ) as context:
            (request,) = schedule.evaluate_tick(context).run_requests or ()
    assert request.partition_key == "dev"
    config: dict[str, object] = request.run_config["ops"]["scale"]["config"]
    return config


def test_every_shipped_environment_has_them_and_they_are_off() -> None:
    names = {f"office_hours_{what}_{name}" for what in ("start", "end") for name in ("dev", "staging", "production")}

    assert set(SCHEDULES) == names
    assert {schedule.default_status for schedule in SCHEDULES.values()} == {DefaultScheduleStatus.STOPPED}


@pytest.mark.parametrize(("what", "cron"), [("start", "0 7 * * 1-5"), ("end", "0 19 * * 1-5")])
def test_they_are_on_workdays_at_the_times_of_the_file(what: str, cron: str) -> None:
    schedule = SCHEDULES[f"office_hours_{what}_dev"]

    assert (schedule.cron_schedule, schedule.execution_timezone) == (cron, "UTC")


def test_the_start_restores_what_the_file_says_and_the_end_leaves_no_pods() -> None:
    assert config_of(SCHEDULES["office_hours_start_dev"])["restore"] is True
    assert config_of(SCHEDULES["office_hours_end_dev"])["outside_office_hours"] is True
