"""The logical dump, by a job in the environment's cluster: the database is private, and only the cluster reaches it.

The job finds what it is to do in the bucket and leaves its result there, so that a run that was killed meanwhile finds the
job, or what it left, and dumps nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ils_pipelines.operations.access.database import database_access
from ils_pipelines.operations.backup.context import PieceFailed, SetCancelled, SetContext, Task
from ils_pipelines.operations.backup.details import Piece, PieceKind
from ils_pipelines.operations.backup.dump import DumpOrder
from ils_pipelines.operations.backup.manifest import canonical
from ils_pipelines.operations.backup.room import ensure_room
from ils_pipelines.settings.backup import BACKUP_ACCOUNT
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.jobs import ClusterJob, JobCancelled, JobFailed

NAME = "database-dump"
PASSWORD_VARIABLE = "ILS_DATABASE_PASSWORD"  # noqa: S105 the name of a variable
_MOST_ATTEMPTS = 20


def tasks(_context: SetContext) -> Iterator[Task]:
    yield Task(NAME, PieceKind.DATABASE_DUMP, _take)


def _take(context: SetContext) -> Piece:
    result_key = f"{context.set_id.prefix}orders/{NAME}.result.json"
    if (found := _result(context, result_key)) is not None:
        return found
    access = database_access(context.target, context.output(Layer.DATABASE, "cluster_identifier"))
    order = DumpOrder(
        piece=NAME,
        region=context.places.here.region,
        bucket=context.places.here.bucket,
        key=context.data_key("database.dump"),
        record_key=result_key,
        host=access.host,
        port=access.port,
        database=access.database,
        user=access.login.user,
        authorities=access.authorities.read_text(encoding="utf-8"),
    )
    order_key = f"{context.set_id.prefix}orders/{NAME}.json"
    context.bucket.write(order_key, canonical(order))
    run_in_cluster(
        context,
        f"dump-{context.set_id.resource_name.removeprefix('ils-')}",
        ("ils", "cluster-job", "dump-database", context.bucket.place(order_key), "--region", order.region),
        secrets={PASSWORD_VARIABLE: access.login.password},
    )
    found = _result(context, result_key)
    if found is None:
        raise PieceFailed(
            f"expected the dump's result in {context.bucket.place(result_key)}, found none. Run it again."
        )
    return found


def run_in_cluster(context: SetContext, name: str, command: tuple[str, ...], *, secrets: dict[str, str]) -> None:
    """Run a job of ours, or wait for the one that an interrupted run left. Raises `PieceFailed`, `SetCancelled`."""
    environment = context.target.environment
    api = context.target.kubernetes(context.output(Layer.CLUSTER, "cluster_name"))
    namespace = ensure_room(api, environment)
    job = ClusterJob(
        name=_next_name(api, namespace, name),
        namespace=namespace,
        image=environment.backup.image,
        command=command,
        secrets=secrets,
        service_account=BACKUP_ACCOUNT,
        cpu=environment.backup.cpu,
        memory=environment.backup.memory,
        timeout=timedelta(hours=environment.backup.dump_hours),
    )
    try:
        context.jobs(api, job, on_line=context.say, cancel=context.cancel)
    except JobCancelled as cancelled:
        raise SetCancelled(str(cancelled)) from cancelled
    except JobFailed as failed:
        raise PieceFailed(str(failed)) from failed


def _next_name(api: Any, namespace: str, name: str) -> str:
    """Of the job that is under way or did well, or of the next one after those that failed."""
    from kubernetes.client import BatchV1Api

    found = {job.metadata.name: job for job in BatchV1Api(api).list_namespaced_job(namespace).items}
    for number in range(1, _MOST_ATTEMPTS + 1):
        attempt = f"{name}-{number}"
        job = found.get(attempt)
        if job is None or not any(
            each.type == "Failed" and each.status == "True" for each in job.status.conditions or ()
        ):
            return attempt
    raise PieceFailed(f"{_MOST_ATTEMPTS} jobs {name} failed within the last hour. Look at their logs.")


def _result(context: SetContext, key: str) -> Piece | None:
    """What a job left, unless its dump is not there (any more)."""
    found = context.bucket.record(key, Piece)
    if found is None or found.object is None or found.object.key != context.data_key("database.dump"):
        return None
    head = context.bucket.head(found.object)
    return found if head is not None and head.size == found.size else None
