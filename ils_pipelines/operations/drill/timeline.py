"""When what began and ended. May be used from several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ils_pipelines.operations.drill.models import Step, StepStatus

OnStep = Callable[[str, str], None]
"""Told the name of a step, and `started`, `done` or `failed`."""
STARTED = "started"


def ignore_steps(_name: str, _what: str) -> None:
    """For whoever does not want to know."""


class Timeline:
    def __init__(self, on_step: OnStep = ignore_steps) -> None:
        self._on_step = on_step
        self._steps: list[Step] = []
        self._lock = threading.Lock()

    @property
    def steps(self) -> tuple[Step, ...]:
        """In the order in which they began."""
        with self._lock:
            return tuple(sorted(self._steps, key=lambda step: step.started))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done inside. Whoever is told is told before it is done and after: an error of theirs ends the step."""
        started = datetime.now(UTC)
        try:
            self._on_step(name, STARTED)
            yield
        except BaseException:
            self._end(name, started, StepStatus.FAILED)
            raise
        self._end(name, started, StepStatus.DONE)

    def _end(self, name: str, started: datetime, status: StepStatus) -> None:
        with self._lock:
            self._steps.append(Step(name=name, started=started, finished=datetime.now(UTC), status=status))
        self._on_step(name, status.value)

    def finished(self, name: str) -> datetime | None:
        """When a step of that name was done; None where none was."""
        return next((step.finished for step in self.steps if (step.name, step.status) == (name, StepStatus.DONE)), None)
