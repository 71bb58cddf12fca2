"""Runs that a terminal starts: recorded like any other, one per environment at a time, their layers told to a listener.

There is no sandbox here, so every layer is refused: that is enough of a run for what is asked.
"""

import socket
from contextlib import nullcontext

import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, build_sensor_context

from ils_pipelines.definitions import defs
from ils_pipelines.defs.environments import environment_files
from ils_pipelines.defs.launch import PARTITION_TAG, run_job
from ils_pipelines.defs.liveness import HOST_TAG, alive, end_if_lost
from ils_pipelines.provisioning.busy import EnvironmentBusy
from ils_pipelines.provisioning.progress import LayerFailed, LayerStarted, Progress
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.errors import TargetUnavailable

PREVIEW = "preview_environment"


@pytest.fixture(autouse=True)
def no_sandbox(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def told() -> list[Progress]:
    return []


def under_way(instance: DagsterInstance, environment: str, **tags: str) -> DagsterRun:
    return instance.create_run_for_job(
        defs.resolve_job_def(PREVIEW), status=DagsterRunStatus.STARTED, tags={PARTITION_TAG: environment, **tags}
    )


def run_of(instance: DagsterInstance, run_id: str) -> DagsterRun:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run


def test_the_listener_is_told_of_every_layer_with_the_error_that_stopped_it(instance, told) -> None:
    outcome = run_job(instance, PREVIEW, "dev", listener=told.append)

    assert not outcome.success
    assert {each.layer for each in told if isinstance(each, LayerStarted)} == set(Layer)
    failures = [each for each in told if isinstance(each, LayerFailed)]
    assert {each.layer for each in failures} == set(Layer)
    assert all(isinstance(each.error, TargetUnavailable) for each in failures)


def test_the_run_is_recorded_as_one_of_the_code_location_and_the_environment(instance, told) -> None:
    run = run_of(instance, run_job(instance, PREVIEW, "dev", listener=told.append).run_id)

    assert run.status == DagsterRunStatus.FAILURE
    assert run.tags[PARTITION_TAG] == "dev"
    assert run.tags["ils/action"] == "preview"
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == "ils_pipelines"


def test_the_failure_in_the_run_is_the_message_for_people(instance, told) -> None:
    run_id = run_job(instance, PREVIEW, "dev", listener=told.append).run_id

    failures = [
        entry.dagster_event.step_failure_data
        for entry in instance.all_logs(run_id)
        if entry.dagster_event and entry.dagster_event.is_step_failure
    ]
    assert len(failures) == len(Layer)
    assert {failure.user_failure_data.description for failure in failures} == {
        "environment dev lives in the sandbox, which is down. Start it with: ils sandbox start"
    }


def test_a_second_run_on_the_environment_is_refused_and_told_which_is_the_first(instance, told) -> None:
    first = under_way(instance, "dev")

    with pytest.raises(EnvironmentBusy, match=f"run {first.run_id} \\(preview_environment\\) has been working on dev"):
        run_job(instance, PREVIEW, "dev", listener=told.append)

    assert told == []
    statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses.pop(first.run_id) == DagsterRunStatus.STARTED
    assert list(statuses.values()) == [DagsterRunStatus.CANCELED]


def test_a_run_on_another_environment_is_not_in_the_way(instance, told) -> None:
    under_way(instance, "staging")

    run_job(instance, PREVIEW, "dev", listener=told.append)

    assert told


def test_a_run_whose_process_was_killed_is_recorded_as_failed_and_not_in_the_way(instance, told) -> None:
    killed = under_way(instance, "dev", **{HOST_TAG: socket.gethostname()})

    run_job(instance, PREVIEW, "dev", listener=told.append)

    assert told
    assert run_of(instance, killed.run_id).status == DagsterRunStatus.FAILURE


def test_a_run_whose_process_was_killed_keeps_no_other_in_the_queue(instance) -> None:
    """No terminal comes by to find it: the sensor does, and Dagster's own limit lets the next one go."""
    killed = under_way(instance, "dev", **{HOST_TAG: socket.gethostname()})

    environment_files(build_sensor_context(instance=instance))

    assert run_of(instance, killed.run_id).status == DagsterRunStatus.FAILURE


@pytest.mark.parametrize("host", [socket.gethostname(), "another-machine"])
def test_a_run_that_is_at_work_is_left_alone_by_the_sensor(instance, host: str) -> None:
    run = under_way(instance, "dev", **{HOST_TAG: host})

    with alive(instance, run.run_id) if host == socket.gethostname() else nullcontext():
        environment_files(build_sensor_context(instance=instance))

    assert run_of(instance, run.run_id).status == DagsterRunStatus.STARTED


def test_a_run_that_ended_while_it_was_looked_at_keeps_its_end(instance) -> None:
    looked_up = under_way(instance, "dev", **{HOST_TAG: socket.gethostname()})
    instance.report_run_canceled(looked_up)

    assert not end_if_lost(instance, looked_up)

    assert run_of(instance, looked_up.run_id).status == DagsterRunStatus.CANCELED


def test_a_run_of_another_machine_is_believed_to_go_on(instance, told) -> None:
    under_way(instance, "dev", **{HOST_TAG: "another-machine"})

    with pytest.raises(EnvironmentBusy, match="on another-machine"):
        run_job(instance, PREVIEW, "dev", listener=told.append)


def test_a_run_that_waits_in_the_queue_is_not_in_the_way(instance, told) -> None:
    earlier = run_of(instance, run_job(instance, PREVIEW, "dev", listener=told.append).run_id)
    instance.create_run_for_job(
        defs.resolve_job_def(PREVIEW),
        status=DagsterRunStatus.QUEUED,
        tags={PARTITION_TAG: "dev"},
        remote_job_origin=earlier.remote_job_origin,
    )
    told.clear()

    run_job(instance, PREVIEW, "dev", listener=told.append)

    assert told
