"""Running jobs in an environment's cluster with dagster-k8s: its client waits for the job, its pod and its end.

What it does not do is done here: it gives up at the first image that cannot be pulled, while a registry may only be slow; it
hands out a log when the container has ended, not line by line; and its errors show the whole status of the job.
"""

import logging
import threading
import time
from contextlib import suppress
from typing import Any

from ils_pipelines.targets.job_logs import stream_logs
from ils_pipelines.targets.job_manifest import CONTAINER
from ils_pipelines.targets.job_objects import (
    container_state,
    delete_job,
    delete_secret,
    ended_badly,
    make_job,
    raise_if_failed,
    refusal,
    waiting_for,
)
from ils_pipelines.targets.jobs import ClusterJob, JobCancelled, JobFailed, JobResult, OnLine

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_RETRY_SECONDS = 1
"""Between the client's own attempts when the API server does not answer as it should."""
_LOG = logging.getLogger(__name__)


def run_cluster_job(api: Any, job: ClusterJob, *, on_line: OnLine, cancel: threading.Event | None = None) -> JobResult:
    """A `JobRunner`."""
    from dagster_k8s.client import DagsterK8sAPIRetryLimitExceeded, DagsterK8sUnrecoverableAPIError
    from kubernetes.client.exceptions import ApiException

    running = _Running(api, job, cancel or threading.Event())
    attached = make_job(running.batch, running.core, job)
    try:
        try:
            pod = running.wait_for_start()
        except JobFailed:
            delete_job(running.batch, job)  # it would begin later, when nobody waits for it any more
            raise
        stream_logs(running.core, pod, job.namespace, CONTAINER, on_line, cancelled=running.cancel.is_set)
        running.wait_for_end()
    except (JobCancelled, KeyboardInterrupt):
        delete_job(running.batch, job)
        raise
    except (DagsterK8sAPIRetryLimitExceeded, DagsterK8sUnrecoverableAPIError) as error:
        cause = error.k8s_api_exception
        why = refusal(cause) if isinstance(cause, ApiException) else type(cause).__name__
        raise JobFailed(job.name, f"the cluster does not say how it is ({why})", None) from None
    finally:
        if job.secrets:
            delete_secret(running.core, job)
    return JobResult(job.name, pod, attached)


class _Running:
    """One job that is under way."""

    def __init__(self, api: Any, job: ClusterJob, cancel: threading.Event) -> None:
        from dagster_k8s.client import DagsterKubernetesClient
        from kubernetes.client import BatchV1Api, CoreV1Api

        self.job, self.cancel = job, cancel
        self.batch, self.core = BatchV1Api(api), CoreV1Api(api)
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        # Not `production_client`: that one reads the configuration of the whole process, and logs to the root.
        make: Any = DagsterKubernetesClient  # untyped
        self._client = make(self.batch, self.core, logger=_LOG.debug, sleeper=self._pause, timer=time.monotonic)

    def wait_for_start(self) -> str:
        """The name of the job's pod once its container runs or has run."""
        from dagster_k8s.client import DagsterK8sError
        from urllib3.exceptions import HTTPError

        begun, longest = time.monotonic(), self.job.start_timeout.total_seconds()
        # Zero would be no limit at all.
        limits = {"wait_timeout": longest or 0.001, "start_time": begun, "wait_time_between_attempts": _RETRY_SECONDS}
        while True:
            with suppress(DagsterK8sError, HTTPError, JobFailed):
                pods = self._client.wait_for_job_to_have_pods(self.job.name, self.job.namespace, **limits)
                self._client.wait_for_pod(pods[0].metadata.name, self.job.namespace, **limits)
            why = "no pod was made for it"
            for pod in self._client.get_pods_in_job(self.job.name, self.job.namespace):
                state = container_state(pod)
                if state is not None and (state.running or state.terminated):
                    return str(pod.metadata.name)
                why = waiting_for(pod)
            self._pause()
            if time.monotonic() - begun > longest:
                raise JobFailed(self.job.name, f"it did not begin within {longest / 60:g} minutes: {why}", None)

    def wait_for_end(self) -> None:
        """Raises `JobFailed` when it ends badly. How long it may take is for the cluster to see to."""
        from dagster_k8s.client import DagsterK8sError
        from urllib3.exceptions import HTTPError

        self._pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                self._client.wait_for_running_job_to_succeed(
                    self.job.name, self.job.namespace, wait_timeout=0, wait_time_between_attempts=_RETRY_SECONDS
                )
            except DagsterK8sError:
                raise_if_failed(self.batch, self.core, self.job)
                raise ended_badly(self.core, self.job, "its pod failed") from None
            except HTTPError:
                self._pause()
            else:
                return

    def _pause(self, _seconds: float = 0) -> None:
        """Between two looks: often at first, then seldom, however the client would. Raises `JobCancelled`, `JobFailed`."""
        if self.cancel.wait(self._pause_seconds):
            raise JobCancelled(f"the job {self.job.name} was cancelled")
        self._pause_seconds = min(self._pause_seconds * 1.5, _LONGEST_PAUSE_SECONDS)
        raise_if_failed(self.batch, self.core, self.job)
