"""Waiting for a run of Pulumi while somebody may want it to end."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from time import monotonic
from typing import TypeVar

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.pulumi.cli import Command

T = TypeVar("T")
POLL_SECONDS = 0.05


class TimedOut(EngineError):
    """The operation took longer than its environment allows, and was interrupted."""


def watched(work: Callable[[], T], command: Command, *, cancel: threading.Event, timeout: timedelta) -> T:
    """Run `work` in a thread. When `cancel` is set, the time is over, or this thread is interrupted (Ctrl-C, a cancelled
    Dagster run), Pulumi is told to finish what is under way and to end, and is waited for.

    A second interrupt of this thread makes Pulumi end at once. Raises `TimedOut`, or what the interrupt raised here.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 handed to the waiting thread
            result.set_exception(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(run), name="pulumi")
    deadline = monotonic() + timeout.total_seconds()
    interruption: BaseException | None = None
    thread.start()
    while thread.is_alive():
        try:
            thread.join(POLL_SECONDS)
            if not command.interrupted and (cancel.is_set() or monotonic() > deadline):
                if not cancel.is_set():
                    interruption = TimedOut(
                        f"given up after {timeout}: what was under way was finished and recorded, the rest was not "
                        "started. Run it again to go on, with more time under engine.*_timeout_minutes if it needs that."
                    )
                command.interrupt()
        except BaseException as error:  # noqa: BLE001 raised when Pulumi has ended
            interruption = interruption or error
            command.interrupt()
    if interruption is not None:
        raise interruption
    return result.result()
