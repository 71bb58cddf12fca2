"""A schedule for each environment that lasts, so that one can be turned off without the others, and one for all others.

What is scheduled changes nothing that is live, but for maintenance (see `upgrade`) and office hours. Times are UTC. Of the
ticks that were missed while no daemon ran, Dagster carries the last one out, once; a tick that comes while a run of the same
is still under way starts none, and says so.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultScheduleStatus,
    JobDefinition,
    RunRequest,
    RunsFilter,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ils_pipelines.defs.launch import PARTITION_TAG
from ils_pipelines.defs.liveness import UNDER_WAY, end_if_lost
from ils_pipelines.errors import IlsError
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.folders import environments_directory
from ils_pipelines.settings.loading import ephemeral_names, lasting_names, load_environment
from ils_pipelines.settings.schedules import NEVER

SANDBOX = "sandbox"
_ENVIRONMENT_TAG = f"{PARTITION_TAG}/environment"
"""Of runs whose partition is a day of an environment."""
_UNDER_WAY = [DagsterRunStatus.QUEUED, *UNDER_WAY]
Request = Callable[[str, datetime], RunRequest]
"""The run that a tick asks for, given the environment and when the schedule says that it is, however late that is."""


def _of_environment(environment: str, _moment: datetime) -> RunRequest:
    return RunRequest(partition_key=environment)


def environment_schedules(
    job: UnresolvedAssetJobDefinition,
    cron: Callable[[int], str],
    description: str,
    request: Request = _of_environment,
    setting: str = "",
) -> tuple[ScheduleDefinition, ...]:
    """One schedule of `job` per lasting environment whose file is right, named `<job>_<environment>`, and `<job>_ephemeral`.

    `cron` gets the environment's position among all, right or wrong, to keep their runs apart. `setting` names what of
    `schedules` in an environment's file says otherwise.
    """
    lasting = lasting_names()
    schedules = [
        environment_schedule(job, environment, cron(position), description, request, setting)
        for position, environment in enumerate(lasting)
        # A file of any name may lie there: one that Dagster does not take would keep all the others' from loading.
        if as_loaded(environment) is not None
    ]
    return (*schedules, _ephemeral_schedule(job, cron(len(lasting)), description, request))


def environment_schedule(
    job: UnresolvedAssetJobDefinition | JobDefinition,
    environment: str,
    usual: str,
    description: str,
    request: Request = _of_environment,
    setting: str = "",
    name: str = "",
) -> ScheduleDefinition:
    """Of one environment, at the usual time or when its file says."""
    asked = _asked_for(environment, setting)

    def tick(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        return _one_at_a_time(context, job.name, environment, request)

    return ScheduleDefinition(
        name=f"{name or job.name}_{environment}".replace("-", "_"),
        job=job,
        cron_schedule=usual if asked in (None, NEVER) else asked,
        execution_timezone="UTC",
        description=f"{environment}: {description}",
        execution_fn=tick,
        default_status=(
            DefaultScheduleStatus.RUNNING
            if asked != NEVER and _runs_by_itself(environment)
            else DefaultScheduleStatus.STOPPED
        ),
    )


def _asked_for(environment: str, setting: str) -> str | None:
    found = as_loaded(environment)
    asked: str | None = getattr(found.schedules, setting) if found and setting else None
    return asked


def _ephemeral_schedule(
    job: UnresolvedAssetJobDefinition, cron: str, description: str, request: Request
) -> ScheduleDefinition:
    """Environments come and go while the code location stays loaded: which there are is looked up at each tick."""

    def tick(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        found = [_one_at_a_time(context, job.name, name, request) for name in ephemeral_names()]
        wanted = [each for each in found if isinstance(each, RunRequest)]
        yield from wanted
        if not wanted:
            reasons = [str(each.skip_message) for each in found if isinstance(each, SkipReason)]
            yield SkipReason("; ".join(reasons) or "there is no ephemeral environment")

    return ScheduleDefinition(
        name=f"{job.name}_ephemeral",
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        description=f"ephemeral environments: {description}",
        execution_fn=tick,
        default_status=DefaultScheduleStatus.STOPPED,
    )


def _one_at_a_time(
    context: ScheduleEvaluationContext, job: str, environment: str, request: Request
) -> RunRequest | SkipReason:
    other = _under_way(context.instance, job, environment)
    if other is None:
        return request(environment, context.scheduled_execution_time)
    return SkipReason(
        f"run {other.run_id} of {job} is still {other.status.value.lower()} for {environment}: one at a time. The next tick "
        "comes as planned; where the run hangs, end it in the UI."
    )


def _under_way(instance: DagsterInstance, job: str, environment: str) -> DagsterRun | None:
    for run in instance.get_runs(RunsFilter(job_name=job, statuses=_UNDER_WAY)):
        ours = environment in (run.tags.get(_ENVIRONMENT_TAG), run.tags.get(PARTITION_TAG))
        if ours and not end_if_lost(instance, run):
            return run
    return None


def _runs_by_itself(environment: str) -> bool:
    """Where it lives in the sandbox, which may well be down at night, only where its file asks for that."""
    found = as_loaded(environment)
    return found is not None and (str(found.target) != SANDBOX or found.schedules.in_sandbox)


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
