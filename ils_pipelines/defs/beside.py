"""What is not done while a backup set is taken, and the reverse.

The queue gives an environment one run at a time by its partition. That of a set is an environment and a day, so that the
night's set is taken beside most other runs, of which it needs nothing; those below change what it copies.
"""

from collections.abc import Iterable

from dagster import AssetExecutionContext, Failure, OpExecutionContext, RunRecord, RunsFilter

from ils_pipelines.defs.launch import PARTITION_TAG, busy_message
from ils_pipelines.defs.liveness import UNDER_WAY, end_if_lost

DISTURBS = frozenset({"database_upgrade", "restore_environment", "rotate_secrets", "teardown_environment"})
"""Jobs that a set is not taken beside."""


def not_beside_a_set(context: OpExecutionContext) -> None:
    """First of all in a job of `DISTURBS`. Raises `Failure` while a set of its environment is being taken."""
    environment = context.partition_key
    sets = RunsFilter(tags={f"{PARTITION_TAG}/environment": environment}, statuses=UNDER_WAY)
    _refuse(context, environment, context.instance.get_run_records(sets))


def not_beside_what_disturbs(context: AssetExecutionContext, environment: str) -> None:
    """First of all where a set is taken. Raises `Failure` while a job of `DISTURBS` is at work on its environment."""
    runs = context.instance.get_run_records(RunsFilter(tags={PARTITION_TAG: environment}, statuses=UNDER_WAY))
    _refuse(context, environment, [each for each in runs if each.dagster_run.job_name in DISTURBS])


def _refuse(context: OpExecutionContext | AssetExecutionContext, environment: str, others: Iterable[RunRecord]) -> None:
    """Of two that began at the same time, the one that was first goes on."""
    mine = context.instance.get_run_record_by_id(context.run.run_id)
    for other in others:
        if other.start_time is None or other.dagster_run.run_id == context.run.run_id:
            continue  # it has yet to begin, and will look likewise
        if mine is not None and mine.start_time is not None and _order(mine) < _order(other):
            continue
        if not end_if_lost(context.instance, other.dagster_run):
            raise Failure(description=busy_message(environment, other), allow_retries=False)


def _order(record: RunRecord) -> tuple[float, str]:
    return record.start_time or 0.0, record.dagster_run.run_id
