"""Dagster's own scheduler, over a code location as the daemon loads it: what was missed, what comes late, what overlaps."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRun
from dagster._core.remote_representation.external import RemoteSchedule
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._scheduler.scheduler import launch_scheduled_runs

from ils_pipelines.defs.environments import register_environments
from ils_pipelines.defs.launch import LOCATION, MODULE
from ils_pipelines.settings.folders import DIRECTORY_VARIABLE
from ils_pipelines.settings.schedules import Schedules

pytestmark = pytest.mark.slow

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
"""Ticks are looked at of days that are over: a day that is to come has no partition."""
ASKED = {"in_sandbox": "true", "backup": '"15 2 * * *"', "drill": '"0 7 * * 0"'}
DAY = timedelta(days=1)
NOON = timedelta(hours=12)


@dataclass
class Daemon:
    """What of the daemon carries out schedules, at moments that a test chooses. Nobody takes runs from the queue."""

    context: WorkspaceProcessContext
    instance: DagsterInstance
    schedule: RemoteSchedule

    def looks(self, at: datetime) -> None:
        """One round at that moment: the only one since the last."""
        errors = [each for each in launch_scheduled_runs(self.context, logging.getLogger("tests"), at, {}) if each]
        assert not [each for each in errors if hasattr(each, "message")], errors

    def runs(self) -> list[DagsterRun]:
        """Of the schedule, oldest first."""
        found = self.instance.get_run_records(ascending=True)
        return [each.dagster_run for each in found if each.dagster_run.job_name == self.schedule.job_name]

    def last_tick(self) -> InstigatorTick:
        origin = self.schedule.get_remote_origin_id()
        return self.instance.get_ticks(origin, self.schedule.selector_id, limit=1)[0]


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DagsterInstance, WorkspaceProcessContext]]:
    """The code location of one environment of the sandbox whose file asks for schedules and moves that of backups."""
    files = tmp_path_factory.mktemp("environments")
    never = "".join(f"  {name}: never\n" for name in Schedules.model_fields if name not in ASKED)
    (files / "dev.yaml").write_text(
        f"name: dev\nschedules:\n{never}" + "".join(f"  {k}: {v}\n" for k, v in ASKED.items())
    )
    home: Path = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with ExitStack() as stack:
        variables = stack.enter_context(pytest.MonkeyPatch.context())
        variables.setenv(DIRECTORY_VARIABLE, str(files))
        instance = stack.enter_context(DagsterInstance.from_config(str(home)))
        register_environments(instance)
        target = ModuleTarget(MODULE, "defs", None, LOCATION)
        yield instance, stack.enter_context(create_test_daemon_workspace_context(target, instance))


@pytest.fixture
def daemon(location: tuple[DagsterInstance, WorkspaceProcessContext]) -> Iterator[Daemon]:
    """That saw the schedules for the first time five days ago, and has forgotten all else."""
    instance, context = location
    code = context.create_request_context().get_code_location(LOCATION)
    schedule = code.get_repository("__repository__").get_schedule("take_backup_set_dev")
    daemon = Daemon(context, instance, schedule)
    daemon.looks(TODAY - 5 * DAY + NOON)
    yield daemon
    instance.wipe_all_schedules()
    instance.wipe()
    register_environments(instance)


def partition(day: datetime) -> str:
    return f"{day:%Y-%m-%d}|dev"


def test_of_ticks_that_were_missed_the_last_is_caught_up_once_for_its_own_day(daemon: Daemon) -> None:
    daemon.looks(TODAY - 2 * DAY + NOON)
    daemon.looks(TODAY - 2 * DAY + NOON)
    daemon.looks(TODAY - 2 * DAY + NOON + timedelta(hours=1))

    (run,) = daemon.runs()
    assert run.tags["dagster/partition"] == partition(TODAY - 2 * DAY)
    # Named after the tick and not after when it came: whoever takes it again goes on with the same set.
    assert run.run_config["ops"]["take"]["config"]["set"] == f"{TODAY - 2 * DAY:%Y-%m-%d}T021500Z"


def test_a_tick_during_the_run_before_starts_none_and_names_it(daemon: Daemon) -> None:
    daemon.looks(TODAY - 3 * DAY + NOON)
    (before,) = daemon.runs()

    daemon.looks(TODAY - 2 * DAY + NOON)
    refused = daemon.last_tick()
    daemon.instance.report_run_canceled(before)
    daemon.looks(TODAY - DAY + NOON)

    assert refused.status is TickStatus.SKIPPED
    assert f"run {before.run_id} of take_backup_set is still queued for dev" in (refused.skip_reason or "")
    assert [run.tags["dagster/partition"] for run in daemon.runs()] == [
        partition(TODAY - 3 * DAY),
        partition(TODAY - DAY),
    ]


def test_what_the_file_turns_off_or_moves_is_off_or_moved(daemon: Daemon) -> None:
    code = daemon.context.create_request_context().get_code_location(LOCATION)
    schedules = {each.name: each for each in code.get_repository("__repository__").get_schedules()}

    on = {name: each.cron_schedule for name, each in schedules.items() if each.default_status.value == "RUNNING"}
    # Drills may be killed wherever they are started by hand: taking away what they left has no field.
    assert on.pop("sweep_drills_dev")
    assert on == {"take_backup_set_dev": "15 2 * * *", "dr_drill_dev": "0 7 * * 0"}
    assert {"health_scan_dev", "judge_backups_dev", "drift_scan_dev"} <= schedules.keys()
