"""Tearing down ephemeral environments whose time is over.

Nothing else is ever torn down by itself: an environment has to say of itself that it is ephemeral, in the folder where
`ils up --from` writes, and its teardown checks that once more before anything is deleted.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRecord,
    RunRequest,
    RunsFilter,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from ils_pipelines.defs.jobs import CONFIRM, TEARDOWN
from ils_pipelines.defs.launch import PARTITION_TAG
from ils_pipelines.errors import IlsError
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import ephemeral_names, load_environment

EXPIRED_TAG = "ils/expired"
"""On a run: the environment and the end of its time, so that each end is acted upon once."""
ATTEMPT_TAG = "ils/attempt"
MAX_ATTEMPTS = 5
RETRY_AFTER = timedelta(minutes=10)
"""What AWS refuses to delete now, because something still uses it, it often deletes a little later."""
SECONDS_BETWEEN_LOOKS = 60
_ENDED = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


@sensor(
    name="expired_environments",
    job_name=TEARDOWN,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=DefaultSensorStatus.RUNNING,
    description="Tears an ephemeral environment down when its time is over. Never any other.",
)
def expired_environments(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    requests, notes = [], []
    for environment, problem in _ephemeral():
        if environment is None:
            notes.append(problem)
            continue
        outcome = due_teardown(context.instance, environment, datetime.now(UTC))
        if isinstance(outcome, RunRequest):
            requests.append(outcome)
        elif outcome:
            notes.append(outcome)
    for note in notes:
        context.log.warning(note)
    if requests:
        return SensorResult(run_requests=requests)
    return SkipReason("; ".join(notes) or "no ephemeral environment is past its time")


def due_teardown(instance: DagsterInstance, environment: Environment, now: datetime) -> RunRequest | str:
    """The run that tears the environment down, if one is to be started now; else why not, empty while its time lasts."""
    ephemeral = environment.ephemeral
    if ephemeral is None or not ephemeral.expired(now):
        return ""
    end = f"{environment.name}@{ephemeral.expires:%Y-%m-%dT%H:%M:%SZ}"
    attempts = list(instance.get_run_records(RunsFilter(job_name=TEARDOWN, tags={EXPIRED_TAG: end})))
    if attempts:
        waiting = _waiting(attempts, environment.name, now)
        if waiting:
            return waiting
    number = len(attempts) + 1
    return RunRequest(
        run_key=f"{end}#{number}",
        partition_key=environment.name,
        run_config={"ops": {CONFIRM: {"config": {"confirm": environment.name, "only_expired": True}}}},
        tags={EXPIRED_TAG: end, ATTEMPT_TAG: str(number), PARTITION_TAG: environment.name},
    )


def _waiting(attempts: list[RunRecord], environment: str, now: datetime) -> str:
    """Why no further attempt is due; empty when one is."""
    newest = max(attempts, key=lambda record: record.create_timestamp)
    run = newest.dagster_run
    if run.status not in _ENDED:
        return f"{environment} is past its time; run {run.run_id} is tearing it down"
    if len(attempts) >= MAX_ATTEMPTS:
        return (
            f"{environment} is past its time and could not be torn down in {len(attempts)} attempts; the log of run "
            f"{run.run_id} says why. Mend that, then: ils down {environment} --confirm {environment}"
        )
    ended = datetime.fromtimestamp(newest.end_time, UTC) if newest.end_time else newest.update_timestamp
    again = ended + RETRY_AFTER
    if now < again:
        return (
            f"{environment} is past its time; run {run.run_id} did not tear it down ({run.status.value.lower()}). Attempt "
            f"{len(attempts) + 1} of {MAX_ATTEMPTS} comes at {again:%H:%M} UTC"
        )
    return ""


def _ephemeral() -> Iterator[tuple[Environment | None, str]]:
    """Every ephemeral environment, or what is wrong with its file: then it is not known when its time is over."""
    for name in ephemeral_names():
        try:
            yield load_environment(name), ""
        except IlsError as error:
            yield None, f"{name} cannot be looked after: {error}"
