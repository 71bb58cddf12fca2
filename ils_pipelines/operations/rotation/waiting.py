"""Waiting for what AWS does in its own time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.operations.rotation.models import RotationFailed

_POLL_SECONDS = (0.1, 5.0)
T = TypeVar("T")


def until(look: Callable[[], T | None], subject: str, expected: str, patience: timedelta, cancel: threading.Event) -> T:
    """The first thing that `look` finds. Raises `RotationFailed` when it takes too long, and `OperationCancelled`."""
    end = time.monotonic() + patience.total_seconds()
    wait = _POLL_SECONDS[0]
    while (found := look()) is None:
        if time.monotonic() >= end:
            raise RotationFailed(
                subject, expected, f"nothing of the kind after {patience}", "Rotate again: it goes on where this ended."
            )
        if cancel.wait(wait):
            raise OperationCancelled(f"stopped waiting for {subject}; the next rotation goes on where this ended")
        wait = min(wait * 1.5, _POLL_SECONDS[1])
    return found
