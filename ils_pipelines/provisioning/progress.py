"""What the layers of a run do, told as it happens to whoever listens in this process.

One path for both of what a terminal shows: the progress while a run goes on, and the summary at its end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ils_pipelines.engine.models import EngineEvent, Outputs, Plan
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.estimate import Estimate
from ils_pipelines.provisioning.leftovers import Leftover
from ils_pipelines.settings.layers import Layer


class Action(StrEnum):
    """What a run does to its layers."""

    PREVIEW = "preview"
    UP = "up"
    DESTROY = "destroy"
    ROLLBACK = "rollback"
    """Releases an earlier release of the application again."""
    SCALE = "scale"
    """Changes how many pods and nodes there are."""
    UPGRADE = "upgrade"
    """Brings the cluster, its nodes or the database to another version."""
    ROTATE = "rotate"
    """Puts other secrets in the place of those that open the database and the cache."""


@dataclass(frozen=True)
class LayerReport:
    """What was done, or would be done, to one layer."""

    environment: str
    layer: Layer
    action: Action
    plan: Plan
    """After an up or a destroy: the changes that were made."""
    outputs: Outputs
    """Of the layer as it is now; empty after a preview or a destroy."""
    duration: timedelta
    cost: Estimate | None = None
    """A month, before and after; None where nobody asked."""


@dataclass(frozen=True)
class LayerStarted:
    layer: Layer
    action: Action


@dataclass(frozen=True)
class LayerEvent:
    layer: Layer
    event: EngineEvent


@dataclass(frozen=True)
class LayerFinished:
    layer: Layer
    report: LayerReport


@dataclass(frozen=True)
class LayerFailed:
    layer: Layer
    error: Exception
    duration: timedelta

    @property
    def message(self) -> str:
        """What to tell a person: an `IlsError` was written for one, of any other error the type matters too."""
        return str(self.error) if isinstance(self.error, IlsError) else f"{type(self.error).__name__}: {self.error}"


@dataclass(frozen=True)
class RunInterrupted:
    """Somebody asked for the run to end: what is under way is finished and recorded first."""


@dataclass(frozen=True)
class LeftoversFound:
    """What a teardown left, found by tag once every layer was destroyed."""

    leftovers: tuple[Leftover, ...]


@dataclass(frozen=True)
class PieceTold:
    """What happened to a piece of a backup set: its name, what, and a line about it."""

    piece: str
    event: str
    text: str = ""


Progress = RunInterrupted | LeftoversFound | PieceTold | LayerStarted | LayerEvent | LayerFinished | LayerFailed
Listener = Callable[[Progress], None]

_listeners: dict[str, Listener] = {}
_lock = threading.Lock()


@contextmanager
def listening(run_id: str, listener: Listener) -> Iterator[None]:
    """Have `listener` called with everything the run publishes, one call at a time, from the threads of its steps."""
    with _lock:
        _listeners[run_id] = listener
    try:
        yield
    finally:
        with _lock:
            del _listeners[run_id]


def publish(run_id: str, progress: Progress) -> None:
    """Tell the run's listener, if there is one."""
    with _lock:
        listener = _listeners.get(run_id)
        if listener is not None:
            listener(progress)
