"""The project's dagster.yaml, read as Dagster reads it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRun
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG
from dagster._utils.tags import TagConcurrencyLimitsCounter

from ils_pipelines.definitions import defs
from ils_pipelines.instance import open_instance, prepare_home, project_file


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[DagsterInstance]:
    shutil.copy(project_file("dagster.yaml"), tmp_path / "dagster.yaml")
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def test_one_run_per_environment_at_a_time(configured: DagsterInstance) -> None:
    queue = configured.get_concurrency_config().run_queue_config

    assert queue is not None
    assert list(queue.tag_concurrency_limits) == [
        {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    ]


def test_a_run_waits_while_another_works_on_its_environment_and_for_no_other(configured: DagsterInstance) -> None:
    queue = configured.get_concurrency_config().run_queue_config
    assert isinstance(configured.run_coordinator, QueuedRunCoordinator)
    assert queue is not None

    def run(environment: str) -> DagsterRun:
        return DagsterRun(job_name="provision_environment", tags={"dagster/partition": environment})

    under_way = TagConcurrencyLimitsCounter(list(queue.tag_concurrency_limits), [run("dev")])

    assert under_way.is_blocked(run("dev"))
    assert not under_way.is_blocked(run("staging"))


def test_nothing_is_reported_to_anybody(configured: DagsterInstance) -> None:
    assert configured.telemetry_enabled is False


def test_no_run_is_retried_or_resumed(configured: DagsterInstance) -> None:
    assert configured.run_retries_enabled is False
    assert configured.get_settings("run_retries")["retry_on_asset_or_op_failure"] is False
    assert configured.run_monitoring_max_resume_run_attempts == 0


def test_runs_are_watched_and_free_what_they_held(configured: DagsterInstance) -> None:
    assert configured.run_monitoring_enabled is True
    assert configured.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] == 300


def test_what_says_nothing_may_take_as_long_as_the_longest_job(configured: DagsterInstance) -> None:
    """Runs of the UI's materialize button have no tags of a job."""
    said = [
        int(job.tags[MAX_RUNTIME_SECONDS_TAG])
        for job in defs.resolve_all_job_defs()
        if MAX_RUNTIME_SECONDS_TAG in job.tags
    ]

    assert configured.run_monitoring_max_runtime_seconds == max(said)


def test_the_instance_lives_in_the_state_folder_with_the_projects_configuration(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)

    home = prepare_home()

    assert home == tmp_path / "dagster"
    assert (home / "dagster.yaml").read_text() == project_file("dagster.yaml").read_text()


def test_a_configuration_that_moved_is_linked_anew(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").symlink_to(tmp_path / "gone.yaml")

    home = prepare_home()

    assert (home / "dagster.yaml").read_text() == project_file("dagster.yaml").read_text()


def test_somebody_elses_instance_keeps_its_own_configuration(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")

    prepare_home()

    assert (tmp_path / "dagster.yaml").read_text() == "telemetry:\n  enabled: false\n"


def test_an_opened_instance_is_kept_on_disk(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)

    with open_instance() as instance:
        assert instance.is_persistent
        assert instance.root_directory == str(tmp_path / "dagster")
