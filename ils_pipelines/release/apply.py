"""Making the cluster what the release says, and taking a release away again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from ils_pipelines.engine.errors import OperationCancelled, ResourceFailed
from ils_pipelines.engine.models import SECRET, AppliedChange, Change, EngineEvent, EventKind
from ils_pipelines.engine.protocol import OnEvent
from ils_pipelines.release import replicas
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.conflicts import conflicts_of, made_by_us
from ils_pipelines.release.errors import ApiFailure, FieldConflict
from ils_pipelines.release.objects import AUTOSCALER, RELEASED, Manifest, Ref
from ils_pipelines.release.plan import MOST_CALLS_AT_ONCE, PROJECT, Survey, in_deletion_order, namespace_of

SECONDS_TO_BE_GONE = 180.0
"""A namespace goes when its last pod has stopped."""
_POLL_SECONDS = (0.05, 2.0)


@dataclass(frozen=True)
class Applier:
    """Carries out the changes of one survey, telling `on_event` about each."""

    cluster: Cluster
    survey: Survey
    on_event: OnEvent
    cancel: threading.Event
    secrets: Mapping[str, str] = field(repr=False)
    """Values that no message may show."""
    force: bool = False
    first_replicas: int = 1
    """Of a deployment that does not say how many pods it has, when it is made."""

    def note(self, message: str) -> None:
        self._emit(EventKind.NOTE, None, message)

    def rehearse(self) -> None:
        """Have the server say of every change whether it would make it: quotas, admission and conflicts come up before
        anything is applied. What is to be made in a namespace that is not there yet cannot be rehearsed."""
        there = [
            (manifest, change)
            for manifest, change in self._changes()
            if namespace_of(manifest.ref) in self.survey.live and not self.survey.is_going(manifest.ref)
        ]
        self._together([partial(self._rehearse, *pair) for pair in there])

    def up(self) -> list[AppliedChange]:
        """Apply what differs, step by step, then remove what is left over."""
        # An autoscaler that leaves goes first: it would change the number of pods that the deployment then says.
        leaving = [ref for ref in self.survey.surplus if ref.kind == AUTOSCALER.kind]
        applied = self.remove(leaving) + self.apply()
        return applied + self.remove([ref for ref in self.survey.surplus if ref not in leaving])

    def apply(self) -> list[AppliedChange]:
        """Apply what differs, step by step, and remove nothing."""
        changes = self._changes()
        applied: list[AppliedChange] = []
        for step in RELEASED:
            applied += self._together([partial(self._apply, *pair) for pair in changes if pair[0].kind in step])
        return applied

    def remove(self, refs: Sequence[Ref]) -> list[AppliedChange]:
        """Delete these objects, those applied last first, and wait until they are gone."""
        applied: list[AppliedChange] = []
        for step in reversed(RELEASED):
            kinds = {(kind.api_version, kind.kind) for kind in step}
            chosen = [ref for ref in in_deletion_order(refs) if (ref.api_version, ref.kind) in kinds]
            applied += self._together([partial(self._delete, ref) for ref in chosen])
        return applied

    def masked(self, text: str) -> str:
        """The text without the values of secrets."""
        for value in sorted(self.secrets.values(), key=len, reverse=True):
            if value:
                text = text.replace(value, SECRET)
        return text

    def _changes(self) -> list[tuple[Manifest, Change]]:
        return [(each, change) for each in self.survey.manifests if (change := self.survey.change(each))]

    def _together(self, tasks: Sequence[Callable[[], AppliedChange | None]]) -> list[AppliedChange]:
        """Run tasks that do not need each other. All are finished when the first failure is raised."""
        if not tasks:
            return []
        if self.cancel.is_set():
            raise OperationCancelled(
                f"the release of {self.survey.environment} was interrupted: the rest was not applied"
            )
        with ThreadPoolExecutor(MOST_CALLS_AT_ONCE, "ils-release") as pool:
            futures = [pool.submit(task) for task in tasks]
        return [done for future in futures if (done := future.result()) is not None]

    def _rehearse(self, manifest: Manifest, change: Change) -> None:
        try:
            self._send(manifest, dry_run=True)
        except ApiFailure as failure:
            error = self._explained(change, failure)
            self._emit(EventKind.FAILED, change, str(error))
            raise error from None  # the failure's own text may show values

    def _apply(self, manifest: Manifest, change: Change) -> AppliedChange:
        def call() -> Change:
            live = self.survey.live.get(manifest.ref)
            if self.survey.is_going(manifest.ref):
                self._wait_until_gone(manifest.ref, change, live["metadata"]["uid"] if live else "")
                live = None
            if replicas.left_to_others(manifest):
                replicas.hand_over(self.cluster, manifest, live, self.first_replicas)
            body = self._send(manifest)
            return change.model_copy(update={"id": body["metadata"]["uid"]})

        return self._carry_out(change, call)

    def _send(self, manifest: Manifest, *, dry_run: bool = False) -> Object:
        try:
            return self.cluster.apply(manifest.ref, manifest.body, force=self.force, dry_run=dry_run)
        except ApiFailure as failure:
            if not made_by_us(self.cluster, manifest.ref, conflicts_of(failure)):
                raise
            return self.cluster.apply(manifest.ref, manifest.body, force=True, dry_run=dry_run)

    def _delete(self, ref: Ref) -> AppliedChange:
        change = self.survey.deletion(ref)

        def call() -> Change:
            self.cluster.delete(ref)
            self._wait_until_gone(ref, change, change.id or "")
            return change

        return self._carry_out(change, call)

    def _wait_until_gone(self, ref: Ref, change: Change, uid: str) -> None:
        end = time.monotonic() + SECONDS_TO_BE_GONE
        wait = _POLL_SECONDS[0]
        while True:
            found = self.cluster.get(ref)
            if found is None or found["metadata"]["uid"] != uid:
                return
            if time.monotonic() >= end:
                held = ", ".join(found["metadata"].get("finalizers", ())) or "what it contains"
                reason = f"it is still there after {SECONDS_TO_BE_GONE:.0f} s, held by {held}"
                raise ResourceFailed(change.urn, "delete", reason)
            if self.cancel.wait(wait):
                raise OperationCancelled(f"stopped waiting for {ref} to go; the cluster goes on deleting it")
            wait = min(wait * 1.5, _POLL_SECONDS[1])

    def _carry_out(self, change: Change, call: Callable[[], Change]) -> AppliedChange:
        started = time.monotonic()
        self._emit(EventKind.STARTED, change)
        try:
            done = call()
        except ApiFailure as failure:
            error = self._explained(change, failure)
            self._emit(EventKind.FAILED, change, str(error))
            raise error from None  # the failure's own text may show values
        except ResourceFailed as error:
            self._emit(EventKind.FAILED, change, str(error))
            raise
        duration = timedelta(seconds=time.monotonic() - started)
        self.on_event(
            EngineEvent(
                kind=EventKind.FINISHED, project=PROJECT, stack=self.survey.environment, change=done, duration=duration
            )
        )
        return AppliedChange(change=done, duration=duration)

    def _explained(self, change: Change, failure: ApiFailure) -> ResourceFailed:
        conflicts = conflicts_of(failure)
        if conflicts:
            return FieldConflict(change.urn, conflicts)
        return ResourceFailed(change.urn, str(change.operation), self.masked(str(failure)))

    def _emit(self, kind: EventKind, change: Change | None, message: str = "") -> None:
        self.on_event(
            EngineEvent(kind=kind, project=PROJECT, stack=self.survey.environment, change=change, message=message)
        )
