"""Running one of the jobs in this process, recorded in the instance like any other run."""

import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagster import DagsterEvent, DagsterInstance, DagsterRun, DagsterRunStatus, RunRecord, RunsFilter
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from ils_pipelines.defs.environments import register_environments
from ils_pipelines.defs.liveness import HOST_TAG, UNDER_WAY, alive, end_if_lost
from ils_pipelines.provisioning.busy import EnvironmentBusy
from ils_pipelines.provisioning.progress import Listener, RunInterrupted, listening, publish

MODULE = "ils_pipelines.definitions"
LOCATION = "ils_pipelines"
"""As in workspace.yaml: the UI shows a run beside its job when it names the same code location."""
PARTITION_TAG = "dagster/partition"

# The log of Dagster's own events on standard error; what a terminal shows comes from the listener.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    run_id: str
    status: DagsterRunStatus

    @property
    def success(self) -> bool:
        return self.status == DagsterRunStatus.SUCCESS

    @property
    def interrupted(self) -> bool:
        return self.status == DagsterRunStatus.CANCELED


def run_job(
    instance: DagsterInstance,
    job_name: str,
    environment: str,
    *,
    listener: Listener,
    run_config: Mapping[str, Any] | None = None,
    extra_tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a job on one environment and wait until it has ended. Call it from the main thread: it handles interrupts.

    Raises `EnvironmentBusy`, before anything is done, while another run works on the environment.
    """
    job = ReconstructableRepository.for_module(MODULE, "defs").get_reconstructable_job(job_name)
    definition = job.get_definition()
    partitions = definition.partitioned_config
    tags = {
        **definition.run_tags,
        **(partitions.get_tags_for_partition_key(environment, job_name) if partitions else {}),
        PARTITION_TAG: environment,
        HOST_TAG: socket.gethostname(),
        **(extra_tags or {}),
    }
    run_id = str(uuid.uuid4())
    register_environments(instance)
    with alive(instance, run_id), listening(run_id, listener):
        run = instance.create_run_for_job(
            definition,
            run_id=run_id,
            run_config={**_QUIET, **(run_config or {})},
            tags=tags,
            job_code_origin=job.get_python_origin(),
            remote_job_origin=_location().get_job_origin(job_name),
        )
        _refuse_a_second_run(instance, environment, run)
        for event in execute_run_iterator(job, run, instance):
            if _is_interrupt(event):
                # Whoever interrupts the terminal asks for the run to end: it was canceled and did not fail.
                instance.report_run_canceling(run)
                publish(run_id, RunInterrupted())
    ended = instance.get_run_by_id(run_id)
    return Outcome(run_id, ended.status if ended else DagsterRunStatus.FAILURE)


def _location() -> RemoteRepositoryOrigin:
    origin = ManagedGrpcPythonEnvCodeLocationOrigin(
        loadable_target_origin=LoadableTargetOrigin(module_name=MODULE), location_name=LOCATION
    )
    return RemoteRepositoryOrigin(code_location_origin=origin, repository_name="__repository__")


def _is_interrupt(event: DagsterEvent) -> bool:
    data = event.event_specific_data
    return event.event_type_value == "ENGINE_EVENT" and "steps_interrupted" in getattr(data, "metadata", {})


def _refuse_a_second_run(instance: DagsterInstance, environment: str, run: DagsterRun) -> None:
    """Raise `EnvironmentBusy` if an older run is under way. The engine's locks are what excludes; this says so first.

    Of two that start at the same moment, the one that was recorded first goes on.
    """
    records = instance.get_run_records(
        RunsFilter(tags={PARTITION_TAG: environment}, statuses=UNDER_WAY), ascending=True
    )
    for record in records:
        if record.dagster_run.run_id == run.run_id:
            return
        if record.dagster_run.status == DagsterRunStatus.NOT_STARTED and HOST_TAG not in record.dagster_run.tags:
            continue  # on its way into the queue, where it waits for this one
        if end_if_lost(instance, record.dagster_run):
            continue
        instance.report_run_canceled(run, "Not started: another run is working on the environment.")
        raise EnvironmentBusy(busy_message(environment, record))


def busy_message(environment: str, other: RunRecord) -> str:
    """What to say of the run that is in the way."""
    run = other.dagster_run
    where = f" on {run.tags[HOST_TAG]}" if HOST_TAG in run.tags else ""
    return (
        f"run {run.run_id} ({run.job_name}{where}) has been working on {environment} since "
        f"{other.create_timestamp:%Y-%m-%d %H:%M:%S} UTC. Wait until it has finished, or end it where it was started."
    )
