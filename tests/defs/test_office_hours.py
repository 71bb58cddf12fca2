"""Office hours: two schedules for each environment, off unless its file or a person turns them on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dagster import DagsterInstance, DefaultScheduleStatus, ScheduleDefinition, build_schedule_context
from dagster._core.definitions.schedule_definition import ScheduleExecutionData
from dagster._utils.schedules import reverse_cron_string_iterator
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.defs.environments import register_environments
from ils_pipelines.defs.scaling import office_hours_schedules
from ils_pipelines.settings.scaling import OfficeHours

SCHEDULES = {schedule.name: schedule for schedule in office_hours_schedules}


LONG_AGO, FAR_AHEAD = datetime(2026, 1, 5, 19, tzinfo=UTC), datetime(2999, 1, 7, 19, tzinfo=UTC)


def tick_of(schedule: ScheduleDefinition, moment: datetime) -> ScheduleExecutionData:
    """What a tick for that moment asks for when it comes now."""
    from ils_pipelines.definitions import defs

    with DagsterInstance.local_temp() as instance:
        register_environments(instance)
        with build_schedule_context(
            instance, scheduled_execution_time=moment, repository_def=defs.get_repository_def()
        ) as context:
            return schedule.evaluate_tick(context)


def config_of(schedule: ScheduleDefinition) -> dict[str, object]:
    (request,) = tick_of(schedule, FAR_AHEAD).run_requests or ()
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


@pytest.mark.parametrize("what", ["start", "end"])
def test_a_tick_that_comes_after_the_other_had_its_time_does_nothing(what: str) -> None:
    """Dagster catches up the last of both in whatever order: pods would be gone in working hours, or run all night."""
    late = tick_of(SCHEDULES[f"office_hours_{what}_dev"], LONG_AGO)

    assert not late.run_requests
    assert "2026-01-05 19:00 UTC comes too late" in (late.skip_message or "")


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-23T10:00", "2026-11-23T07:00", "2026-11-20T19:00"),  # a Monday: up, since it was down on Friday
        ("2026-11-23T06:59", "2026-11-20T07:00", "2026-11-20T19:00"),
        ("2026-11-22T23:00", "2026-11-20T07:00", "2026-11-20T19:00"),
        ("2026-11-24T19:00", "2026-11-24T07:00", "2026-11-24T19:00"),
    ],
)
def test_what_came_last_is_known_over_nights_and_weekends(now: str, start: str, end: str) -> None:
    hours = OfficeHours(time_zone="America/New_York")
    zone = ZoneInfo(hours.time_zone)
    moment = datetime.fromisoformat(now).replace(tzinfo=zone).astimezone(UTC)

    assert hours.latest(hours.start, moment) == datetime.fromisoformat(start).replace(tzinfo=zone)
    assert hours.latest(hours.end, moment) == datetime.fromisoformat(end).replace(tzinfo=zone)


@given(st.integers(0, 20 * 366 * 24 * 60))
def test_it_is_what_dagster_takes_for_the_last_tick(minutes: int) -> None:
    """In a zone whose clocks change, at an hour that they do not skip."""
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    hours = OfficeHours(time_zone="Europe/Berlin")
    last = next(reverse_cron_string_iterator(now.timestamp(), "0 7 * * 1-5", hours.time_zone))

    assert hours.latest(hours.start, now) == last
