"""Jobs inside an environment's cluster: for work on what only the cluster reaches, such as its private database.

A job is a Kubernetes Job of one pod that is tried once. It is known by its name: whoever asks for a job that is there
already, because the process that asked before died, waits for that one instead of starting another.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ils_pipelines.errors import IlsError
from ils_pipelines.targets.job_logs import last_lines, stream_logs
from ils_pipelines.targets.job_manifest import CONTAINER, job_manifest, secret_manifest

LOOK_AGAIN_SECONDS = 5
"""How long one watch lasts before cancellation and time are looked at."""
_REQUEST_TIMEOUT = (5, 60)

OnLine = Callable[[str], None]


class JobFailed(IlsError):
    """The job did not do what it was for. `exit_code` is None when its container never ran."""

    def __init__(self, name: str, why: str, exit_code: int | None, last_lines: tuple[str, ...] = ()) -> None:
        self.exit_code = exit_code
        log = "".join(f"\n  {line}" for line in last_lines)
        super().__init__(f"the job {name} in the cluster failed: {why}." + (f" It said last:{log}" if log else ""))


class JobCancelled(IlsError):
    """The job was taken away because somebody asked for it."""


@dataclass(frozen=True)
class ClusterJob:
    """What is to run, and with what."""

    name: str
    """A DNS label that says what is done for what, e.g. `dump-2026-11-25`."""
    namespace: str
    image: str
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables whose values are seen in the container alone: they go through a Secret that lives as long as the job."""
    service_account: str | None = None
    cpu: str = "500m"
    memory: str = "512Mi"
    scratch: str = "1Gi"
    """Room in `/tmp`, the only place where the container may write."""
    timeout: timedelta = timedelta(hours=1)
    start_timeout: timedelta = timedelta(minutes=10)
    """How long a node and the image may take: a node group at zero has to start a node first."""
    kept: timedelta = timedelta(hours=1)
    """How long the job and its log can be looked at afterwards."""


@dataclass(frozen=True)
class JobResult:
    """A job that ended well."""

    name: str
    pod: str
    attached: bool
    """Whether the job was there already."""


def run_job(api: Any, job: ClusterJob, *, on_line: OnLine, cancel: threading.Event | None = None) -> JobResult:
    """Run a job to its end. `api` is a `kubernetes.client.ApiClient`; `on_line` gets each line of the log as it is written.

    Raises `JobFailed`, with the pod's reason and its last lines; `JobCancelled` after `cancel` was set, with the job gone.
    """
    from kubernetes.client import BatchV1Api, CoreV1Api

    batch, core = BatchV1Api(api), CoreV1Api(api)
    attached = _start(batch, core, job)
    try:
        try:
            pod = _started_pod(batch, core, job, cancel)
        except JobFailed:
            _delete(batch, job)  # it would begin later, when nobody waits for it any more
            raise
        stream_logs(core, pod, job.namespace, CONTAINER, on_line, cancelled=lambda: _is_set(cancel))
        _ended(batch, core, job, cancel)
    except (JobCancelled, KeyboardInterrupt):
        _delete(batch, job)
        raise
    finally:
        if job.secrets:
            _delete_secret(core, job)
    return JobResult(job.name, pod, attached)


def _start(batch: Any, core: Any, job: ClusterJob) -> bool:
    """Make the job and its Secret. True when the job was there already."""
    from kubernetes.client.exceptions import ApiException

    if job.secrets:
        _make_secret(core, job)
    try:
        made = batch.create_namespaced_job(job.namespace, job_manifest(job), _request_timeout=_REQUEST_TIMEOUT)
    except ApiException as error:
        if error.status == 409:
            return True
        raise JobFailed(
            job.name, f"the cluster refuses it ({error.status} {error.reason}: {_message(error)})", None
        ) from None
    if job.secrets:
        # So that it goes with the job even if this process does not live to delete it.
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": made.metadata.uid}
        body = {"metadata": {"ownerReferences": [owner]}}
        core.patch_namespaced_secret(job.name, job.namespace, body, _preload_content=False)
    return False


def _make_secret(core: Any, job: ClusterJob) -> None:
    from kubernetes.client.exceptions import ApiException

    try:
        # Its answer is not read: the client would write it to its debug log.
        core.create_namespaced_secret(
            job.namespace, secret_manifest(job), _preload_content=False, _request_timeout=_REQUEST_TIMEOUT
        )
    except ApiException as error:
        if error.status != 409:
            # The error's own text shows the request.
            raise JobFailed(job.name, f"its Secret cannot be made ({error.status} {error.reason})", None) from None


def _started_pod(batch: Any, core: Any, job: ClusterJob, cancel: threading.Event | None) -> str:
    """The name of the job's pod once its container runs or has run."""
    deadline = time.monotonic() + job.start_timeout.total_seconds()
    why = "no pod was made for it"
    while True:
        for pod in _watch(core.list_namespaced_pod, job.namespace, label_selector=f"job-name={job.name}"):
            state = _container_state(pod)
            if state is not None and (state.running or state.terminated):
                return str(pod.metadata.name)
            why = _waiting_for(pod, state)
            if time.monotonic() > deadline or _is_set(cancel):
                break
        if _is_set(cancel):
            raise JobCancelled(f"the job {job.name} was cancelled before it began")
        _raise_if_failed(core, job, batch.read_namespaced_job(job.name, job.namespace))
        if time.monotonic() > deadline:
            minutes = job.start_timeout.total_seconds() / 60
            raise JobFailed(job.name, f"it did not begin within {minutes:g} minutes: {why}", None)


def _ended(batch: Any, core: Any, job: ClusterJob, cancel: threading.Event | None) -> None:
    """Wait for the job to be told complete. Raises `JobFailed` when it is told failed."""
    while True:
        if _is_set(cancel):
            raise JobCancelled(f"the job {job.name} was cancelled")
        for found in _watch(batch.list_namespaced_job, job.namespace, field_selector=f"metadata.name={job.name}"):
            _raise_if_failed(core, job, found)
            if _has(found, "Complete"):
                return


def _raise_if_failed(core: Any, job: ClusterJob, found: Any) -> None:
    if condition := _has(found, "Failed"):
        raise _failure(core, job, condition)


def _has(found: Any, kind: str) -> Any:
    """The condition of that type, when it holds."""
    conditions = found.status.conditions or ()
    return next((each for each in conditions if each.type == kind and each.status == "True"), None)


def _failure(core: Any, job: ClusterJob, condition: Any) -> JobFailed:
    if condition.reason == "DeadlineExceeded":
        return JobFailed(job.name, f"it was not done within {job.timeout} (h:mm:ss)", None)
    for pod in core.list_namespaced_pod(job.namespace, label_selector=f"job-name={job.name}").items:
        state = _container_state(pod)
        if state is not None and state.terminated:
            ended = state.terminated
            lines = last_lines(core, pod.metadata.name, job.namespace, CONTAINER)
            why = f"{ended.reason or 'it ended'} with exit code {ended.exit_code}"
            return JobFailed(job.name, why, ended.exit_code, lines)
    return JobFailed(job.name, f"{condition.reason}: {condition.message}", None)


def _watch(list_: Any, namespace: str, **selectors: str) -> Iterator[Any]:
    """What is there, then what changes, for a few seconds. Ends early when the connection does."""
    from kubernetes.watch import Watch
    from urllib3.exceptions import HTTPError

    with suppress(HTTPError):  # looked at again by whoever asks
        for event in Watch().stream(list_, namespace, timeout_seconds=LOOK_AGAIN_SECONDS, **selectors):
            yield event["object"]


def _container_state(pod: Any) -> Any:
    statuses = (pod.status and pod.status.container_statuses) or ()
    return next((each.state for each in statuses if each.name == CONTAINER), None)


def _waiting_for(pod: Any, state: Any) -> str:
    if state is not None and state.waiting:
        return f"{state.waiting.reason}: {state.waiting.message or 'no reason given'}"
    unmet = [each for each in (pod.status.conditions or ()) if each.status == "False" and each.message]
    return f"{unmet[0].reason}: {unmet[0].message}" if unmet else f"the pod is {pod.status.phase}"


def _delete(batch: Any, job: ClusterJob) -> None:
    from kubernetes.client.exceptions import ApiException

    try:
        batch.delete_namespaced_job(job.name, job.namespace, propagation_policy="Background")
    except ApiException as error:
        if error.status != 404:
            raise


def _delete_secret(core: Any, job: ClusterJob) -> None:
    from kubernetes.client.exceptions import ApiException

    try:
        core.delete_namespaced_secret(job.name, job.namespace)
    except ApiException as error:
        if error.status != 404:
            raise


def _is_set(cancel: threading.Event | None) -> bool:
    return cancel is not None and cancel.is_set()


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return "no message"
