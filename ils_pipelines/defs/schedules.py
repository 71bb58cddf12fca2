"""A schedule for each environment, so that one can be turned off without the others.

Only what changes nothing is scheduled: scans and reports. Times are UTC.
"""

from collections.abc import Callable

from dagster import DefaultScheduleStatus, RunRequest, ScheduleDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.loading import environment_names, load_environment

SANDBOX = "sandbox"


def environment_schedules(
    job: UnresolvedAssetJobDefinition, cron: Callable[[int], str], description: str
) -> tuple[ScheduleDefinition, ...]:
    """One schedule of `job` per environment, named `<job>_<environment>`.

    `cron` gets the environment's position among all, to keep their runs apart.
    """
    return tuple(
        _schedule(job, environment, cron(position), description)
        for position, environment in enumerate(environment_names())
    )


def _schedule(job: UnresolvedAssetJobDefinition, environment: str, cron: str, description: str) -> ScheduleDefinition:
    return ScheduleDefinition(
        name=f"{job.name}_{environment}".replace("-", "_"),
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        description=f"{environment}: {description}",
        execution_fn=lambda _context: RunRequest(partition_key=environment),
        default_status=(DefaultScheduleStatus.RUNNING if _is_real(environment) else DefaultScheduleStatus.STOPPED),
    )


def _is_real(environment: str) -> bool:
    """Whether it lives somewhere else than in the sandbox, which may well be down at night. One with a wrong file is not
    looked after until the file is right; what is wrong with it, every command says."""
    try:
        return str(load_environment(environment).target) != SANDBOX
    except IlsError:
        return False
