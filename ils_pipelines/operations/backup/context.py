"""What the pieces of a set are taken with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.details import Piece, PieceKind
from ils_pipelines.operations.backup.errors import BackupError
from ils_pipelines.operations.backup.places import BackupPlaces, find_places
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.jobs import ClusterJob, JobResult, JobRunner
    from ils_pipelines.targets.protocol import Target

SET_TAG = "ils:backup-set"
"""Tag of what a set consists of: what has another value, or none, was not made by us."""
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.2, 15.0


class PieceFailed(BackupError):
    """A piece could not be taken."""


class SetCancelled(BackupError):
    """The run was told to stop. What is done is kept; the next run goes on from there."""


def _looking_only(_api: Any, job: ClusterJob, **_more: Any) -> JobResult:
    raise PieceFailed(
        f"expected only to look at a set, found the job {job.name} asked for. Sets are taken by `take_set`."
    )


@dataclass(frozen=True)
class SetContext:
    """One set, and the way to everything it is made of. May be used from several threads."""

    target: Target
    set_id: SetId
    places: BackupPlaces
    bucket: SetBucket
    cancel: threading.Event
    say: Callable[[str], None]
    """Gets a line now and then about what goes on."""
    jobs: JobRunner
    """Runs jobs in the cluster."""
    _outputs: dict[Layer, Mapping[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(
        cls,
        target: Target,
        set_id: SetId,
        *,
        cancel: threading.Event | None = None,
        say: Callable[[str], None] = lambda _line: None,
        jobs: JobRunner = _looking_only,
    ) -> SetContext:
        """Raises `NoBackupPlace`."""
        places = find_places(target)
        return cls(target, set_id, places, SetBucket(target, places.here), cancel or threading.Event(), say, jobs)

    def client(self, service: str, *, region: str | None = None) -> Any:
        return self.target.client(service, region=region)

    def output(self, layer: Layer, name: str) -> Any:
        """Of a layer's stack. Raises `PieceFailed` while there is none."""
        with self._lock:
            if layer not in self._outputs:
                found = layer_work(self.target, layer).outputs() or {}
                self._outputs[layer] = {each: value.value for each, value in found.items()}
            outputs = self._outputs[layer]
        if name not in outputs:
            environment = self.target.environment.name
            raise PieceFailed(
                f"expected environment {environment} to have a layer {layer} with the output {name}, found none. "
                f"Provision it: ils up {environment}"
            )
        return outputs[name]

    def tags(self) -> list[dict[str, str]]:
        """Of everything that the set makes in AWS, as most APIs take them."""
        environment = self.target.environment
        tags = {
            **environment.aws.tags,
            "environment": environment.name,
            "managed-by": "ils-pipelines",
            "project": "ils",
            SET_TAG: self.set_id.name,
        }
        return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]

    def data_key(self, name: str) -> str:
        return f"{self.set_id.prefix}data/{name}"

    def wait(self, what: str, ready: Callable[[], bool], within: timedelta) -> None:
        """Ask until `ready`, less and less often. Raises `PieceFailed` after that time, `SetCancelled`, what it raises."""
        deadline, pause = time.monotonic() + within.total_seconds(), _FIRST_WAIT_SECONDS
        while not ready():
            if time.monotonic() > deadline:
                raise PieceFailed(
                    f"expected {what} to be done within {within}, found that it is not. Look at it in AWS."
                )
            if self.cancel.wait(pause):
                raise SetCancelled(f"stopped while waiting for {what}; the next run goes on from there")
            pause = min(pause * 1.5, _LONGEST_WAIT_SECONDS)


@dataclass(frozen=True)
class Task:
    """One piece that is to be taken."""

    name: str
    kind: PieceKind
    take: Callable[[SetContext], Piece]
    """Takes it, or takes over what an interrupted run began."""
    after: str | None = None
    """The piece that has to be there before."""


def made_by_set(tags: list[dict[str, str]] | None, set_id: SetId) -> bool:
    """Whether these are the tags of what the set made."""
    found = {each["Key"]: each.get("Value", "") for each in tags or ()}
    return found.get(SET_TAG) == set_id.name and found.get("environment") == set_id.environment


def utc_now() -> datetime:
    return datetime.now(UTC)
