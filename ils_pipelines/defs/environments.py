"""Every environment is a partition, named after its file.

Environments come and go while Dagster runs: `ils up NAME --from BASE` makes one, its teardown ends it. Partitions are
therefore dynamic, kept in the instance, where a webserver and a daemon that are running see them at once; static ones are
known to a code location from when it was loaded. They are brought in line with the files by whoever starts something: every
run from a terminal, `ils ui`, and a sensor for all others. The same sensor ends the runs of terminals that were killed.
"""

from collections.abc import Sequence

from dagster import (
    AddDynamicPartitionsRequest,
    DagsterInstance,
    DefaultSensorStatus,
    DeleteDynamicPartitionsRequest,
    DynamicPartitionsDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from ils_pipelines.defs.liveness import end_lost_runs
from ils_pipelines.settings.loading import environment_names

PARTITIONS = "environments"
ENVIRONMENTS = DynamicPartitionsDefinition(name=PARTITIONS)
SECONDS_BETWEEN_LOOKS = 30


def register_environments(instance: DagsterInstance) -> None:
    """Make the partitions of the instance those that there are files of."""
    names = environment_names()
    known = instance.get_dynamic_partitions(PARTITIONS)
    if new := _missing(names, known):
        instance.add_dynamic_partitions(PARTITIONS, new)
    for gone in _missing(known, names):
        instance.delete_dynamic_partition(PARTITIONS, gone)


def forget_environment(instance: DagsterInstance, environment: str) -> None:
    """Take the partition of an environment away. What was recorded of it stays in the instance."""
    if instance.has_dynamic_partition(PARTITIONS, environment):
        instance.delete_dynamic_partition(PARTITIONS, environment)


@sensor(
    name="environment_files",
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=DefaultSensorStatus.RUNNING,
    description="Adds a partition for every new environment file and takes away those whose file is gone; ends "
    "runs whose terminal was killed. Starts no run.",
    # A sensor has to have a target; this one requests no run of it.
    job_name="preview_environment",
)
def environment_files(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    for run_id in end_lost_runs(context.instance):
        context.log.warning(f"run {run_id} is recorded as failed: the process that executed it is gone")
    names = environment_names()
    known = context.instance.get_dynamic_partitions(PARTITIONS)
    requests: list[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest] = []
    if new := _missing(names, known):
        requests.append(ENVIRONMENTS.build_add_request(new))
    if gone := _missing(known, names):
        requests.append(ENVIRONMENTS.build_delete_request(gone))
    return SensorResult(dynamic_partitions_requests=requests) if requests else SkipReason("no file came or went")


def _missing(wanted: Sequence[str], known: Sequence[str]) -> list[str]:
    """What of `wanted` is not in `known`."""
    return [name for name in wanted if name not in set(known)]
