"""What an operation did or would do, and telling of it while it happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from ils_pipelines.engine.models import (
    AppliedChange,
    Change,
    EngineEvent,
    EventKind,
    OutputValue,
    Plan,
    Stack,
    UpResult,
)
from ils_pipelines.engine.protocol import OnEvent


class Recorder:
    """The changes of one operation and the events that tell of them. Thread-safe; listeners are called one at a time."""

    def __init__(self, stack: Stack, on_event: OnEvent) -> None:
        self._stack = stack
        self._on_event = on_event
        self._lock = threading.RLock()
        self._began = monotonic()
        self.applied: list[AppliedChange] = []
        self.planned: list[Change] = []
        self.unchanged = 0

    def note(self, message: str) -> None:
        self._emit(EventKind.NOTE, message=message)

    def same(self) -> None:
        with self._lock:
            self.unchanged += 1

    def would(self, change: Change) -> None:
        """Take what a preview says."""
        with self._lock:
            self.planned.append(change)
        self._emit(EventKind.FINISHED, change)

    def starts(self, change: Change) -> None:
        self._emit(EventKind.STARTED, change)

    def did(self, change: Change, duration: timedelta) -> None:
        with self._lock:
            self.applied.append(AppliedChange(change=change, duration=duration))
        self._emit(EventKind.FINISHED, change, duration=duration)

    def did_not(self, change: Change, reason: str, duration: timedelta) -> None:
        """Tell of what failed."""
        self._emit(EventKind.FAILED, change, message=reason, duration=duration)

    @contextmanager
    def carrying_out(self, change: Change) -> Iterator[Callable[[str], None]]:
        """Tell of a change while it is made. Yields a function that takes the id of a resource once it is known."""
        self.starts(change)
        started = monotonic()
        ids = [change.id]
        try:
            yield ids.append
        except Exception as error:
            self.did_not(change, str(error), _since(started))
            raise
        self.did(change.model_copy(update={"id": ids[-1]}), _since(started))

    def plan(self) -> Plan:
        """What a preview said, by URN."""
        changes = tuple(sorted(self.planned, key=lambda change: change.urn))
        return Plan(project=self._stack.project, stack=self._stack.name, changes=changes, unchanged=self.unchanged)

    def result(self, outputs: Mapping[str, OutputValue] | None) -> UpResult:
        """What was done since the recorder was made; the stack has these outputs by now."""
        return UpResult(
            project=self._stack.project,
            stack=self._stack.name,
            applied=tuple(self.applied),
            unchanged=self.unchanged,
            outputs=dict(outputs or {}),
            duration=_since(self._began),
        )

    def _emit(
        self, kind: EventKind, change: Change | None = None, message: str = "", duration: timedelta | None = None
    ) -> None:
        event = EngineEvent(
            kind=kind,
            project=self._stack.project,
            stack=self._stack.name,
            change=change,
            message=message,
            duration=duration,
        )
        with self._lock:
            self._tell(event)

    def _tell(self, event: EngineEvent) -> None:
        self._on_event(event)


def _since(started: float) -> timedelta:
    return timedelta(seconds=monotonic() - started)
