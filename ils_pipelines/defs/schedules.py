"""A schedule for each environment that lasts, so that one can be turned off without the others, and one for all others.

Only what changes nothing is scheduled: scans and reports. Times are UTC.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from dagster import DefaultScheduleStatus, RunRequest, ScheduleDefinition, ScheduleEvaluationContext, SkipReason
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.folders import environments_directory
from ils_pipelines.settings.loading import ephemeral_names, lasting_names, load_environment

SANDBOX = "sandbox"
Partition = Callable[[str, datetime], str]
"""The partition of a run, given the environment and when the schedule says that it is."""


def _environment_alone(environment: str, _moment: datetime) -> str:
    return environment


def environment_schedules(
    job: UnresolvedAssetJobDefinition,
    cron: Callable[[int], str],
    description: str,
    partition: Partition = _environment_alone,
    setting: str = "",
) -> tuple[ScheduleDefinition, ...]:
    """One schedule of `job` per lasting environment, named `<job>_<environment>`, and `<job>_ephemeral`.

    `cron` gets the environment's position among all, to keep their runs apart. `setting` names what of `schedules` in an
    environment's file says otherwise.
    """
    lasting = lasting_names()
    schedules = [
        _schedule(job, environment, _asked_for(environment, setting) or cron(position), description, partition)
        for position, environment in enumerate(lasting)
    ]
    return (*schedules, _ephemeral_schedule(job, cron(len(lasting)), description, partition))


def _asked_for(environment: str, setting: str) -> str | None:
    found = as_loaded(environment)
    asked: str | None = getattr(found.schedules, setting) if found and setting else None
    return asked


def _ephemeral_schedule(
    job: UnresolvedAssetJobDefinition, cron: str, description: str, partition: Partition
) -> ScheduleDefinition:
    """Environments come and go while the code location stays loaded: which there are is looked up at each tick."""

    def requests(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        names = ephemeral_names()
        yield from (RunRequest(partition_key=partition(name, context.scheduled_execution_time)) for name in names)
        if not names:
            yield SkipReason("there is no ephemeral environment")

    return ScheduleDefinition(
        name=f"{job.name}_ephemeral",
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        description=f"ephemeral environments: {description}",
        execution_fn=requests,
        default_status=DefaultScheduleStatus.STOPPED,
    )


def _schedule(
    job: UnresolvedAssetJobDefinition, environment: str, cron: str, description: str, partition: Partition
) -> ScheduleDefinition:
    def request(context: ScheduleEvaluationContext) -> RunRequest:
        return RunRequest(partition_key=partition(environment, context.scheduled_execution_time))

    return ScheduleDefinition(
        name=f"{job.name}_{environment}".replace("-", "_"),
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        description=f"{environment}: {description}",
        execution_fn=request,
        default_status=(DefaultScheduleStatus.RUNNING if is_real(environment) else DefaultScheduleStatus.STOPPED),
    )


def is_real(environment: str) -> bool:
    """Whether it lives somewhere else than in the sandbox, which may well be down at night."""
    found = as_loaded(environment)
    return found is not None and str(found.target) != SANDBOX


def as_loaded(environment: str) -> Environment | None:
    """What its file said when the code location was loaded. None for a wrong file: what is wrong with it, every command
    says, and its schedules come when it is right.

    Read once, as every schedule asks and reading takes ten milliseconds.
    """
    return _read(environments_directory(), environment)


@cache
def _read(_directory: Path, environment: str) -> Environment | None:
    try:
        return load_environment(environment)
    except IlsError:
        return None
