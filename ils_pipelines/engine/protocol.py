"""The engine: what applies a program.

Two implementations keep the promises of `tests/contract/engine`: the real Pulumi CLI for AWS accounts, and the embedded
engine of the sandbox.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from ils_pipelines.engine.models import Drift, EngineEvent, LockHolder, OutputValue, Plan, Stack, UpResult


def ignore_events(_event: EngineEvent) -> None:
    """The default listener."""


class OnEvent(Protocol):
    def __call__(self, event: EngineEvent, /) -> None: ...


class Engine(Protocol):
    """Applies programs to stacks. Every method may be called from several threads, for different stacks at once.

    All raise `EngineError`: `StackLocked` while another operation holds the stack, `CheckpointCorrupt` when its
    checkpoint cannot be read, `OperationCancelled` after `cancel` was set.
    """

    def preview(self, stack: Stack, *, on_event: OnEvent = ignore_events) -> Plan:
        """What `up` would do. Makes no mutating call and writes nothing."""

    def up(
        self,
        stack: Stack,
        *,
        approved: Plan | None = None,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        """Bring the stack to what its program declares.

        With `approved`, previews first, holding the stack's lock, and raises `PlanMismatch`, changing nothing, unless that
        plan `covers` the result (`ils_pipelines.engine.covering`); nothing that it does not cover is done afterwards.
        """

    def refresh(self, stack: Stack, *, record: bool = False, on_event: OnEvent = ignore_events) -> Drift:
        """Compare every resource of the checkpoint with what is really there. Report only; the program is not run.

        With `record`, what was found is written into the checkpoint, and nothing else is changed: the next preview says how
        the next `up` would put it back, making anew what is missing.
        """

    def destroy(
        self, stack: Stack, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None
    ) -> UpResult:
        """Delete every resource of the checkpoint, dependents first. Raises `ProtectedResource` before any change."""

    def outputs(self, stack: Stack) -> Mapping[str, OutputValue] | None:
        """The outputs of the last `up`, secrets in the clear and marked; None when the stack does not exist."""

    def export_state(self, stack: Stack) -> dict[str, Any]:
        """The checkpoint as Pulumi's deployment JSON, version 3, secrets encrypted."""

    def import_state(self, stack: Stack, state: dict[str, Any]) -> None:
        """Replace the checkpoint. Raises `CheckpointCorrupt` when `state` is not a version 3 deployment of it."""

    def lock_holder(self, stack: Stack) -> LockHolder | None:
        """Who is working on the stack now, or, `stale`, was when it ended without giving the lock back."""

    def unlock(self, stack: Stack, *, force: bool = False) -> LockHolder | None:
        """Take away the lock that a process left behind which is gone; whose it was, or None when there was none.

        Raises `StackLocked` while the holder is at work. `force` says that somebody made sure it is gone where that cannot
        be seen from here: on another machine.
        """
