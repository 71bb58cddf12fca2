"""Waiting for a run of Pulumi while somebody may want it to end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import TypeVar

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.interruptible import interruptible
from ils_pipelines.engine.pulumi.cli import Command

T = TypeVar("T")


class TimedOut(EngineError):
    """The operation took longer than its environment allows, and was interrupted."""


def watched(work: Callable[[], T], command: Command, *, cancel: threading.Event, timeout: timedelta) -> T:
    """Do `work`. When `cancel` is set, the time is over, or this thread is interrupted, Pulumi is told to finish what is
    under way and to end, and is waited for. Raises `TimedOut`, or what the interrupt raised here."""
    deadline = monotonic() + timeout.total_seconds()

    def look() -> None:
        if cancel.is_set():
            command.interrupt()
        elif monotonic() > deadline:
            raise TimedOut(
                f"given up after {timeout}: what was under way was finished and recorded, the rest was not "
                "started. Run it again to go on, with more time under engine.*_timeout_minutes if it needs that."
            )

    return interruptible(work, command.interrupt, look)
