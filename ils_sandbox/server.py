"""Starting, stopping and looking at the sandbox of a state folder, from whatever process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ils_pipelines.errors import IlsError
from ils_sandbox.processes import is_healthy, is_running, resident_megabytes
from ils_sandbox.state import SandboxFiles, SandboxState, last_error, lock_holder
from ils_sandbox.supervisor import ALREADY_UP

SECONDS_TO_START = 90.0
SECONDS_TO_STOP = 40.0
POLL_SECONDS = 0.02


class SandboxError(IlsError):
    """The sandbox could not be started or stopped."""


class ProcessStatus(BaseModel):
    """One process of the sandbox."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    healthy: bool
    memory_megabytes: float | None


class SandboxStatus(BaseModel):
    """What `status` shows of a sandbox that is up."""

    model_config = ConfigDict(frozen=True)

    state: SandboxState
    uptime: timedelta
    processes: tuple[ProcessStatus, ...]

    @property
    def healthy(self) -> bool:
        return all(process.healthy for process in self.processes)


class Started(BaseModel):
    """The result of a start."""

    model_config = ConfigDict(frozen=True)

    state: SandboxState
    was_up: bool


def start(directory: Path, *, kubernetes: bool = True, host_processes: bool = False) -> Started:
    """Start the sandbox of this state folder and return once everything answers; nothing to do when it is up.

    `host_processes` lets Kubernetes jobs run their commands as processes of this machine, until the sandbox is stopped.

    Raises `SandboxError` when it does not come up.
    """
    directory = directory.absolute()
    state = SandboxState.load(directory)
    if state is not None:
        return Started(state=state, was_up=True)
    files = SandboxFiles(directory)
    try:
        files.make()
    except OSError as error:
        message = f"the sandbox keeps its state in {files.sandbox}, which cannot be made: {error.strerror}"
        raise SandboxError(message) from error
    log = files.logs / "supervisor.log"
    arguments = ["--state", str(directory), *([] if kubernetes else ["--without-kubernetes"])]
    arguments += ["--host-processes"] if host_processes else []
    said_before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "ils_sandbox.supervisor", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        code = supervisor.poll()
        state = SandboxState.load(directory)
        if state is not None and (code == ALREADY_UP or state.pid == supervisor.pid):
            # The supervisor outlives this process; nobody is to wait for it here.
            supervisor.returncode = 0
            return Started(state=state, was_up=state.pid != supervisor.pid)
        if code is not None and (code != ALREADY_UP or lock_holder(files.lock) is None):
            message = f"the sandbox did not start: {last_error(log, said_before)}"
            raise SandboxError(message)
        time.sleep(POLL_SECONDS)
    message = f"the sandbox does not answer after {SECONDS_TO_START:.0f} s; see {files.logs}"
    raise SandboxError(message)


def stop(directory: Path) -> bool:
    """Stop the sandbox of this state folder and wait until it has saved its state. False when it was not up.

    Raises `SandboxError` when it does not end.
    """
    lock = SandboxFiles(directory).lock
    deadline = time.monotonic() + SECONDS_TO_STOP
    pid = lock_holder(lock)
    if pid is None:
        return False
    # Only the holder of the lock is signalled: its id cannot have been given to another process.
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    while lock_holder(lock) is not None or (pid and is_running(pid)):
        if time.monotonic() > deadline:
            message = f"the sandbox (pid {pid}) does not end; see {SandboxFiles(directory).logs}"
            raise SandboxError(message)
        time.sleep(POLL_SECONDS)
    return True


def status(directory: Path) -> SandboxStatus | None:
    """What runs for this state folder; None when the sandbox is down."""
    state = SandboxState.load(directory)
    if state is None:
        return None
    processes = [
        ProcessStatus(name="supervisor", pid=state.pid, healthy=True, memory_megabytes=resident_megabytes(state.pid)),
        _server_status("aws", state.aws.pid, state.aws.endpoint, None),
        _server_status("data", state.data.pid, state.data.endpoint, None),
    ]
    if state.kubernetes is not None:
        kubernetes = state.kubernetes
        processes.append(_server_status("kubernetes", kubernetes.pid, kubernetes.endpoint, kubernetes.ca_file))
    return SandboxStatus(state=state, uptime=datetime.now(UTC) - state.started_at, processes=tuple(processes))


def reset(directory: Path) -> Started | None:
    """Delete what the sandbox contains, and the checkpoints, which describe it. Started again if it was up."""
    state = SandboxState.load(directory)
    stop(directory)
    for path in SandboxFiles(directory).data:
        with suppress(FileNotFoundError):
            shutil.rmtree(path)
    return None if state is None else start(directory, kubernetes=state.kubernetes is not None)


def _server_status(name: str, pid: int, endpoint: str, ca_file: Path | None) -> ProcessStatus:
    port = int(endpoint.rpartition(":")[2])
    return ProcessStatus(
        name=name, pid=pid, healthy=is_healthy(port, ca_file, pid), memory_megabytes=resident_megabytes(pid)
    )


def describe(status: SandboxStatus) -> str:
    """The status as JSON, for programs."""
    return json.dumps({"up": True, "healthy": status.healthy, **status.model_dump(mode="json")})
