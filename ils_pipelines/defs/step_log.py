"""What an engine does, in the log of a Dagster step: a line per finished change, and now and then what is still going on."""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from dagster import DagsterLogManager

from ils_pipelines.engine.models import EngineEvent, EventKind

STILL_SECONDS = 15.0
"""How often to say what is under way. Every entry is a transaction of the event log: beginnings are not told one by one, as
most changes are finished long before this."""
MAX_NAMES = 8

_LEVELS = {EventKind.FINISHED: logging.INFO, EventKind.FAILED: logging.ERROR, EventKind.NOTE: logging.INFO}


class StepLog:
    """A listener of an engine that writes to a step's log. A context manager, for as long as the operation lasts.

    `log` belongs to the step, so that entries stand under the right one from whatever thread the engine calls.
    """

    def __init__(self, log: DagsterLogManager, still_seconds: float = STILL_SECONDS) -> None:
        self._log = log
        self._still_seconds = still_seconds
        self._under_way: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tell_what_is_under_way, name="step log")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def __call__(self, event: EngineEvent) -> None:
        if event.change is not None:
            with self._lock:
                if event.kind is EventKind.STARTED:
                    change = event.change
                    self._under_way[change.urn] = (f"{change.operation} {change.name}", time.monotonic())
                else:
                    self._under_way.pop(event.change.urn, None)
        if event.kind in _LEVELS:
            self._log.log(_LEVELS[event.kind], describe(event))

    def _tell_what_is_under_way(self) -> None:
        while not self._done.wait(self._still_seconds):
            now = time.monotonic()
            with self._lock:
                waiting = [f"{what} ({now - since:.0f} s)" for what, since in self._under_way.values()]
            if waiting:
                more = f" and {len(waiting) - MAX_NAMES} more" if len(waiting) > MAX_NAMES else ""
                self._log.info("under way: " + ", ".join(waiting[:MAX_NAMES]) + more)


def describe(event: EngineEvent) -> str:
    """One line, e.g. `create aws:ec2/vpc:Vpc main finished in 1.2 s`."""
    if event.change is None:
        return event.message
    change = event.change
    took = f" in {event.duration.total_seconds():.1f} s" if event.duration is not None else ""
    said = f": {event.message}" if event.message else ""
    return f"{change.operation} {change.type} {change.name} {event.kind}{took}{said}"
