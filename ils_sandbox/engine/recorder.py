"""What an operation did, and telling of it while it happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from ils_pipelines.engine.models import AppliedChange, Change, EngineEvent, EventKind, Stack
from ils_pipelines.engine.protocol import OnEvent


class Recorder:
    """The changes of one operation and the events that tell of them. Thread-safe; listeners are called one at a time."""

    def __init__(self, stack: Stack, on_event: OnEvent) -> None:
        self._stack = stack
        self._on_event = on_event
        self._lock = threading.Lock()
        self.applied: list[AppliedChange] = []
        self.planned: list[Change] = []
        self.unchanged = 0

    def note(self, message: str) -> None:
        self._emit(EventKind.NOTE, message=message)

    def same(self) -> None:
        with self._lock:
            self.unchanged += 1

    def plan(self, change: Change) -> None:
        with self._lock:
            self.planned.append(change)
        self._emit(EventKind.FINISHED, change)

    @contextmanager
    def carrying_out(self, change: Change) -> Iterator[Callable[[str], None]]:
        """Tell of a change while it is made. Yields a function that takes the id of a resource once it is known."""
        self._emit(EventKind.STARTED, change)
        started = monotonic()
        ids = [change.id]
        try:
            yield ids.append
        except Exception as error:
            self._emit(EventKind.FAILED, change, message=str(error), duration=timedelta(seconds=monotonic() - started))
            raise
        done = AppliedChange(
            change=change.model_copy(update={"id": ids[-1]}), duration=timedelta(seconds=monotonic() - started)
        )
        with self._lock:
            self.applied.append(done)
        self._emit(EventKind.FINISHED, done.change, duration=done.duration)

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
            self._on_event(event)
