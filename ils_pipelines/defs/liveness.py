"""Whether the process of a run that a terminal started is still there. Dagster itself sees only to those that it launched."""

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

HOST_TAG = "ils/host"
UNDER_WAY = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def end_lost_runs(instance: DagsterInstance) -> list[str]:
    """The ids of the runs that a terminal of this machine started and that have no process any more: they have failed now,
    so that the queue keeps their environment's slot no longer.
    """
    here = RunsFilter(tags={HOST_TAG: socket.gethostname()}, statuses=UNDER_WAY)
    return [run.run_id for run in instance.get_runs(here) if end_if_lost(instance, run)]


def end_if_lost(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether the run was started by a terminal of this machine whose process has gone; it is recorded as failed then."""
    if run.tags.get(HOST_TAG) != socket.gethostname():
        return False
    with _alive_file(instance, run.run_id).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        now = instance.get_run_by_id(run.run_id)
        lost = now is not None and now.status in UNDER_WAY  # else it has ended since it was looked up
        if lost:
            instance.report_run_failed(run, "The process that executed the run is gone.")
        _alive_file(instance, run.run_id).unlink(missing_ok=True)
    return lost


@contextmanager
def alive(instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold a lock for as long as this process works on the run; the system lets go of it however the process ends."""
    path = _alive_file(instance, run_id)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _alive_file(instance: DagsterInstance, run_id: str) -> Path:
    folder = Path(instance.root_directory) / "terminals"
    folder.mkdir(exist_ok=True)
    return folder / f"{run_id}.lock"
