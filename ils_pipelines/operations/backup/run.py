"""Taking a set: its pieces side by side, each recorded when it is done, the manifest signed at the end.

Whatever interrupts it, the next run of the same set finds the records and takes what is missing. A piece that fails makes the
set partial and is named in the manifest; the others are taken all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.context import PieceFailed, SetCancelled, SetContext, Task
from ils_pipelines.operations.backup.details import Piece
from ils_pipelines.operations.backup.errors import NoSuchSet
from ils_pipelines.operations.backup.manifest import Manifest, PieceFailure, SetStatus
from ils_pipelines.operations.backup.pieces.catalog import all_tasks
from ils_pipelines.operations.backup.places import find_places
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.verify import last_verification
from ils_pipelines.provisioning.code_version import code_version

if TYPE_CHECKING:
    from ils_pipelines.targets.jobs import JobRunner
    from ils_pipelines.targets.protocol import Target


class PieceEvent(StrEnum):
    STARTED = "started"
    SAYS = "says"
    DONE = "done"
    FAILED = "failed"
    FOUND = "found"
    """An earlier run took it."""


@dataclass(frozen=True)
class Progress:
    """What happened to one piece."""

    piece: str
    event: PieceEvent
    text: str = ""


OnProgress = Callable[[Progress], None]


def take_set(
    target: Target,
    set_id: SetId,
    jobs: JobRunner,
    *,
    on_progress: OnProgress = lambda _progress: None,
    cancel: threading.Event | None = None,
) -> Manifest:
    """Take the set, or what is missing of it. Does nothing when it is complete. `jobs` runs what only the cluster can do.

    Raises `NoBackupPlace`; `SetCancelled` after `cancel` was set, with everything kept that is done.
    """
    context = SetContext.open(target, set_id, cancel=cancel, jobs=jobs)
    before = finished(context.bucket, set_id)
    if before is not None and before.status is SetStatus.COMPLETE:
        return before
    started = before.started if before is not None else datetime.now(UTC)
    tasks = all_tasks(context)
    found = context.bucket.finished_pieces(set_id)
    if before is None and not found:
        # Before anything is made: what a killed run leaves is found by the next, or deleted with the set.
        context.bucket.write_begun(set_id, started)
    for name in sorted(found):
        on_progress(Progress(name, PieceEvent.FOUND))
    pieces, failures = _take_all(context, tasks, found, on_progress)
    if context.cancel.is_set():
        raise SetCancelled(f"the set {set_id} was stopped with {len(pieces)} of {len(tasks)} pieces; run it again")
    manifest = Manifest(
        environment=set_id.environment,
        set=set_id.name,
        account=context.places.here.key_arn.split(":")[4],
        region=context.places.here.region,
        dr_region=context.places.there.region,
        code_version=code_version(set_id.environment).name,
        started=started,
        finished=datetime.now(UTC),
        pieces=tuple(sorted(pieces, key=lambda each: each.name)),
        failures=tuple(sorted(failures, key=lambda each: each.name)),
    )
    context.bucket.write_manifest(manifest)
    return manifest


def finished(bucket: SetBucket, set_id: SetId) -> Manifest | None:
    """The set's manifest; None while it has none."""
    try:
        return bucket.manifest(set_id)
    except NoSuchSet:
        return None


def set_to_run(target: Target, now: datetime) -> SetId:
    """The newest set when it is one that an interrupted or partial run left on that day (UTC), or one that nobody could judge
    yet; a new one otherwise.
    """
    bucket = SetBucket(target, find_places(target).here)
    sets = bucket.sets()
    if sets and sets[-1].moment.date() == now.astimezone(UTC).date():
        manifest = finished(bucket, sets[-1])
        if manifest is None or manifest.status is not SetStatus.COMPLETE:
            return sets[-1]
        looked = last_verification(bucket, sets[-1])
        if looked is None or looked.undecided:
            return sets[-1]
    return SetId(target.environment.name, now)


def _take_all(
    context: SetContext, tasks: tuple[Task, ...], found: dict[str, Piece], on_progress: OnProgress
) -> tuple[list[Piece], list[PieceFailure]]:
    taking: dict[str, Future[Piece]] = {}
    failures: list[PieceFailure] = []
    with ThreadPoolExecutor(context.target.environment.backup.parallel, thread_name_prefix="piece") as pool:
        for task in tasks:
            if task.name in found:
                taking[task.name] = Future()
                taking[task.name].set_result(found[task.name])
            else:
                # A piece that another needs began before it: waiting for it cannot block them all.
                before = taking[task.after] if task.after is not None else None
                taking[task.name] = pool.submit(_take, context, task, before, on_progress)
    pieces = []
    for task in tasks:
        error = taking[task.name].exception()
        if error is None:
            pieces.append(taking[task.name].result())
        elif not isinstance(error, SetCancelled):
            failures.append(PieceFailure(name=task.name, kind=task.kind, reason=_reason(error)))
    return pieces, failures


def _take(context: SetContext, task: Task, before: Future[Piece] | None, on_progress: OnProgress) -> Piece:
    if before is not None and before.exception() is not None:
        raise PieceFailed(f"the piece {task.after}, which it is made from, is missing")
    if context.cancel.is_set():
        raise SetCancelled(task.name)
    on_progress(Progress(task.name, PieceEvent.STARTED))
    own = replace(context, say=lambda line: on_progress(Progress(task.name, PieceEvent.SAYS, line)))
    try:
        piece = task.take(own)
        context.bucket.write_piece(context.set_id, piece)
    except Exception as error:
        on_progress(Progress(task.name, PieceEvent.FAILED, _reason(error)))
        raise
    on_progress(Progress(task.name, PieceEvent.DONE))
    return piece


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, IlsError) else f"{type(error).__name__}: {error}"
