"""Waiting for work that somebody may want to end, and that has to end in good order."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05


def interruptible(work: Callable[[], T], stop: Callable[[], None], look: Callable[[], None] = lambda: None) -> T:
    """Run `work` in a thread. When this thread is interrupted (Ctrl-C, a cancelled Dagster run), or `look`, which is called
    now and then, raises, `stop` is called once and the work is waited for: what is under way is finished and recorded.

    Interrupted again, it goes on waiting: giving up would leave behind what nobody knows of. Returns what `work` returns;
    raises what it raised or, before that, what the first interrupt raised here.
    """
    result: Future[T] = Future()
    # Not the thread itself: a join that is interrupted takes it for ended (python/cpython#90882).
    ended = threading.Event()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 handed to the waiting thread
            result.set_exception(error)
        finally:
            ended.set()

    context = contextvars.copy_context()
    threading.Thread(target=lambda: context.run(run), name="engine").start()
    interruption: BaseException | None = None
    stopped = False
    while not ended.is_set():
        try:
            if interruption is not None and not stopped:
                stop()
                stopped = True
            ended.wait(POLL_SECONDS)
            if interruption is None:
                look()
        except BaseException as error:  # noqa: BLE001 raised when the work has ended
            interruption = interruption or error
    if interruption is not None:
        raise interruption
    return result.result()
