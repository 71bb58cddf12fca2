"""The objects of a job in the cluster: made, looked at, taken away."""

from __future__ import annotations

import json
from typing import Any

from ils_pipelines.targets.job_logs import last_lines
from ils_pipelines.targets.job_manifest import CONTAINER, job_manifest, secret_manifest
from ils_pipelines.targets.jobs import ClusterJob, JobFailed

_REQUEST_TIMEOUT = (5, 60)
_FAILED = ("Failed", "FailureTarget")
"""Types of condition; the latter says why before the last pod is gone."""


def make_job(batch: Any, core: Any, job: ClusterJob) -> bool:
    """Make the job and its Secret. True when the job was there already. Raises `JobFailed`."""
    from kubernetes.client.exceptions import ApiException

    if job.secrets:
        _make_secret(core, job)
    try:
        made = batch.create_namespaced_job(job.namespace, job_manifest(job), _request_timeout=_REQUEST_TIMEOUT)
    except ApiException as error:
        if error.status == 409:
            return True
        raise JobFailed(job.name, f"the cluster refuses it ({refusal(error)}: {_message(error)})", None) from None
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
            raise JobFailed(job.name, f"its Secret cannot be made ({refusal(error)})", None) from None


def raise_if_failed(batch: Any, core: Any, job: ClusterJob) -> None:
    """Raise `JobFailed` when the job is told failed, or is not there any more."""
    found = next(iter(batch.list_namespaced_job(job.namespace, field_selector=f"metadata.name={job.name}").items), None)
    if found is None:
        raise JobFailed(job.name, "somebody deleted it", None)
    conditions = found.status.conditions or ()
    if condition := next((each for each in conditions if each.type in _FAILED and each.status == "True"), None):
        if condition.reason == "DeadlineExceeded":
            raise JobFailed(job.name, f"it was not done within {job.timeout} (h:mm:ss)", None)
        raise ended_badly(core, job, f"{condition.reason}: {condition.message}")


def ended_badly(core: Any, job: ClusterJob, otherwise: str) -> JobFailed:
    """How its container ended and what it said last; `otherwise` when it is not known to have ended."""
    for pod in core.list_namespaced_pod(job.namespace, label_selector=f"job-name={job.name}").items:
        state = container_state(pod)
        if state is not None and state.terminated:
            ended = state.terminated
            lines = last_lines(core, pod.metadata.name, job.namespace, CONTAINER)
            why = f"{ended.reason or 'it ended'} with exit code {ended.exit_code}"
            return JobFailed(job.name, why, ended.exit_code, lines)
    return JobFailed(job.name, otherwise, None)


def container_state(pod: Any) -> Any:
    statuses = (pod.status and pod.status.container_statuses) or ()
    return next((each.state for each in statuses if each.name == CONTAINER), None)


def waiting_for(pod: Any) -> str:
    """Why the pod has not begun."""
    state = container_state(pod)
    if state is not None and state.waiting:
        return f"{state.waiting.reason}: {state.waiting.message or 'no reason given'}"
    unmet = [each for each in (pod.status.conditions or ()) if each.status == "False" and each.message]
    return f"{unmet[0].reason}: {unmet[0].message}" if unmet else f"the pod is {pod.status.phase}"


def delete_job(batch: Any, job: ClusterJob) -> None:
    """With its pods, in the background: unlike deleting them one by one, this needs no right to delete pods."""
    from kubernetes.client.exceptions import ApiException

    try:
        batch.delete_namespaced_job(job.name, job.namespace, propagation_policy="Background")
    except ApiException as error:
        if error.status != 404:
            raise


def delete_secret(core: Any, job: ClusterJob) -> None:
    from kubernetes.client.exceptions import ApiException

    try:
        core.delete_namespaced_secret(job.name, job.namespace)
    except ApiException as error:
        if error.status != 404:
            raise


def refusal(error: Any) -> str:
    """Of an ApiException: its own text shows headers and bodies."""
    return f"{error.status} {error.reason}"


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return "no message"
