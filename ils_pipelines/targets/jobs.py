"""Jobs inside an environment's cluster: for work on what only the cluster reaches, such as its private database.

A job is a Kubernetes Job of one pod that is tried once. It is known by its name: whoever asks for a job that is there
already, because the process that asked before died, waits for that one instead of starting another.

What is here says what a job is and what running one means. Who runs it, and by which library, is handed in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from ils_pipelines.errors import IlsError

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
class KeyOf:
    """One entry of a ConfigMap or a Secret that is in the job's namespace already."""

    name: str
    key: str
    secret: bool = False


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
    taken: Mapping[str, KeyOf] = field(default_factory=dict)
    """Variables whose values the cluster puts in, from what it has: whoever asks for the job does not see them."""
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


class JobRunner(Protocol):
    """Runs jobs to their end, one for each call."""

    def __call__(
        self, api: Any, job: ClusterJob, /, *, on_line: OnLine, cancel: threading.Event | None = None
    ) -> JobResult:
        """`api` is a `kubernetes.client.ApiClient`; `on_line` gets each line of the log as it is written.

        Raises `JobFailed`, with the pod's reason and its last lines; `JobCancelled` after `cancel` was set, when the
        job is gone.
        """
